"""Plain modules that return logits; one paper per module."""
