"""Every shown command and snippet runs as it is shown, page by page, in an empty folder."""

import doctest
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from doc_blocks import PAGES, ROOT, Block, blocks_of
from typer.testing import CliRunner

from holdfast.cli.app import app
from holdfast.jobs.experiment import Experiment
from holdfast.runs.files import FILES, HISTORY_COLUMNS, STABILITY_COLUMNS, WINDOW_COLUMNS
from holdfast.training.recipe import Recipe

RUN = {"bash", "python", "pycon"}
SHOWN = {"text", "yaml", "{toctree}", "{eval-rst}", "{include} ../README.md"}
SHELL_MARKS = {">", ">>", "<", "|", "&", "&&", "||", ";"}
SECONDS = 180
GROUPS = ("data", "explain", "motifs")  # commands that have commands
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
WORKING_PAGES = [
    page for page in PAGES if any(block.language in RUN and not block.not_run for block in blocks_of(page))
]
NOT_RUN = [block for block in BLOCKS if block.not_run]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WORKING_PAGES, ids=page_name)
def test_everything_shown_on_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.not_run:
            continue
        if block.file is not None:
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            run_shell(block, tmp_path)
        elif block.language == "python":
            # Line numbers of a traceback are those of the page.
            exec(compile("\n" * block.line + block.text, block.place, "exec"), namespace)
        elif block.language == "pycon":
            run_session(block, namespace)


def run_shell(block: Block, folder: Path) -> None:
    """Run a block by bash where the page is the README; elsewhere only what needs a shell, for that costs seconds."""
    if block.page.name == "README.md":
        return run_bash(block, block.text, folder)
    for command in block.commands:
        words = shlex.split(command)
        if words[0] != "holdfast" or SHELL_MARKS & set(words):
            run_bash(block, command, folder)
            continue
        arguments = [name for word in words[1:] for name in expanded(word)]
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
        assert done.exit_code == 0, f"{block.place}\n{command}\n{done.output[-4000:]}\n{done.exception!r}"
    return None


def expanded(word: str) -> list[str]:
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def run_bash(block: Block, text: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}\n{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def run_session(block: Block, namespace: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, block.place, block.place, block.line)
    test.globs = namespace
    said: list[str] = []
    failed = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(
        test, out=said.append, clear_globs=False
    )
    assert not failed.failed, "".join(said)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_of_a_known_kind_and_its_file_is_named_before_it(block: Block) -> None:
    assert block.language in RUN | SHOWN, block.place
    if block.language == "yaml":
        assert block.file is not None, f"{block.place}: a page of YAML is a file that a command reads"
    if block.file is not None:
        assert f"`{block.file}`" in block.before, f"{block.place}: the reader is not told to save {block.file}"


def test_only_what_is_long_or_needs_a_network_is_not_run() -> None:
    reasons = {command.split()[0] + ": " + str(block.not_run) for block in NOT_RUN for command in block.commands}
    assert reasons, "the README shows make demo"
    for reason in reasons:
        assert re.search(r"network|minutes|several (GPUs|processes)|real data|git checkout", reason), reason


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.place)
def test_commands_that_are_not_run_are_spelled_right(block: Block) -> None:
    for command in block.commands:
        words = command.split()
        if "holdfast" in words[:6]:
            known = help_of(*subcommand(words[words.index("holdfast") + 1 :]))
            asked = OPTION.findall(command.split("holdfast ", 1)[1])
            assert set(asked) <= set(OPTION.findall(known)), command
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command
        elif words[0] == "python" and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file(), command
        else:
            assert words[0].rpartition("/")[2] in ("pip", "python", "python3"), command


def help_of(*command: str) -> str:
    shown = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    assert shown.exit_code == 0, command
    return shown.output


def subcommand(words: list[str]) -> tuple[str, ...]:
    return tuple(words[:2] if words[0] in GROUPS else words[:1])


COMMAND_LINE = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## holdfast ([a-z -]+)\n(.*?)(?=^## |\Z)", COMMAND_LINE, re.MULTILINE | re.DOTALL))


def test_the_command_line_page_has_every_command() -> None:
    def commands(*group: str) -> set[str]:
        listed = re.findall(r"^│ ([a-z][a-z-]+)  ", help_of(*group), re.MULTILINE)
        assert listed
        return set(listed)

    top = commands()
    assert set(SECTIONS) == (top - set(GROUPS)) | {f"{group} {name}" for group in GROUPS for name in commands(group)}


@pytest.mark.parametrize("command", sorted(SECTIONS))
def test_the_command_line_page_has_every_option(command: str) -> None:
    # First columns only: help texts name options of other commands.
    known = set(re.findall(r"^│[* ]+(--[a-z][a-z-]*) ", help_of(*command.split()), re.MULTILINE))
    told = set(re.findall(r"^\| `(--[a-z-]+)", SECTIONS[command], re.MULTILINE))
    assert told | {"--help"} == known


def test_the_experiment_page_has_every_setting() -> None:
    page = (ROOT / "docs" / "reference" / "experiment.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `([a-z_.]+)`", page, re.MULTILINE))
    wanted = set(Recipe.model_fields)
    for name, field in Experiment.model_fields.items():
        inner = getattr(field.annotation, "model_fields", {})
        wanted |= {name} if name in ("model", "attack") else {f"{name}.{key}" for key in inner} or {name}
    assert told == wanted


def test_the_run_folder_page_names_every_file_and_column() -> None:
    page = (ROOT / "docs" / "guides" / "run-folder.md").read_text(encoding="utf-8")
    for name in (*FILES.values(), *HISTORY_COLUMNS, *WINDOW_COLUMNS, *STABILITY_COLUMNS):
        assert f"`{name}`" in page, name


def test_the_map_of_the_house_names_every_room_and_no_other() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "src" / "holdfast").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `([a-z]+)/` \|", page, re.MULTILINE)) == rooms
    for room, file in re.findall(r"^\| `([a-z]+)/` \|.*`([a-z_]+\.py)` \|$", page, re.MULTILINE):
        assert (ROOT / "src" / "holdfast" / room / file).is_file(), f"{room}/{file}"


def test_the_map_of_the_house_has_the_layers_that_are_guarded() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    told = next(line for line in page.split("\n") if line.startswith("cli → "))
    layers = [set(layer.split(" | ")) for layer in told.split(" → ")]
    assert layers == loaded_script(ROOT / "tests" / "test_layers.py").LAYERS[: len(layers)]
    assert layers[-1] == {"core"}


def test_the_api_pages_have_every_module() -> None:
    # The report's and the command line's modules draw and parse: nobody imports them.
    source = ROOT / "src" / "holdfast"
    wanted = {
        f"holdfast.{path.parent.name}.{path.stem}"
        for path in source.glob("*/*.py")
        if path.stem != "__init__" and path.parent.name not in ("cli", "report")
    }
    told = set()
    for page in (ROOT / "docs" / "api").glob("*.md"):
        told |= set(re.findall(r"automodule:: ([\w.]+)", page.read_text(encoding="utf-8")))
    assert wanted <= told, wanted - told
    assert all((source / Path(*name.split(".")[1:])).with_suffix(".py").is_file() for name in told)


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page_name(page)} links to {target}"


def test_the_readme_counts_what_its_picture_shows() -> None:
    picture = (ROOT / "docs" / "images" / "shift.svg").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r">(?:un)?bound \(logit", picture)) == 27
    assert len(re.findall(r">unbound \(logit", picture)) == 4
    assert "All 27 windows hold the whole" in readme
    assert "in four of them" in readme


def test_the_tables_say_what_the_results_and_the_registry_say() -> None:
    script = loaded_script(ROOT / "docs" / "update_results.py")
    pages = script.pages()
    assert len(pages) > 2
    for page in pages:
        text = page.read_text(encoding="utf-8")
        made = script.updated(text, ROOT / "benchmarks" / "results", linked=page == script.README)
        assert made == text, f"{page.name}: run python docs/update_results.py"


def test_a_results_table_follows_its_json(tmp_path: Path) -> None:
    script = loaded_script(ROOT / "docs" / "update_results.py")
    row = {"model": "m", "window_bp": 75, "windows": 27, "loop_sequences_per_s": 2.0, "scan_sequences_per_s": 30.0}
    row |= {"ratio": 15.0, "largest_difference_of_logits": 0.0}
    page = {"machine": {"cpu": "c", "cores": 2, "gpu": None, "torch": "2"}, "batch": 64, "context_bp": 101}
    (tmp_path / "scan.json").write_text(json.dumps({**page, "rows": [row]}))
    text = "a\n<!-- results:scan -->\nold\n<!-- /results:scan -->\nb\n<!-- results:store -->\n<!-- /results:store -->\n"
    made = script.updated(text, tmp_path)
    assert "old" not in made
    assert "| m | 75 | 27 | 2 | 30 | 15.0 |" in made
    assert "Not measured yet." in made
    assert made.startswith("a\n")


def test_the_table_of_pooled_models_shows_both_loops(tmp_path: Path) -> None:
    script = loaded_script(ROOT / "docs" / "update_results.py")
    row = {"model": "m", "window_bp": 75, "context_bp": 101, "loop_windows_per_s": 10.0, "scan_windows_per_s": 40.0}
    row |= {"loop_of_64_windows_per_s": 20.0, "ratio_to_loop": 4.0, "ratio_to_loop_of_64": 2.0}
    page = {"machine": {"cpu": "c", "cores": 2, "gpu": None, "torch": "2"}, "rows": [row]}
    (tmp_path / "scan_pooled.json").write_text(json.dumps(page))
    made = script.updated("<!-- results:scan_pooled -->\n<!-- /results:scan_pooled -->\n", tmp_path)
    assert "| m | 75 of 101 | 10 | 20 | 40 | 4.0, 2.0 |" in made


def test_an_accuracy_table_gives_the_mean_of_the_seeds_and_the_twins(tmp_path: Path) -> None:
    script = loaded_script(ROOT / "docs" / "update_results.py")
    rows = []
    for seed, clean in ((1, 0.7), (2, 0.8)):
        accuracy = {"clean": clean, "random": 0.6, "worst": 0.5}
        row = {"data": "d", "window_bp": 75, "model": "m", "trained": "Worst", "seed": seed, "accuracy": accuracy}
        row["interval_95"] = {name: [0.4, 0.6] for name in accuracy}
        row["by_twin"] = {"twin_seen": {"clean": 0.9, "worst": 0.8}, "twin_unseen": {"clean": clean, "worst": 0.1}}
        rows.append(row)
    page = {"machine": {"cpu": "c", "cores": 2, "gpu": None, "torch": "2"}, "rows": rows}
    (tmp_path / "accuracy_x.json").write_text(json.dumps(page))
    made = script.updated("<!-- results:accuracy_x -->\n<!-- /results:accuracy_x -->\n", tmp_path)
    assert "| 75 | m | Worst | 0.750 ±0.050 | 0.600 ±0.000 | 0.500 ±0.000 |" in made
    assert "| 75 | m | Worst | 0.900 | 0.800 | 0.750 | 0.100 |" in made


def test_the_table_of_robust_training_gives_the_mean_of_the_seeds(tmp_path: Path) -> None:
    script = loaded_script(ROOT / "docs" / "update_results.py")
    names = ("clean", "worst", "noise", "FGSM", "PGD", "1 substitutions", "3 substitutions")
    rows = [
        {
            "data": "d",
            "model": "m",
            "trained": "No Shift + PGD",
            "epsilon": 0.02,
            "accuracy": {name: 0.9 - place / 10 + change for place, name in enumerate(names)},
            "interval_95": {"worst": [0.7, 0.8]},
        }
        for change in (0.0, 0.02)
    ]
    page = {"machine": {"cpu": "c", "cores": 2, "gpu": None, "torch": "2"}, "window_bp": 75}
    page |= {"preset": "fast", "substituted_examples": 100, "rows": rows}
    (tmp_path / "robust_training.json").write_text(json.dumps(page))
    made = script.updated("<!-- results:robust_training -->\n<!-- /results:robust_training -->\n", tmp_path)
    means = "0.910 | 0.810 | 0.710 | 0.610 | 0.510 | 0.410 | 0.310"
    assert f"| d | m | 0.02 | No Shift + PGD | 2 | {means} |" in made
    assert "worst window: 0.050 to 0.050" in made


def loaded_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_citation_and_the_changelog_know_the_version() -> None:
    version = re.search(r'__version__ = "([^"]+)"', (files("holdfast") / "__init__.py").read_text(encoding="utf-8"))
    assert version is not None
    assert f"version: {version[1]}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
