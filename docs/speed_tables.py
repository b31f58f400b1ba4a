"""How measured rates and memory become tables."""

from __future__ import annotations

from markdown_tables import Columns, Page, listed, markdown_table, number

__all__ = [
    "attribution",
    "audit_memory",
    "class_optimisation",
    "read_fasta",
    "scan",
    "scan_pooled",
    "shuffle",
    "store",
    "training_step",
]


def scan(page: Page) -> str:
    """Return the shared scan beside the plain loop."""
    columns: Columns = {
        "model": lambda row: row["model"],
        "window (bp)": lambda row: str(row["window_bp"]),
        "windows": lambda row: str(row["windows"]),
        "loop (sequences/s)": lambda row: number(row["loop_sequences_per_s"]),
        "shared scan (sequences/s)": lambda row: number(row["scan_sequences_per_s"]),
        "ratio": lambda row: f"{row['ratio']:.1f}",
    }
    return f"{listed(page['rows'], columns)}\n\nBatches of {page['batch']} contexts of {page['context_bp']} bp."


def scan_pooled(page: Page) -> str:
    """Return the scan of pooled models beside the plain loop in small and in large batches."""
    columns = ["model", "window of context (bp)", "loop (windows/s)", "loop, 64 a batch", "shared scan", "ratios"]
    body = [
        [
            row["model"],
            f"{row['window_bp']} of {row['context_bp']}",
            number(row["loop_windows_per_s"]),
            number(row["loop_of_64_windows_per_s"]),
            number(row["scan_windows_per_s"]),
            f"{row['ratio_to_loop']:.1f}, {row['ratio_to_loop_of_64']:.1f}",
        ]
        for row in page["rows"]
    ]
    return f"{markdown_table(columns, body)}\n\nOne thread; 2 contexts of 1,200 bp or 40 of 101 bp at a time."


def training_step(page: Page) -> str:
    """Return what a Worst step costs."""
    columns: Columns = {
        "model": lambda row: row["model"],
        "window (bp)": lambda row: str(row["window_bp"]),
        "ordinary step (ms)": lambda row: f"{row['ordinary_ms']:.1f}",
        "Worst, shared scan": lambda row: f"{row['worst_shared_in_ordinary_steps']:.2f} steps",
        "Worst, plain loop": lambda row: f"{row['worst_plain_in_ordinary_steps']:.2f} steps",
    }
    return f"{listed(page['rows'], columns)}\n\nA step of Worst training, attack included, in ordinary steps."


def read_fasta(page: Page) -> str:
    """Return rates of reading FASTA.gz."""
    kinds = {"one_line": "one line a sequence", "several_lines": "lines of 60"}
    columns: Columns = {
        "FASTA.gz": lambda row: row["words"],
        "file (MB)": lambda row: f"{row['gz_file_mb']:.0f}",
        "holdfast (MB of sequence/s)": lambda row: f"{row['mb_of_sequence_per_s']:.0f}",
        "Biopython (MB of sequence/s)": lambda row: f"{row['biopython_mb_of_sequence_per_s']:.0f}",
        "ratio": lambda row: f"{row['ratio']:.1f}",
    }
    return listed([page[key] | {"words": words} for key, words in kinds.items() if page.get(key)], columns)


def shuffle(page: Page) -> str:
    """Return rates of the dinucleotide shuffle."""
    body = [
        [f"dinucleotide shuffle, {page['length_bp']} bp", number(page["dinucleotide_per_s"])],
        ["the same with 1 % unknown bases", number(page["dinucleotide_with_1_percent_unknown_per_s"])],
        ["tangermeme's dinucleotide shuffle", number(page["tangermeme_dinucleotide_per_s"])],
    ]
    return markdown_table(["shuffle", "sequences/s, one core"], body)


def store(page: Page) -> str:
    """Return sizes and rates of a stored data set."""
    body = [
        ["bytes a base on disk", f"{page['bytes_per_base']:.3f}"],
        ["4.4 million contexts of 1,200 bp on disk (GB)", f"{page['full_size_gb']:.2f}"],
        ["read in order (million bases/s)", number(page["stream_in_order_mbases_per_s"])],
        ["read in random order (million bases/s)", number(page["stream_shuffled_mbases_per_s"])],
        ["memory held before, while streaming (MB)", _pair(page, "held_mb_before", "held_mb_most_while_streaming")],
    ]
    return markdown_table(["stored data set", ""], body)


def _pair(page: Page, first: str, second: str) -> str:
    return f"{page[first]:.0f}, {page[second]:.0f}"


def audit_memory(page: Page) -> str:
    """Return the memory of an audit by the number of examples."""
    columns: Columns = {
        "examples": lambda row: number(row["examples"]),
        "examples/s": lambda row: number(row["examples_per_s"]),
        "memory above that before the audit (MiB)": lambda row: f"{row['anonymous_grown_by_mib']:.0f}",
        "with the table written (MiB)": lambda row: f"{row['anonymous_grown_by_mib_writing_the_table']:.0f}",
    }
    return listed(page["rows"], columns)


def attribution(page: Page) -> str:
    """Return what sharing gains in-silico mutagenesis, and DeepSHAP beside tangermeme's plain call."""
    columns: Columns = {
        "mutagenesis of": lambda row: f"`{row['model']}`",
        "window (bp)": lambda row: number(row["window_bp"]),
        "plain loop (mutants/s)": lambda row: number(row["loop_mutants_per_s"]),
        "shared (mutants/s)": lambda row: number(row["shared_mutants_per_s"]),
        "ratio": lambda row: f"{row['ratio']:.1f}",
        "largest difference of logits": lambda row: f"{row['largest_difference_of_logits']:.0e}",
    }
    shap = page["deepshap"]
    rates = f"{shap['holdfast_windows_per_s']:.1f}; tangermeme called plainly {shap['tangermeme_windows_per_s']:.1f}"
    asked = f"{shap['windows']} windows of {shap['window_bp']} bp, {shap['references']} shuffles"
    said = f"DeepSHAP, {asked}, windows/s: {rates}."
    return f"{listed(page['mutagenesis'], columns)}\n\n{said}"


def class_optimisation(page: Page) -> str:
    """Return what many starts in one batch gain."""
    columns: Columns = {
        "model": lambda row: f"`{row['model']}`",
        "all starts in one batch (ms a step)": lambda row: number(row["one_batch_cpu_ms_per_step"]),
        "one by one, in batches' time": lambda row: f"{row['ratio']:.1f}",
        "losses apart": lambda row: f"{row['largest_difference_of_final_loss']:.0e}",
    }
    said = f"{page['starts']} starts at {page['window_bp']} bp, {page['steps']} steps timed, seconds of the processor."
    return f"{listed(page['rows'], columns)}\n\n{said}"
