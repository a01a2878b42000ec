"""Show a verdict: terminal, page, JUnit, Markdown, metrics. Everything shown is redacted and escaped."""
