"""Read captured traffic: one module a format, each yielding the same Exchange."""
