"""One self-contained HTML page, read from a run. No torch."""
