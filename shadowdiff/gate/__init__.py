"""Turn counts into a decision that may be watched after every pair (research: gate.md)."""
