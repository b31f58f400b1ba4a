"""Simulated data of many tasks: sparse labels, sites in the middle, the second half the other strand."""

from pathlib import Path

import numpy as np
import pytest

from holdfast.core.errors import ConfigError, InputError
from holdfast.data import simulate_tasks as module
from holdfast.data.dataset import SequenceDataset
from holdfast.data.simulate_tasks import ManyTasksConfig, simulate_tasks
from holdfast.dna.edit import reverse_complement
from holdfast.motifs.motif import Motif

CONFIG = ManyTasksConfig(tasks=30, train=600, validation=20, test=120, context=160, margin_bp=30, bound=0.04, absent=3)


def sure_motifs(count: int = 30) -> list[Motif]:
    """Motifs of one certain word each, of 14 bp: by chance none stands anywhere."""
    rng = np.random.default_rng(0)
    return [
        Motif(name=f"m{i}", probabilities=np.eye(4)[rng.integers(0, 4, 14)].T.astype(np.float64)) for i in range(count)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> SequenceDataset:
    return simulate_tasks(CONFIG, sure_motifs(), tmp_path_factory.mktemp("many") / "tasks")


def test_the_second_half_of_each_part_is_the_reverse_complement_with_the_same_labels_and_group(
    data: SequenceDataset,
) -> None:
    for name, size in (("train", 600), ("validation", 20), ("test", 120)):
        part = data.part(name)
        half = len(part) // 2
        assert len(part) == size
        np.testing.assert_array_equal(reverse_complement(np.array(part.codes[:half])), part.codes[half:])
        np.testing.assert_array_equal(part.labels[:half], part.labels[half:])
        np.testing.assert_array_equal(part.group[:half], part.group[half:])
    assert (np.unique(data.group, return_counts=True)[1] == 2).all()


def test_an_example_is_bound_exactly_where_its_word_stands_and_never_in_the_margins(data: SequenceDataset) -> None:
    windows = np.lib.stride_tricks.sliding_window_view(data.codes, 14, axis=1)
    found = np.zeros(data.labels.shape, dtype=bool)
    for task, motif in enumerate(sure_motifs()):
        word = motif.probabilities.argmax(axis=0).astype(np.uint8)
        hits = (windows == word).all(axis=2) | (windows == reverse_complement(word[None])[0]).all(axis=2)
        found[:, task] = hits.any(axis=1)
        assert not hits[:, :30].any()
        assert not hits[:, -29:-14].any()
    np.testing.assert_array_equal(found, data.labels == 1)


def test_labels_are_as_sparse_as_asked_and_some_tasks_are_absent_from_test(data: SequenceDataset) -> None:
    train, test = data.part("train").labels, data.part("test").labels
    # 300 examples of 30 tasks: a standard error of 0.002.
    assert train.mean() == pytest.approx(0.04, abs=0.008)
    assert (test.sum(axis=0) == 0).sum() >= 3
    assert ((train.sum(axis=0) > 0) & (test.sum(axis=0) == 0)).sum() >= 3


def test_the_same_seed_gives_the_same_data_and_another_one_others(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = simulate_tasks(CONFIG, sure_motifs(), tmp_path / "again")
    other = simulate_tasks(CONFIG.model_copy(update={"seed": 1}), sure_motifs(), tmp_path / "other")
    assert again.fingerprint == data.fingerprint != other.fingerprint
    monkeypatch.setattr(module, "BLOCK", 64)  # several blocks a part: both halves still agree
    part = simulate_tasks(CONFIG, sure_motifs(), tmp_path / "blocks").part("train")
    np.testing.assert_array_equal(reverse_complement(np.array(part.codes[:300])), part.codes[300:])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"train": 7}, "^simulation: train has to be even: its second half is the reverse complement of the first$"),
        ({"margin_bp": 600}, "^simulation: two margins of 600 bp leave nothing of a context of 1200 bp$"),
        ({"task": 3}, "unknown key 'task': did you mean 'tasks'"),
        ({"bound": 0.3}, "^simulation: bound is 0.3; expected a number"),
        ({"tasks": 3}, "5 of 3 tasks absent from test leave none"),
    ],
)
def test_impossible_values_are_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ManyTasksConfig.parse(values)


def test_too_few_or_too_wide_motifs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="29 motifs for 30 tasks"):
        simulate_tasks(CONFIG, sure_motifs(29), tmp_path / "few")
    narrow = CONFIG.model_copy(update={"margin_bp": 75})
    with pytest.raises(InputError, match="does not fit into the 10 bp"):
        simulate_tasks(narrow, sure_motifs(), tmp_path / "wide")
