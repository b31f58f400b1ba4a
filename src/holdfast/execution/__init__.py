"""Running many jobs on one machine."""
