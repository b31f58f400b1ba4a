"""The run folder: one truth of one experiment. No torch."""
