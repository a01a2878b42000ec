"""LobeChat: a canary routed by cookie and weight, promoted step by step."""
