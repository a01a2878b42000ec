"""Where the stages meet. Read `pipeline.py` first."""
