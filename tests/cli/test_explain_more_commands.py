"""`holdfast explain class-optimisation`, `importance`, `attention`, `temporal` and `interactions`, on one tiny run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tiny_runs import holdfast
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.data.arrays import Places
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import encode, one_hot
from holdfast.jobs.audit import load_run_model
from holdfast.runs.answers import (
    Answers,
    ClassOptimisationRecord,
    ImportanceRecord,
    StoredAttention,
    StoredInteractions,
    StoredTemporal,
)
from holdfast.runs.folder import Run

__all__ = ["holdfast"]

L, W, OFFSET = 41, 33, 4
RUN_OF_G = "GGGGGG"
KINDS = {"pairs": "pairs of substitutions", "gradient": "change of gradients", "hessian": "integrated Hessians"}


def train(root: Path, model: dict[str, Any]) -> Path:
    """Train on 160 contexts with coordinates; a run of G tells the bound ones, the even numbers."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (160, L), dtype=np.uint8)
    labels = ((np.arange(160) + 1) % 2).astype(np.int8)[:, None]
    codes[labels[:, 0] == 1, 18:24] = 2
    places = Places(names=tuple(f"site {n}" for n in range(160)), chrom=("chr1",) * 160, start=np.arange(160) * 100)
    split = np.repeat(np.array([0, 0, 1, 2], dtype=np.uint8), 40)
    SequenceDataset.in_memory(codes, labels, split=split, places=places).save(root / "data")
    page = {
        "data": str(root / "data"),
        "shift": {"window": W},
        "model": model,
        "training": {"changes": {"epochs": 12, "batch_size": 16}},
        "audit": {"bootstrap": 5, "out_of_distribution": False},
    }
    (root / "page.yaml").write_text(yaml.safe_dump(page))
    done = CliRunner().invoke(app, ["train", str(root / "page.yaml"), "--runs", str(root / "runs")])
    assert done.exit_code == 0, done.output
    return next((root / "runs").iterdir())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    params = {"widths": [5, 3], "filters": [6, 4], "hidden": 4}
    return train(tmp_path_factory.mktemp("asked"), {"name": "holdfast", "params": params})


@pytest.fixture(scope="module")
def attentive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blocks = [{"name": "conv", "filters": 8, "width": 5}, {"name": "attention", "heads": 2}]
    return train(tmp_path_factory.mktemp("attentive"), {"name": "modular", "params": {"blocks": blocks}})


def logits(run: Path, windows: np.ndarray) -> np.ndarray:
    model = load_run_model(Run.open(run))
    with torch.no_grad():
        return model(one_hot(torch.from_numpy(np.ascontiguousarray(windows))))[:, 0].numpy()


def centre_windows(run: Path, index: np.ndarray) -> np.ndarray:
    return SequenceDataset.open(Run.open(run).data.places[0]).codes[index][:, OFFSET : OFFSET + W]


def test_class_optimisation_keeps_the_best_starts_and_is_read_again(holdfast: Any, trained: Path) -> None:
    asked = ("explain", "class-optimisation", trained, "--starts", 6, "--steps", 40, "--seed", 3)
    told = holdfast(*asked)
    assert told.exit_code == 0, told.output
    record = Run.open(trained).page("class_optimisation", ClassOptimisationRecord)
    losses = [start.loss for start in record.best]
    assert losses == sorted(losses)
    assert (len(losses), record.n_starts) == (5, 6)
    best = record.best[0]
    assert np.allclose(np.sum(best.probabilities, axis=1), 1)
    assert len(best.probabilities) == W
    assert best.consensus in told.output
    assert best.bound > 0.5
    assert best.bound_as_sequence is not None
    assert "as a sequence" in Run.open(trained).path("report").read_text()
    assert record.shared is not None
    assert len(record.shared.likeness) == 6
    assert f"shared by all starts: {record.shared.consensus}" in told.output
    assert "What all 6 starts share" in Run.open(trained).path("report").read_text()
    assert "What it would call bound most surely" in Run.open(trained).path("report").read_text()
    before = Run.open(trained).path("class_optimisation").stat().st_mtime_ns
    assert "where it was already" in holdfast(*asked).output
    assert Run.open(trained).path("class_optimisation").stat().st_mtime_ns == before
    other = holdfast(*asked[:-1], 4)
    assert "writing over logprob, 40 steps" in other.stderr
    holdfast("explain", "class-optimisation", trained, "--starts", 1, "--steps", 40)
    assert Run.open(trained).page("class_optimisation", ClassOptimisationRecord).shared is None


def test_the_effect_of_a_pattern_is_the_mean_difference_of_the_same_sequences(holdfast: Any, trained: Path) -> None:
    told = holdfast(
        "explain", "importance", trained, "--pattern", RUN_OF_G, "--null", "quartile", "--n", 40, "--at", 10
    )
    assert told.exit_code == 0, told.output
    found = Run.open(trained).page("importance", ImportanceRecord).of("pattern")
    assert found is not None
    # The quarter of lowest logits of the 40 test windows, 10, each drawn four times.
    windows = centre_windows(trained, np.arange(120, 160))
    lowest = windows[np.argsort(logits(trained, windows), kind="stable")[:10]]
    planted = lowest.copy()
    planted[:, 10:16] = encode(RUN_OF_G)
    expected = (logits(trained, planted) - logits(trained, lowest)).mean()
    assert found.effects[0].mean == pytest.approx(expected, rel=1e-4)
    assert found.effects[0].low < expected < found.effects[0].high
    assert found.background == pytest.approx(logits(trained, lowest).mean(), rel=1e-4)


def test_the_last_experiment_of_each_kind_is_kept(holdfast: Any, trained: Path) -> None:
    Run.open(trained).path("importance").unlink(missing_ok=True)
    asked = ("explain", "importance", trained, "--n", 20)
    for more in (
        ("--experiment", "position", "--pattern", RUN_OF_G, "--at", "0,27"),
        ("--experiment", "number", "--pattern", "GGG"),
        ("--experiment", "spacing", "--pattern", "GGG", "--with", "CCC", "--gaps", "0,3", "--excess"),
        ("--experiment", "kmers", "--k", 2),
    ):
        told = holdfast(*asked, *more)
        assert told.exit_code == 0, told.output
    kept = Run.open(trained).page("importance", ImportanceRecord)
    rows = {one.experiment: [effect.value for effect in one.effects] for one in kept.experiments}
    assert rows["position"] == [0, 27]
    assert rows["number"] == [1, 2, 3, 4, 5]
    assert rows["spacing"] == [0, 3]
    assert len(rows["kmers"]) == 16
    again = holdfast(*asked, "--experiment", "position", "--pattern", RUN_OF_G, "--at", "0,27")
    assert "where it was already" in again.output
    other = holdfast(*asked, "--experiment", "position", "--pattern", "CCC")
    assert f"writing over position of {RUN_OF_G}" in other.stderr
    page = Run.open(trained).path("report").read_text()
    assert "By position: CCC" in page
    assert "all 16 2-mers" in page


def test_temporal_scores_are_of_prefixes_and_suffixes(holdfast: Any, trained: Path) -> None:
    told = holdfast("explain", "temporal", trained, "--index", "120,121")
    assert told.exit_code == 0, told.output
    found = Answers.read(Run.open(trained)).temporal
    assert isinstance(found, StoredTemporal)
    windows = centre_windows(trained, np.array([120, 121]))
    np.testing.assert_array_equal(found.codes, windows)
    for end in (20, 33):
        expected = 1 / (1 + np.exp(-logits(trained, windows[:, :end])))
        np.testing.assert_allclose(found.forward[:, end - 1], expected, atol=1e-6)  # float32, another batch
    expected = 1 / (1 + np.exp(-logits(trained, windows[:, 5:])))
    np.testing.assert_allclose(found.backward[:, 5], expected, atol=1e-6)
    np.testing.assert_allclose(found.logits, logits(trained, windows), atol=1e-5)
    left, right = found.decided(0)
    assert left is not None
    assert found.forward[0, left] > 0.5
    assert not (found.forward[0, :left] > 0.5).any()
    assert right is not None
    assert not (found.backward[0, right + 1 :] > 0.5).any()
    assert "where it was already" in holdfast("explain", "temporal", trained, "--index", "120,121").output
    other = holdfast("explain", "temporal", trained, "--index", "120,121", "--unread", "unknown")
    assert "writing over temporal, bases not read cut off, of 2 examples" in other.stderr
    assert "temporal, bases not read unknown; 2 examples named by number" in " ".join(other.stdout.split())


def test_interactions_that_do_not_add_up_are_flagged(holdfast: Any, attentive: Path) -> None:
    told = holdfast("explain", "interactions", attentive, "--index", 120, "--kind", "hessian")
    assert told.exit_code == 0, told.output
    found = Answers.read(Run.open(attentive)).interactions
    assert isinstance(found, StoredInteractions)
    assert found.gap is not None
    assert found.incomplete is not None
    whole = logits(attentive, centre_windows(attentive, np.array([120])))[0]
    empty = load_run_model(Run.open(attentive)).eval()(torch.zeros(1, 4, W)).item()
    # Within float32 sums of 33 x 33 numbers; rectifiers are smoothed, so the logit is so too, by some thousandths.
    assert found.strength.sum() + found.gap[0] == pytest.approx(whole - empty, abs=0.05)
    flagged = abs(found.gap[0]) > 0.01 * max(1, abs(whole - empty))
    assert found.incomplete.tolist() == [flagged]
    assert ("do not add up" in told.stdout) == flagged
    assert ("do not add up" in Run.open(attentive).path("report").read_text()) == flagged


@pytest.mark.parametrize("kind", ["pairs", "gradient", "hessian"])
def test_interactions_are_of_the_bases_asked_for(holdfast: Any, trained: Path, kind: str) -> None:
    told = holdfast("explain", "interactions", trained, "--index", 120, "--kind", kind, "--start", 14, "--end", 18)
    assert told.exit_code == 0, told.output
    found = Answers.read(Run.open(trained)).interactions
    assert isinstance(found, StoredInteractions)
    assert (found.kind, found.first, found.strength.shape) == (kind, 14, (1, 4, 4))
    page = Run.open(trained).path("report").read_text()
    assert "Which bases act together" in page
    assert f"{KINDS[kind]}, bases 14 to 17 of the window; 1 example named by number" in page
    assert f"{KINDS[kind]}, bases 14 to 17 of the window; 1 example" in " ".join(told.stdout.split())
    assert (found.gap is not None) == (found.incomplete is not None) == (kind == "hessian")
    one, two, strength = found.strongest(0)
    assert 14 <= one < 18
    assert 14 <= two < 18
    assert abs(strength) == pytest.approx(max(abs(found.strength[0][~np.eye(4, dtype=bool)])))
    if kind != "pairs":
        return
    (window,) = centre_windows(trained, np.array([120]))
    changed = np.repeat(window[None], 4, axis=0)
    changed[1, 15] = changed[3, 15] = (window[15] + 1) % 4
    changed[2, 17] = changed[3, 17] = (window[17] + 2) % 4
    plain, first, second, both = logits(trained, changed)
    assert found.effects is not None
    effect = found.effects[0, 1, (window[15] + 1) % 4, 3, (window[17] + 2) % 4]
    assert float(effect) == pytest.approx(both - first - second + plain, abs=2e-3)  # kept in half precision


def test_attention_is_laid_over_the_bases_and_its_peaks_are_written(
    holdfast: Any, attentive: Path, tmp_path: Path
) -> None:
    path = tmp_path / "peaks.fa"
    told = holdfast("explain", "attention", attentive, "--index", "120,122", "--windows", path)
    assert told.exit_code == 0, told.output
    found = Answers.read(Run.open(attentive)).attention
    assert isinstance(found, StoredAttention)
    assert found.per_base.shape == (2, 1, W)
    assert (found.per_base >= 0).all()
    data = SequenceDataset.open(Run.open(attentive).data.places[0])
    lines = path.read_text().splitlines()
    for row, (name, letters) in enumerate(zip(lines[::2], lines[1::2], strict=True)):
        index, chrom, start, centre = name[1:].split("_")
        assert (int(index), chrom, int(start)) == (120 + 2 * row, "chr1", (120 + 2 * row) * 100 + OFFSET)
        assert int(centre) == int(start) + found.peak[row, 0]
        place = int(centre) - int(index) * 100
        inside = data.codes[int(index), max(0, place - 10) : place + 10]
        assert letters.strip("N") == "".join("ACGT"[code] for code in inside)
        assert len(letters) == 20
    assert "Where its attention falls" in Run.open(attentive).path("report").read_text()
    holdfast("explain", "attention", attentive, "--index", "120", "--windows", path)
    again = holdfast("explain", "attention", attentive, "--index", "120")
    assert "where it was already" in again.output


def test_peaks_of_a_context_of_the_reverse_strand_are_counted_along_the_genome(
    holdfast: Any, attentive: Path, tmp_path: Path
) -> None:
    """Two data sets alike but for the strand that the names tell: places are mirrored, letters are not."""
    told, page = {}, yaml.safe_load((attentive / "config.yaml").read_text())
    data = SequenceDataset.open(page["data"])
    for strand in "+-":
        names = tuple(f"chr1:{100 * n}-{100 * n + L}({strand})" for n in range(160))
        places = Places(names=names, chrom=("chr1",) * 160, start=np.arange(160) * 100)
        kept = SequenceDataset.in_memory(np.array(data.codes), np.array(data.labels), split=data.split, places=places)
        kept.save(tmp_path / f"data{strand}")
        one = page | {"data": str(tmp_path / f"data{strand}"), "training": {"changes": {"epochs": 1}}}
        (tmp_path / "page.yaml").write_text(yaml.safe_dump(one))
        done = holdfast("train", tmp_path / "page.yaml", "--runs", tmp_path / f"runs{strand}")
        assert done.exit_code == 0, done.output
        [run] = (tmp_path / f"runs{strand}").iterdir()
        holdfast("explain", "attention", run, "--index", "120", "--windows", tmp_path / "peaks.fa")
        told[strand] = (tmp_path / "peaks.fa").read_text().splitlines()
    (forward, letters), (reverse, same_letters) = told["+"], told["-"]
    assert letters == same_letters
    _, _, start, centre = map(int, forward[1:].replace("chr1", "1").split("_"))
    assert reverse == f">120_chr1_{start}_{2 * 12000 + L - centre}"


def test_windows_of_all_bound_examples_are_written_where_none_is_named(
    holdfast: Any, attentive: Path, tmp_path: Path
) -> None:
    told = holdfast("explain", "attention", attentive, "--examples", 1, "--windows", tmp_path / "all.fa")
    assert told.exit_code == 0, told.output
    names = [line for line in (tmp_path / "all.fa").read_text().splitlines() if line.startswith(">")]
    assert [int(name[1:].split("_")[0]) for name in names] == list(range(120, 160, 2))


def test_windows_are_written_also_where_no_maps_can_be_drawn(holdfast: Any, attentive: Path, tmp_path: Path) -> None:
    told = holdfast("explain", "attention", attentive, "--part", "train", "--windows", tmp_path / "train.fa")
    assert told.exit_code == 2
    assert "so fragile and robust examples of train are not known; name examples with --index" in told.stderr
    assert f"{tmp_path / 'train.fa'}: " in told.stdout
    assert (tmp_path / "train.fa").read_text().count(">") == 40  # every other one of 80 is bound


def test_the_published_centre_is_the_end_of_a_steps_even_share_of_the_window(
    holdfast: Any, attentive: Path, tmp_path: Path
) -> None:
    ends = {}
    for centre in ("field", "blocks"):
        path = tmp_path / f"{centre}.fa"
        told = holdfast("explain", "attention", attentive, "--index", "120", "--windows", path, "--centre", centre)
        assert told.exit_code == 0, told.output
        ends[centre] = int(path.read_text().split("\n")[0].split("_")[-1]) - (12000 + OFFSET)
    steps = W - 4  # a convolution of five bases, none of them padded: step t sees bases t to t + 4
    step = ends["field"] - 2
    assert ends["blocks"] == round((step + 1) / steps * W)


def test_a_file_that_cannot_be_read_is_written_over(holdfast: Any, trained: Path) -> None:
    run = Run.open(trained)
    holdfast("explain", "temporal", trained, "--index", "121")
    run.path("temporal").write_bytes(b"PK\x03\x04 nothing")
    told = holdfast("explain", "temporal", trained, "--index", "121")
    assert told.exit_code == 0, told.output
    assert "writing over a file that cannot be used" in told.stderr
    assert Answers.read(run).temporal is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["class-optimisation", "--task", "1"], "task 1 is asked for; it has 0..0"),
        (["importance"], "needs a pattern, such as GGGGCGGGG"),
        (["importance", "--pattern", "GXG"], "pattern 'GXG': expected letters A, C, G, T and N"),
        (["importance", "--pattern", "G" * 34], "34 bp are to be planted into a window of 33 bp"),
        (["importance", "--pattern", "GGG", "--at", "31"], "leaves the window of 33 bp"),
        (["importance", "--pattern", "GGG", "--at", "1,2"], "has one start; 2 are given"),
        (["importance", "--pattern", "GGG", "--with", "CCC"], "belong to experiment 'spacing'"),
        (["importance", "--pattern", "GGG", "--experiment", "kmers"], "takes no pattern"),
        (["importance", "--pattern", "GGG", "--at", "x"], "--at x: expected whole numbers"),
        (["attention"], "tbinet, deepgrn and a modular model"),
        (["temporal", "--index", "160"], "the data set has examples 0..159"),
        (["interactions", "--start", "30", "--end", "40"], "expected two or more of a window of 33 bp"),
        (["interactions", "--part", "train"], "name examples with --index"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    holdfast: Any, trained: Path, arguments: list[str], words: str
) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in trained.iterdir()}
    told = holdfast("explain", arguments[0], trained, *arguments[1:])
    assert told.exit_code == 2, told.output
    assert words in " ".join(told.stderr.split())
    assert {path.name: path.stat().st_mtime_ns for path in trained.iterdir()} == before
