"""Motifs: matrices with a provenance."""
