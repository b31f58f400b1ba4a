"""Records made by hand for the report's tests: numbers that hang together, without a model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from holdfast.runs.explanation_records import FilterRecord
from holdfast.runs.records import (
    AdversaryAudit,
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
