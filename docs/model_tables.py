"""How measured promises of models become tables."""

from __future__ import annotations

from markdown_tables import Columns, Page, listed, number

__all__ = ["contract", "parity"]


def parity(page: Page) -> str:
    """Return the largest differences between imported models and their references."""

    def worst(row: Page, start: str) -> str:
        found = [error for name, error in row["errors"].items() if name.startswith(start)]
        return f"{max(found):.0e}" if found else ""

    columns: Columns = {
        "file": lambda row: row["references"],
        "model": lambda row: f"`{row['model']}`",
        "parameters": lambda row: number(row["parameters"]),
        "output": lambda row: worst(row, "output"),
        "logit": lambda row: worst(row, "logit") or worst(row, "score"),
        "attention": lambda row: worst(row, "attention"),
    }
    return listed(page["rows"], columns)


def contract(page: Page) -> str:
    """Return what every model promises, measured."""

    def size(value: float) -> str:
        return "0" if value == 0 else f"{value:.0e}"

    columns: Columns = {
        "model": lambda row: f"`{row['model']}`",
        "parameters as stated": lambda row: "yes" if row["parameters"] == row["parameters_stated"] else "no",
        "alone": lambda row: size(row["alone_against_batch"]),
        "scan": lambda row: size(row["scan_against_loop"]) if row["scan_is_shared"] else "the loop",
        "other strand": lambda row: size(row["other_strand"]) if row["both_strands"] else "differs",
        "saved": lambda row: size(row["saved_copy"]),
        "`torch.export`": lambda row: size(row["torch_export"]),
        "ONNX": lambda row: size(row["onnx"]),
        "loss falls": lambda row: {True: "yes", False: "no", None: "solved"}[row["loss_falls"]],
    }
    return listed(page["rows"], columns)
