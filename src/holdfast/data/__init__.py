"""Examples of context length: stored once, split, drawn, streamed."""
