"""Run folders made by hand for the report's tests."""

from __future__ import annotations

from pathlib import Path

from made_answers import write_answers, write_explanations, write_motifs
from made_records import (
    N_EXAMPLES,
    N_POSITIVE,
    adversary_rows,
    data_facts,
    first_filters,
    fragile_examples,
    history,
    out_of_distribution,
    run_record,
    shift_facts,
    task_audit,
)

from holdfast.runs.folder import Run
from holdfast.runs.records import AuditRecord

STRATEGIES = ("No Shift", "Rnd", "Worst")
# Clean and worst accuracy of each row, near to what a real study finds.
LEVELS = {"No Shift": (0.765, 0.565), "Rnd": (0.771, 0.602), "Worst": (0.774, 0.617), "Control": (0.755, 0.574)}


def build_run(
    root: Path,
    *,
    data_name: str = "SP1",
    strategy: str = "No Shift",
    window: int = 75,
    is_control: bool = False,
    bare: bool = False,
    levels: tuple[float, float] | None = None,
    example_name: str = "chr1:100-201",
    seed: int = 1,
    n_fragile: int = 12,
) -> Run:
    """Write one finished run; ``bare`` leaves out history, filters and fragile examples."""
    shift = shift_facts(window)
    row = "Control" if is_control else strategy
    clean, worst = levels or LEVELS[row]
    name = f"{data_name} {window} {row} {seed}"
    record = run_record(name, data_name, strategy, window, is_control=is_control, seed=seed)
    run = Run.create(root, record, config={"seed": seed, "window": window})
    run.write_data(data_facts(data_name))
    run.write_audit(
        AuditRecord(
            shift=shift,
            n_try=20,
            adversary="joint",
            part="test",
            tasks=[task_audit(shift, clean=clean, worst=worst)],
            fragile=[] if bare else fragile_examples(shift, n_fragile, name=example_name),
            n_core_known=N_POSITIVE,
            n_windows_scanned=N_EXAMPLES * len(shift.offsets),
            seconds=4.2,
            bootstrap=200,
            out_of_distribution=[] if bare else out_of_distribution(),
            adversaries=[] if bare else adversary_rows(worst),
        )
    )
    if not bare and not is_control:
        write_explanations(run, shift, seed=len(row))
        write_motifs(run)
        write_answers(run, shift, seed=len(row))
        run.write_history(history(end=clean))
        run.write_filters(first_filters(20, seed=len(row)))
    run.finish(record)
    return run


def build_study(
    root: Path, *, data_names: tuple[str, ...] = ("SP1", "ZNF143"), windows: tuple[int, ...] = (75,)
) -> list[Run]:
    """Write every strategy and the control for each data set and window."""
    runs = []
    for place, data_name in enumerate(data_names):
        for window in windows:
            better = 0.004 * (window - 75) + 0.05 * place
            for row in (*STRATEGIES, "Control"):
                clean, worst = LEVELS[row]
                levels = (clean + 0.2 * better, min(worst + better, clean))
                strategy = "No Shift" if row == "Control" else row
                is_control = row == "Control"
                runs.append(
                    build_run(
                        root,
                        data_name=data_name,
                        strategy=strategy,
                        window=window,
                        is_control=is_control,
                        levels=levels,
                    )
                )
    return runs
