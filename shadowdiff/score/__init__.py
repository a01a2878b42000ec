"""Compare one pair: small scorers, each seeing one thing, OR-ed by the panel. Pure: no I/O, no clock."""
