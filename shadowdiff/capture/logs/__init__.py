"""Access logs: the formats that servers write a line at a time."""
