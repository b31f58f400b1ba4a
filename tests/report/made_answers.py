"""Motifs, maps and answers made by hand for the report's tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from made_records import estimate

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
from holdfast.runs.explanation_records import FoundMotif, MatchRecord, MotifsRecord, StabilityRecord
from holdfast.runs.explanations import StoredMaps, write_maps, write_stability_table
from holdfast.runs.files import STABILITY_COLUMNS
from holdfast.runs.folder import Run
from holdfast.runs.records import ShiftFacts


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
        "chosen": "the most fragile and the most robust bound examples called right at the centre",
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
