"""Outputs of the MEME suite's Tomtom, as tables."""

from pathlib import Path

import pandas as pd

COLUMNS = ["query", "target", "offset", "p", "e", "q", "overlap", "query_consensus", "target_consensus", "strand"]


def read_tomtom(path: Path) -> pd.DataFrame:
    """Return a row for each match, of version 4 (a header with #) or 5 (comments at the end)."""
    rows = [line.split("\t") for line in path.read_text().split("\n") if line and line[0] != "#"]
    rows = [row for row in rows if row[0] != "Query_ID"]
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = {"offset": int, "overlap": int, "p": float, "e": float, "q": float}
    return table.astype(numbers).set_index(["query", "target"])
