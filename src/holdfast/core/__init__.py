"""What every room uses and what knows no biology: errors, registries, randomness, devices, safe files."""
