"""Run folders made by hand for the report's tests: numbers that hang together, without a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from holdfast.runs.answers import (
    ClassOptimisationRecord,
    ImportanceRecord,
    OptimisedStart,
    PlantedEffect,
    PlantedEffects,
    SharedInput,
    StoredAttention,
    StoredInteractions,
    StoredTemporal,
)
from holdfast.runs.arrays import write_arrays
from holdfast.runs.explanation_records import FilterRecord, FoundMotif, MatchRecord, MotifsRecord, StabilityRecord
from holdfast.runs.explanations import StoredMaps, write_maps, write_stability_table
from holdfast.runs.files import STABILITY_COLUMNS
from holdfast.runs.folder import Run
from holdfast.runs.records import (
    AdversaryAudit,
    AuditRecord,
    DataFacts,
    Estimate,
    FragileExample,
    OutOfDistribution,
    RunRecord,
    ShiftFacts,
    TaskAudit,
    TrainingFacts,
)

CONTEXT = 101
SETS = ("SP1", "ZNF143")
STRATEGIES = ("No Shift", "Rnd", "Worst")
# Clean and worst accuracy of each row, near to what a real study finds.
LEVELS = {"No Shift": (0.765, 0.565), "Rnd": (0.771, 0.602), "Worst": (0.774, 0.617), "Control": (0.755, 0.574)}
METRIC_SHIFTS = {"accuracy": 0.0, "auroc": 0.07, "aupr_trapezoid": 0.06, "average_precision": 0.059, "mcc": -0.25}
N_EXAMPLES, N_POSITIVE = 5912, 2947


def shift_facts(window: int, context: int = CONTEXT) -> ShiftFacts:
    offsets = list(range(context - window + 1))
    words = f"{window} of {context} bp, {len(offsets)} windows"
    centre = (context - window) // 2
    return ShiftFacts(
        context=context,
        window=window,
        max_shift=None,
        protect_core=False,
        strands="forward",
        centre=centre,
        offsets=offsets,
        words=words,
    )


def estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.0107, high=value + 0.0111)


def metric_table(accuracy: float) -> dict[str, Estimate]:
    table = {name: estimate(accuracy + change) for name, change in METRIC_SHIFTS.items()}
    return {**table, "log_loss": estimate(1.4 - accuracy)}


def task_audit(shift: ShiftFacts, *, clean: float, worst: float, task: str = "SP1", calls: float = 0.49) -> TaskAudit:
    reach = max(shift.centre, shift.offsets[-1] - shift.centre)
    distance = np.abs(np.array(shift.offsets) - shift.centre) / max(1, reach)
    wobble = 0.004 * np.sin(np.arange(len(shift.offsets)) * 1.7)
    by_offset = clean - 0.15 * (clean - worst) * distance**1.5 + np.where(distance > 0, wobble, 0)
    by_reach = clean - (clean - worst) * (np.arange(reach + 1) / max(1, reach)) ** 0.6
    return TaskAudit(
        task=task,
        n_examples=N_EXAMPLES,
        n_positive=N_POSITIVE,
        clean=metric_table(clean),
        random=metric_table(clean - 0.2 * (clean - worst)),
        worst=metric_table(worst),
        worst_of_n=metric_table(worst + 0.1 * (clean - worst)),
        random_accuracy_spread=0.0021,
        certified_accuracy=estimate(worst),
        consistency=estimate(worst + 0.12),
        mean_radius_bp=0.72 * reach,
        reach_bp=reach,
        accuracy_by_offset=by_offset.tolist(),
        worst_by_max_shift=by_reach.tolist(),
        calls_positive=calls,
    )


def fragile_examples(
    shift: ShiftFacts, count: int, *, name: str = "chr1:100-201", seed: int = 0
) -> list[FragileExample]:
    rng = np.random.default_rng(seed)
    examples = []
    for number in range(count):
        letters = rng.choice(list("ACGT"), shift.context)
        core_start = int(rng.integers(shift.centre, max(shift.centre + 1, shift.centre + shift.window - 10)))
        worst = int(rng.choice(shift.offsets))
        label = number % 2
        sign = 1 if label else -1
        examples.append(
            FragileExample(
                index=number,
                name=f"{name}#{number}",
                task="SP1",
                label=label,
                sequence="".join(letters),
                core=(core_start, core_start + 10) if label else None,
                centre_offset=shift.centre,
                centre_logit=sign * (2.31 - 0.1 * number),
                worst_offset=worst,
                worst_strand="+",
                worst_logit=-sign * 1.27,
                radius_bp=number % 4,
            )
        )
    return examples


def out_of_distribution() -> list[OutOfDistribution]:
    return [
        OutOfDistribution(input=name, score=score, auroc=0.61, aupr=0.58)
        for name in ("shuffle", "uniform", "genseq")
        for score in ("max", "mean", "loss")
    ]


def adversary_rows(worst: float) -> list[AdversaryAudit]:
    words = {"noise": "noise, epsilon 0.1", "PGD": "PGD, epsilon 0.1, 10 steps of 0.025"}
    rows = [
        AdversaryAudit(name=name, words=said, task="SP1", epsilon=0.1, metrics=metric_table(worst - 0.1 * place))
        for place, (name, said) in enumerate(words.items())
    ]
    exchanged = AdversaryAudit(
        name="substitutions",
        words="1 substitution outside the core",
        task="SP1",
        substitutions=1,
        metrics=metric_table(worst - 0.15),
    )
    return [*rows, exchanged]


def first_filters(count: int, seed: int = 0) -> list[FilterRecord]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        matrix = rng.dirichlet([0.35] * 4, size=15)
        logarithm = np.log2(np.where(matrix > 0, matrix, 1))
        bits = float((2 + (matrix * logarithm).sum(axis=1)).sum())
        rows.append(
            FilterRecord(name=f"filter {number}", probabilities=matrix.tolist(), n_sites=900, information_bits=bits)
        )
    nothing = [[float("nan")] * 4] * 15
    return [*rows, FilterRecord(name="silent", probabilities=nothing, n_sites=0, information_bits=float("nan"))]


def history(epochs: int = 12, start: float = 0.55, end: float = 0.77) -> pd.DataFrame:
    progress = 1 - np.exp(-np.arange(epochs) / 3)
    return pd.DataFrame(
        {
            "epoch": np.arange(1, epochs + 1),
            "train_loss": 0.70 - 0.30 * progress,
            "validation_loss": 0.69 - 0.22 * progress + 0.01 * np.maximum(0, np.arange(epochs) - 8),
            "validation_accuracy": start + (end - start) * progress,
            "learning_rate": 1e-3,
            "seconds": 3.2,
            "stage": ["random"] * 4 + ["worst within 13 bp"] * (epochs - 4),
            "restart": 0,
        }
    )


def data_facts(name: str) -> DataFacts:
    return DataFacts(
        name=name,
        fingerprint=f"{name}-0123456789abcdef",
        source="simulated, seed 7",
        context=CONTEXT,
        tasks=["SP1"],
        counts={
            "train": {"positive": 10659, "negative": 10624},
            "validation": {"positive": 1174, "negative": 1191},
            "test": {"positive": N_POSITIVE, "negative": N_EXAMPLES - N_POSITIVE},
        },
        notes=["Negatives are dinucleotide-preserving shuffles of the positives.", "No sequence stands on both sides."],
    )


def training_facts(strategy: str) -> TrainingFacts:
    return TrainingFacts(
        attack=strategy,
        preset="fast",
        epochs=12,
        best_epoch=9,
        best_validation_loss=0.4812,
        seconds=41.7,
        seconds_per_epoch=3.47,
        stopped_early=True,
        notes=["The learning rate was lowered in epoch 7."] if strategy == "Worst" else [],
    )


def run_record(name: str, data_name: str, strategy: str, window: int, *, is_control: bool, seed: int) -> RunRecord:
    return RunRecord(
        name=name,
        status="running",
        model="kmer_logistic" if is_control else "holdfast",
        model_words="kmer_logistic (k=6)" if is_control else "holdfast (widths=(15, 9), channels=128)",
        n_parameters=2081 if is_control else 255_006,
        strategy="No Shift" if is_control else strategy,
        window=window,
        context=CONTEXT,
        seed=seed,
        data_name=data_name,
        is_control=is_control,
        training=None if is_control else training_facts(strategy),
        started="2026-01-02T03:04:05+00:00",
        finished="2026-01-02T03:05:06+00:00",
        versions={"holdfast": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0"},
        device="cpu",
        config_hash=f"{abs(hash_of(name)):016x}",
    )


def hash_of(name: str) -> int:
    return sum((place + 1) * ord(letter) for place, letter in enumerate(name)) * 2654435761 % 2**62


def write_motifs(run: Run) -> None:
    """Write a motif that resembles one of the data base, turned, and a filter that resembles nothing."""
    columns = [[0.1, 0.1, 0.7, 0.1]] * 4 + [[0.1, 0.7, 0.1, 0.1]] * 5
    match = MatchRecord(
        target="MA0079.5",
        name="SP1 <x>",
        source="JASPAR",
        p_value=1e-9,
        e_value=1e-6,
        q_value=1e-5,
        offset=-1,
        strand="-",
        probabilities=columns[:7],
    )
    found = [
        FoundMotif(
            name="ZOOPS-1",
            kind="attributed",
            probabilities=columns,
            information_bits=9.0,
            n_sites=300,
            log10_e_value=-57.0,
            matches=[match],
        ),
        FoundMotif(
            name="filter 3", kind="filter", probabilities=columns[:5], information_bits=4.0, n_sites=80, matches=[]
        ),
    ]
    run.write_motifs(
        MotifsRecord(
            settings={},
            method="corrected-gradient",
            task="SP1",
            chosen="all 80 bound test examples",
            database="JASPAR2026, vertebrates",
            n_targets=1019,
            motifs=found,
            seconds=1.0,
        )
    )


def write_explanations(run: Run, shift: ShiftFacts, *, seed: int, n: int = 4) -> None:
    """Write maps of four examples under three windows and the stability of twelve."""
    rng = np.random.default_rng(seed)
    rows, window = 3 * n, shift.window
    write_maps(
        run,
        StoredMaps(
            settings="{}",
            method="ism",
            task="SP1",
            chosen="2 fragile and 2 robust ones",
            context=shift.context,
            names=np.repeat([f"site <{number}>" for number in range(n)], 3),
            index=np.repeat(np.arange(n), 3),
            label=np.ones(rows, dtype=np.int8),
            role=np.tile(["first", "centre", "worst"], n),
            offset=np.tile([0, shift.centre, shift.offsets[-1]], n),
            core=np.tile(np.array([[40, 50]], dtype=np.int32), (rows, 1)),
            logits=rng.normal(size=rows).astype(np.float32),
            codes=rng.integers(0, 5, (rows, window), dtype=np.uint8),
            per_base=rng.normal(size=(rows, window)).astype(np.float32),
        ),
    )
    scores = rng.uniform(0.5, 1, 12)
    table = dict.fromkeys(STABILITY_COLUMNS, scores) | {"name": [f"site {number}" for number in range(12)]}
    write_stability_table(run, [pd.DataFrame(table)])
    run.write_stability(
        StabilityRecord(
            settings={"examples": 12},
            method="corrected-gradient",
            task="SP1",
            part="test",
            chosen="12 of 80 bound test examples, drawn",
            n_examples=12,
            n_windows=len(shift.offsets),
            edge_bp=0,
            score=estimate(float(scores.mean())),
            sign_score=estimate(0.9),
            movement=estimate(0.1),
            n_moved=11,
            fleeting=estimate(0.25),
            n_incomplete=3,
            seconds=1.0,
        )
    )


def write_answers(run: Run, shift: ShiftFacts, *, seed: int) -> None:
    """Write an answer to each further question: two examples whose bases 30 to 40 count."""
    rng, window = np.random.default_rng(seed), shift.window
    matrix = np.full((window, 4), 0.25)
    matrix[30:39] = np.array([[0.02, 0.03, 0.9, 0.05]] * 4 + [[0.02, 0.9, 0.03, 0.05]] + [[0.02, 0.03, 0.9, 0.05]] * 4)
    start = OptimisedStart(
        start=3,
        loss=0.01,
        bound=0.999,
        bound_as_sequence=0.97,
        probabilities=matrix.tolist(),
        run_start=30,
        run_end=39,
    )
    run.write_page(
        "class_optimisation",
        ClassOptimisationRecord(
            settings={},
            method="logprob, 1,000 steps of 0.05, penalty 0.009",
            task="SP1",
            n_starts=20,
            best=[start],
            shared=SharedInput(probabilities=matrix[30:39].tolist(), likeness=[1.0, 0.9, 0.95]),
            median_loss=0.02,
            seconds=3.0,
        ),
    )
    experiments = [planted("position", 20), planted("number", 5), planted("kmers", 256), planted("pattern", 1)]
    run.write_page("importance", ImportanceRecord(experiments=experiments))
    windows = {
        "settings": "{}",
        "task": "SP1",
        "chosen": "the 1 most fragile and the 1 most robust bound examples called right at the centre",
        "names": np.array(["site <1>", "chr1:100-201"]),
        "index": np.array([4, 9]),
        "label": np.ones(2, dtype=np.int8),
        "offset": shift.centre,
        "core": np.array([[-1, -1], [shift.centre + 30, shift.centre + 40]], dtype=np.int32),
        "logits": np.array([0.5, 3.25], dtype=np.float32),
        "codes": rng.integers(0, 4, (2, window), dtype=np.uint8),
    }
    bump = np.exp(-(((np.arange(window) - 35) / 5) ** 2)).astype(np.float32)
    per_base = (bump + rng.uniform(0, 0.2, (2, 2, window))).astype(np.float32)
    peak, layers = np.full((2, 2), 35), np.array(["attention", "blocks.2"])
    steps = np.arange(0, window + 5, 5, dtype=np.float32)
    given = rng.uniform(0.05, 0.3, (2, 13, len(steps) - 1)).astype(np.float32)
    given[:, 12, 2:] = np.nan  # the second layer has one row of two steps
    halves = np.concatenate([[0, window / 2, window], np.full(len(steps) - 3, np.nan)]).astype(np.float32)
    write_arrays(
        run,
        "attention",
        StoredAttention(
            **windows,
            method="attention",
            layers=layers,
            per_base=per_base,
            focus=1.2 * per_base,
            peak=peak,
            given=given,
            channel=np.tile(np.array([*range(12), 0]), (2, 1)),
            layer_of=np.array([0] * 12 + [1]),
            edges=np.stack([steps, halves]),
        ),
    )
    forward = np.tile(0.05 + 0.9 * bump.cumsum() / bump.sum(), (2, 1)).astype(np.float32)
    forward[:, :5] = np.nan
    backward = np.ascontiguousarray(forward[:, ::-1])
    write_arrays(
        run,
        "temporal",
        StoredTemporal(**windows, method="temporal (unread=cut)", forward=forward, backward=backward),
    )
    strength = (np.outer(bump, bump) * rng.normal(1, 0.5, (2, window, window))).astype(np.float32)
    write_arrays(
        run, "interactions", StoredInteractions(**windows, method="hessian", kind="hessian", first=0, strength=strength)
    )


def planted(experiment: str, count: int) -> PlantedEffects:
    means = [1.5 - 0.01 * (case - count / 2) ** 2 for case in range(count)]
    return PlantedEffects.model_validate(
        {
            "settings": {},
            "experiment": experiment,
            "words": "all 256 4-mers at base 35" if experiment == "kmers" else "GGGGCGGGG",
            "null": "dinucleotide shuffles",
            "task": "SP1",
            "part": "test",
            "n": 1000,
            "background": -1.25,
            "effects": [
                PlantedEffect(label=f"case {case}", value=4.0 * case, mean=mean, low=mean - 0.2, high=mean + 0.2)
                for case, mean in enumerate(sorted(means, reverse=True) if experiment == "kmers" else means)
            ],
            "seconds": 1.0,
        }
    )


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
