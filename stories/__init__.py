"""Five stories on real products: what runs in them, started on this machine. See README.md."""
