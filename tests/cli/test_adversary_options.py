"""Adversaries beside shifts on the command line: what is printed, kept and refused, and training against them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_runs import holdfast, page_file, tiny_data, tiny_page

__all__ = ["holdfast", "page_file", "tiny_data", "tiny_page"]


@pytest.fixture
def trained(holdfast: Any, page_file: Path) -> Path:
    done = holdfast("train", page_file, "--runs", "runs")
    assert done.exit_code == 0, done.output
    [run] = Path("runs").iterdir()
    return run


def test_what_was_asked_for_is_printed_and_the_run_stays_as_it_is(holdfast: Any, trained: Path) -> None:
    before = (trained / "audit.json").read_bytes()
    asked = ("audit", trained, "--perturb", "fgsm,pgd, noise", "--epsilon", "0.2", "--substitutions", "2")
    shown = holdfast(*asked)
    assert shown.exit_code == 0, shown.output
    for words in ("FGSM, epsilon 0.2", "noise, epsilon 0.2", "1 substitution", "2 substitutions outside the core"):
        assert words in shown.output
    assert "not the worst there is" in shown.output
    assert (trained / "audit.json").read_bytes() == before
    record = json.loads(holdfast(*asked, "--json").stdout)
    names = [row["name"] for row in record["adversaries"]]
    assert names == ["FGSM", "PGD", "noise", "substitutions", "substitutions"]
    # What shifts do is what it was.
    kept = json.loads(before)
    assert record["tasks"] == kept["tasks"]
    assert kept["adversaries"] == []


def test_without_them_nothing_is_said_of_them(holdfast: Any, trained: Path) -> None:
    assert "not the worst there is" not in holdfast("audit", trained).output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--perturb", "fgms"), "unknown perturbation 'fgms': did you mean 'fgsm'?"),
        (("--perturb", "pgd", "--epsilon", "0"), "perturbation 'pgd': epsilon is 0.0; expected a number above 0"),
        (("--epsilon", "0.1"), "give --perturb too"),
        (("--substitutions", "1", "--protect", "5"), "expected START:END"),
        (("--substitutions", "1", "--protect", "9:5"), "expected [start, end)"),
        (("--substitutions", "1", "--protect", "9:50"), "in a window of 33 bp"),
        (("--substitutions", "99999"), "audit: substitutions is 99999; expected a whole number from 0 to 1000"),
        (("--protect", "5:9"), "give --substitutions too"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_code_2(
    holdfast: Any, trained: Path, options: tuple[str, ...], words: str
) -> None:
    refused = holdfast("audit", trained, *options)
    assert refused.exit_code == 2
    assert words in " ".join(refused.output.split())


def test_perturbed_training_is_told_by_its_strategy_and_its_audit_is_kept(
    holdfast: Any, tiny_page: dict[str, Any]
) -> None:
    pgd = {"name": "pgd", "params": {"epsilon": 0.05, "steps": 2}}
    page = tiny_page | {"attack": "centre", "perturbation": pgd}
    page["audit"] = page["audit"] | {"perturbations": ["noise", pgd], "substitutions": 1, "protect": [10, 20]}
    Path("hard.yaml").write_text(yaml.safe_dump(page))
    done = holdfast("train", "hard.yaml", "--runs", "runs")
    assert done.exit_code == 0, done.output
    [run] = Path("runs").iterdir()
    first, kept = json.loads((run / "run.json").read_text()), json.loads((run / "audit.json").read_text())
    assert first["strategy"] == "No Shift + PGD"
    assert first["settings"]["perturbation"] == "pgd"
    assert first["settings"]["perturbation.epsilon"] == 0.05
    assert [row["words"] for row in kept["adversaries"]] == [
        "noise, epsilon 0.1",
        "PGD, epsilon 0.05, 2 steps of 0.0625",
        "1 substitution outside [10, 20)",
    ]
    assert "Changed windows" in (run / "report.html").read_text()
    again = holdfast("audit", run, "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["adversaries"] == kept["adversaries"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"perturbation": "pdg"}, "unknown perturbation 'pdg': did you mean 'pgd'?"),
        ({"perturbation": {"name": "fgsm", "params": {"steps": 3}}}, "perturbation 'fgsm' has no parameter 'steps'"),
        ({"perturbation": {"name": "pgd", "params": {"seed": 3}}}, "set seed at the top"),
        ({"perturbation": {"name": "pgd", "params": {"loss": "zero-one"}}}, "under the loss ZeroOne has no gradient"),
        ({"audit": {"perturbations": "pgd"}}, "audit.perturbations is 'pgd'; expected a list"),
        ({"audit": {"protect": [5, 5]}}, "expected [start, end)"),
        ({"model": "kmer", "attack": "centre", "perturbation": "noise"}, "solved for one-hot windows"),
        ({"model": "kmer", "attack": "centre", "audit": {"perturbations": ["pgd"]}}, "has no gradient"),
    ],
)
def test_impossible_pages_are_refused_before_anything_is_trained(
    holdfast: Any, tiny_page: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    Path("bad.yaml").write_text(yaml.safe_dump(tiny_page | change))
    refused = holdfast("train", "bad.yaml", "--runs", "runs")
    assert refused.exit_code == 2, refused.output
    assert words in " ".join(refused.output.split())
    assert not Path("runs").exists()


def test_perturbations_are_listed(holdfast: Any) -> None:
    shown = holdfast("list", "perturbations")
    assert all(name in shown.output for name in ("noise", "fgsm", "pgd"))
