"""The command line: options to arguments, nothing else. Heavy imports happen inside commands."""
