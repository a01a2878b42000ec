"""A published benchmark of judging: a corpus of our own, faults planted in it, and what each judge finds."""
