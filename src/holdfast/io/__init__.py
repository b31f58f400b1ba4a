"""One format per file: file <-> plain objects; foreign column orders end here."""

from holdfast.io.detect import READERS, detect_format, read
from holdfast.io.records import LabelledSequences

__all__ = ["READERS", "LabelledSequences", "detect_format", "read"]
