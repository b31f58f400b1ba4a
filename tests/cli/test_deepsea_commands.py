"""From DeepSEA's files, a genome and a list of bins to windows of 1,200 bp, by commands only."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.data.dataset import SequenceDataset
from holdfast.dna.codes import decode
from holdfast.dna.edit import reverse_complement

COLUMNS = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.uint8)


def said(*arguments: Any) -> str:
    done = CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


@pytest.fixture
def genome() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.integers(0, 4, 20_000, dtype=np.uint8) for name in ("10", "2", "8")}


def test_a_deepsea_set_is_extended_by_its_list_of_bins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, genome: dict[str, np.ndarray]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("genome.fa").write_text("".join(f">{name}\n{decode(codes)}\n" for name, codes in genome.items()))
    rng = np.random.default_rng(1)
    bins = [(f"chr{name}", int(start)) for name in genome for start in rng.integers(1000, 18_000, 10)]
    Path("bins.bed").write_text("".join(f"{chrom}\t{start}\t{start + 200}\n" for chrom, start in bins))
    # By name and start: chr10, chr2; chr8 is test. There is no chr7, so no validation.
    wide = {}
    for part, chosen in (("train", ("chr10", "chr2")), ("test", ("chr8",))):
        places = sorted(one for one in bins if one[0] in chosen)
        wide[part] = np.stack([genome[chrom[3:]][start - 500 : start + 700] for chrom, start in places])
        forward = wide[part][:, 100:-100]
        codes = np.concatenate([forward, reverse_complement(forward)])
        labels = (rng.random((len(forward), 919)) < 0.3).astype(np.uint8)
        labels[:, 598] = 0
        arrays = {f"{part}xdata": COLUMNS[codes].transpose(0, 2, 1), f"{part}data": np.concatenate([labels, labels])}
        savemat(f"{part}.mat", arrays)
    output = said("data", "build", "short", "train.mat", "test.mat", "--split", "given", "--split-set", "validation=0")
    assert "690 tasks; shown are those with the fewest, the median and the most bound." in output
    assert "Tasks without both classes: 1 (tf_474)." in output
    assert "(0 of 20 pairs differ, 0 in their labels)" in " ".join(output.split())
    assert "3 chromosomes, 60,000 bases, 0 N" in said("data", "genome", "genome.fa", "store")
    options = ("--genome", "store", "--length", 1200, "--bins", "bins.bed", "--contigs", "strip-chr")
    output = said("data", "extend", "short", "long", *options)
    assert "centres of 0 of 60 windows differ" in " ".join(output.split())
    long = SequenceDataset.open("long")
    for part, codes in wide.items():
        assert np.array_equal(long.part(part).codes, np.concatenate([codes, reverse_complement(codes)]))
