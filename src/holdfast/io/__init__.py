"""One file format per module: file <-> plain objects. Foreign column orders end here."""
