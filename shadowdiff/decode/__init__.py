"""Turn the bytes of an answer into a Document that can be compared. Any bytes may come in."""
