"""holdfast: how far can a shift push a transcription-factor-binding classifier? Exactly."""

__version__ = "0.1.0"
__all__ = ["__version__"]
