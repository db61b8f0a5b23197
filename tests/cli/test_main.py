"""The command line as a whole: exit codes, errors, job folders."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.work_verbs import verbs

from napari_neuroembed.cli import main
from napari_neuroembed.cli.parser import build_parser
from napari_neuroembed.cli.verbs import VERBS
from napari_neuroembed.jobs import Job, list_jobs


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "flies"
    folder.mkdir()
    (folder / "project.yaml").write_text("schema_version: 1\n")
    return folder


def work(*argv: object) -> int:
    return main([str(part) for part in argv], verbs=verbs())


def only_job(project: Path) -> Job:
    (job,) = list_jobs(project)
    return job


def test_every_verb_explains_every_argument() -> None:
    parser = build_parser(VERBS)
    (below,) = (a for a in parser._actions if a.dest == "verb")
    assert list(below.choices) == [verb.name for verb in VERBS]
    for name, one in below.choices.items():
        for action in one._actions:
            assert action.help, f"{name}: {action.dest} has no help"


def test_no_verb_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "jobs" in capsys.readouterr().out


def test_help_of_a_verb_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "--help"]) == 0
    assert "PROJECT" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("neuroembed 0.")


def test_a_misspelt_verb_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert work("makes", "flies") == 2
    assert "makes is not a verb. Did you mean make?" in capsys.readouterr().err


def test_a_misspelt_flag_is_a_plain_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert work("look", "flies", "--stesp", "3") == 2
    told = capsys.readouterr().err
    assert "--stesp" in told
    assert "See `neuroembed" in told
    assert "Traceback" not in told


def test_a_long_verb_leaves_a_finished_job(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", project, "--steps", 4) == 0
    facts = only_job(project).facts()
    assert (facts.status, facts.exit_code, facts.verb) == ("finished", 0, "work")
    assert facts.command == ("work", str(project), "--steps", "4")
    assert facts.notes == {"run": "first"}
    progress = only_job(project).progress()
    assert progress is not None
    assert (progress.stage, progress.done, progress.total) == ("steps", 4, 4)
    out = capsys.readouterr()
    assert out.out == "work is done\n"
    assert "steps 4/4" in out.err


def test_a_quick_verb_and_a_dry_run_leave_no_job(project: Path) -> None:
    assert work("look", project) == 0
    assert work("work", project, "--dry-run") == 0
    assert list_jobs(project) == []


def test_some_failed_items_are_exit_code_one_of_a_finished_job(project: Path) -> None:
    assert work("work", project, "--ending", "some") == 1
    facts = only_job(project).facts()
    assert (facts.status, facts.exit_code) == ("finished", 1)


def test_a_mistake_is_one_message_without_traceback(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", project, "--ending", "mistake") == 2
    told = capsys.readouterr().err
    assert "expected 4. Record it again." in told
    assert "Traceback" not in told
    facts = only_job(project).facts()
    assert (facts.status, facts.exit_code) == ("failed", 2)
    assert facts.message.startswith("The stack has 3 frames")


def test_debug_shows_the_traceback_of_a_mistake(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", project, "--ending", "mistake", "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


def test_an_internal_error_says_where_its_traceback_is(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", project, "--ending", "bug") == 3
    told = capsys.readouterr().err
    log = only_job(project).folder / "log.txt"
    assert "Internal error: TypeError: a bug" in told
    assert f"The traceback is in {log}." in told
    assert "Traceback" not in told
    assert "Traceback" in log.read_text()
    assert only_job(project).facts().exit_code == 3


def test_an_internal_error_of_a_quick_verb_prints_its_traceback(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("look", project, "--ending", "bug") == 3
    assert "Traceback" in capsys.readouterr().err


def test_json_prints_only_objects_errors_included(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", project, "--json") == 0
    assert work("work", project, "--json", "--ending", "mistake") == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [row.pop("event") for row in rows]
    assert events == [*["progress"] * 3, "result", *["progress"] * 3, "error"]
    assert rows[3] == {"verb": "work", "steps": 3}
    assert rows[-1]["exit_code"] == 2


def test_a_folder_that_is_no_project_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert work("work", tmp_path / "typo") == 2
    assert "there is no project.yaml" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()


def test_a_verb_that_makes_a_project_leaves_nothing_of_a_mistake(
    tmp_path: Path,
) -> None:
    assert work("make", tmp_path / "new", "--ending", "mistake") == 2
    assert not (tmp_path / "new").exists()
    assert work("make", tmp_path / "new") == 0
    assert only_job(tmp_path / "new").status() == "finished"


def test_a_mistake_never_removes_what_the_verb_had_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "new"

    def keep(verb: str, args: object, report: object) -> int:
        (project / "notes.txt").write_text("mine")
        raise_mistake()

    def raise_mistake() -> None:
        from napari_neuroembed.errors import DataError

        raise DataError("wrong")

    monkeypatch.setattr("tests.cli.work_verbs.run", keep)
    assert work("make", project) == 2
    assert (project / "notes.txt").read_text() == "mine"


def test_the_log_of_the_package_goes_into_the_job(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(verb: str, args: object, report: object) -> int:
        logging.getLogger("napari_neuroembed.data").info("27 frames were masked")
        return 0

    monkeypatch.setattr("tests.cli.work_verbs.run", note)
    assert work("work", project) == 0
    assert "27 frames were masked" in only_job(project).log()[-1]


def test_an_interrupt_stops_a_job_with_130_and_keeps_it_resumable(
    project: Path,
) -> None:
    command = [sys.executable, work_program(), "work", project, "--steps", "1000"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first progress
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Stopped by SIGINT." in told
    facts = only_job(project).facts()
    assert (facts.status, facts.exit_code) == ("stopped", 130)


def test_a_reader_that_closes_the_pipe_early_is_no_traceback(project: Path) -> None:
    command = [sys.executable, work_program(), "look", str(project), "--json"]
    command += ["--steps", "200"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=20) == 1
    assert told == b""


def test_no_terminal_alphabet_ends_a_verb() -> None:
    code = "import napari_neuroembed.cli as c; c.main([]); print('\\u03b3')"
    env = {**environment(), "PYTHONIOENCODING": "ascii"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True)
    assert (out.returncode, out.stdout.splitlines()[-1]) == (0, b"?")


def work_program() -> str:
    return str(Path(__file__).with_name("work_verbs.py"))


def environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
