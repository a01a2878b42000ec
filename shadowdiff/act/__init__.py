"""What happens after a verdict: stop the release, and leave a line that proves it."""
