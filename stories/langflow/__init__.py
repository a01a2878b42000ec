"""LangFlow: a flow served by lfx, changed while it serves."""
