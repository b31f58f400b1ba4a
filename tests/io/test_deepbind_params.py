"""DeepBind's parameter files: a synthetic one turned to our layout, and every way one can be wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch

from holdfast.core.errors import ConfigError, InputError
from holdfast.io.deepbind_params import is_deepbind_params, read_deepbind_params
from holdfast.models import MODELS
from holdfast.models.published import Wanted
from holdfast.models.published_deepbind import load

DETECTORS, LENGTH, HIDDEN = 2, 3, 4


def lines(*, average: int = 1, hidden: int = HIDDEN) -> dict[str, str]:
    """Numbers that say where they stand: detector.tap-base."""
    features = DETECTORS * (1 + average)
    taps = [t * 100 + base * 10 + d for t in range(LENGTH) for base in range(4) for d in range(DETECTORS)]
    first = [f * 10 + h for f in range(features) for h in range(max(1, hidden))]
    return {
        "reverse_complement": "1",
        "num_detectors": str(DETECTORS),
        "detector_len": str(LENGTH),
        "has_avg_pooling": str(average),
        "num_hidden": str(hidden),
        "detectors": ",".join(map(str, taps)),
        "thresholds": "-1.5,2e-1",
        "weights1": ",".join(map(str, first)),
        "biases1": ",".join(["0.5"] * max(1, hidden)),
        "weights2": ",".join(map(str, range(hidden))),
        "biases2": "7" if hidden else "",
    }


def write(path: Path, page: dict[str, str], title: str = "# deepbind 0.1") -> Path:
    path.write_text("\n".join([title, *(f"{name} = {text}" for name, text in page.items())]) + "\n")
    return path


def test_arrays_are_turned_to_detector_base_position(tmp_path: Path) -> None:
    read = read_deepbind_params(write(tmp_path / "D1.txt", lines()))
    assert read.both_strands
    assert read.average_pool
    assert read.n_hidden == HIDDEN
    assert read.detectors.shape == (DETECTORS, 4, LENGTH)
    assert read.detectors[1, 2, 0] == 21  # position 0, base G, detector 1
    assert read.detectors[0, 3, 2] == 230
    np.testing.assert_allclose(read.thresholds, [-1.5, 0.2])
    assert read.weights_1.shape == (HIDDEN, 2 * DETECTORS)
    assert read.weights_1[3, 2] == 23  # feature 2, hidden unit 3
    assert read.weights_2 is not None
    assert read.weights_2.tolist() == [[0, 1, 2, 3]]


def test_without_a_hidden_layer_there_is_one_row_of_weights(tmp_path: Path) -> None:
    read = read_deepbind_params(write(tmp_path / "D1.txt", lines(average=0, hidden=0)))
    assert read.n_hidden == 0
    assert read.weights_1.shape == (1, DETECTORS)
    assert read.weights_2 is read.bias_2 is None


@pytest.mark.parametrize("hidden", [0, HIDDEN])
def test_a_file_becomes_a_model_with_its_numbers(tmp_path: Path, hidden: int) -> None:
    found = load(write(tmp_path / "D1.txt", lines(hidden=hidden)), Wanted(window=30))
    spec, weights, words = found.spec, found.weights, found.words
    assert (found.window, found.n_tasks) == (30, 1)
    model = MODELS.build(spec, n_tasks=1)
    model.load_state_dict(weights)
    assert torch.equal(model.detectors.weight, weights["detectors.weight"])  # type: ignore[union-attr, arg-type]
    assert words == f"DeepBind D1: 2 detectors of 3 bp, {hidden} hidden, both strands"


def test_a_file_is_known_by_its_title(tmp_path: Path) -> None:
    assert is_deepbind_params(write(tmp_path / "a.txt", lines()))
    assert not is_deepbind_params(write(tmp_path / "b.txt", lines(), title="> a sequence"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"detectors": "1,2,3"}, "line 7: detectors has 3 numbers, .* ask for 24"),
        ({"thresholds": "1,x"}, "line 8: thresholds holds something that is no number"),
        ({"biases2": "nan"}, "line 12: biases2 holds a number that is not finite"),
        ({"num_hidden": "-3"}, "line 6: num_hidden is '-3', expected a whole number of 0 or more"),
        ({"reverse_complement": "2"}, "line 2: reverse_complement is '2', expected 0 or 1"),
        ({"has_avg_pooling": "0"}, "line 9: weights1 has 16 numbers, .* ask for 8"),
        ({"num_detectors": "many"}, "line 3: num_detectors is 'many'"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_by_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_deepbind_params(write(tmp_path / "D1.txt", lines() | changes))


def test_a_missing_a_double_and_an_unknown_line_are_refused(tmp_path: Path) -> None:
    page = lines()
    del page["weights2"]
    with pytest.raises(InputError, match=r"the line 'weights2 = \.\.\.' is missing"):
        read_deepbind_params(write(tmp_path / "cut.txt", page))
    path = write(tmp_path / "twice.txt", lines())
    path.write_text(path.read_text() + "biases2 = 1\n")
    with pytest.raises(InputError, match="line 13: biases2 is given on line 12 already"):
        read_deepbind_params(path)
    with pytest.raises(InputError, match="line 13: expected 'name = numbers'"):
        read_deepbind_params(write(tmp_path / "more.txt", lines() | {"weights3": "1"}))
    with pytest.raises(InputError, match="line 1: expected '# deepbind"):
        read_deepbind_params(write(tmp_path / "other.txt", lines(), title="# some 0.1"))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(window=30, columns="AGCT"), "--columns AGCT: DeepBind's files have A, C, G, T"),
        (Wanted(window=30, assume={"dnase": [1.0]}), "--assume dnase: this model does not read it"),
    ],
)
def test_what_the_files_cannot_follow_is_refused_and_not_ignored(tmp_path: Path, wanted: Wanted, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(write(tmp_path / "D1.txt", lines(hidden=0)), wanted)
