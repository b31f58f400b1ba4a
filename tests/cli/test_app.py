"""Start, help, version, and what becomes of an error."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import holdfast
from holdfast.cli.app import app
from holdfast.cli.guard import guarded
from holdfast.core.errors import InputError


def _ends_with(error: BaseException) -> tuple[int, str]:
    """Return the exit code and stderr of a command that raises."""
    failing = typer.Typer(pretty_exceptions_enable=False)

    def command() -> None:
        raise error

    failing.command()(guarded(command))
    result = CliRunner().invoke(failing, [])
    return result.exit_code, result.stderr


def test_help_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys\nfrom holdfast.cli.app import app\ntry:\n    app(['--help'])\nexcept SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pydantic', 'sklearn'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "reproduce" in done.stdout


def test_the_version_is_shown() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"holdfast {holdfast.__version__}\n")


@pytest.mark.parametrize("command", ["demo", "train", "audit", "report", "grid", "reproduce", "list", "data"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_an_error_the_user_can_mend_is_one_line_and_exit_code_2() -> None:
    assert _ends_with(InputError("peaks.bed line 14: end before start")) == (
        2,
        "error: peaks.bed line 14: end before start\n",
    )


def test_a_bug_shows_its_traceback_and_asks_to_be_reported() -> None:
    code, stderr = _ends_with(ZeroDivisionError("ours"))
    assert code == 70
    assert "Traceback" in stderr
    assert "ZeroDivisionError: ours" in stderr
    assert stderr.endswith("please report it with the lines above\n")


def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    code, stderr = _ends_with(KeyboardInterrupt())
    assert code == 130
    assert "Traceback" not in stderr


def test_a_full_disk_is_no_bug_wherever_it_is_met() -> None:
    code, stderr = _ends_with(OSError(errno.ENOSPC, "No space left on device", "runs/a/log.txt"))
    assert code == 2
    assert stderr.startswith("error: runs/a/log.txt: the disk is full")


def test_a_reader_that_leaves_is_not_complained_about(tmp_path: Path) -> None:
    script = "from holdfast.cli.app import main; main()"
    command = f'"{sys.executable}" -c "{script}" list --runs "{tmp_path}" | true'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_an_unknown_command_and_an_unknown_option_are_answered_with_the_nearest() -> None:
    wrong_command = CliRunner().invoke(app, ["tran"])
    wrong_option = CliRunner().invoke(app, ["train", "--widow", "75"])
    assert (wrong_command.exit_code, wrong_option.exit_code) == (2, 2)
    assert "train" in wrong_command.stderr
    assert "--window" in wrong_option.stderr
