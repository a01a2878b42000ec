"""The nouns every stage speaks: exchange, observation, comparison, tally, verdict. No behavior beyond arithmetic."""
