"""Chat dialects, one file each: whatever a service sends becomes one Chat record."""
