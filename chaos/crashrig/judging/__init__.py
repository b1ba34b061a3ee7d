"""The judge, pure: what was promised against what was seen. It imports nothing of the judged."""
