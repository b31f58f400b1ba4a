"""Codes and coordinates: what DNA is to us. No files, no models."""
