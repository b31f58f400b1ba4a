"""One format per file: file <-> plain objects; foreign column orders end here."""

from holdfast.io.detect import READERS, ReadOptions, detect_format, read, read_stream
from holdfast.io.records import LabelledSequences
from holdfast.io.stream import RecordStream

__all__ = [
    "READERS",
    "LabelledSequences",
    "ReadOptions",
    "RecordStream",
    "detect_format",
    "read",
    "read_stream",
]
