"""Send each captured request to blue, green (and twin) together, in order within a session, never too hard."""
