"""Jobs around the real verbs: a training watched, stopped, lost and resumed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.tiny_project import train_command

from napari_neuroembed.api import Project
from napari_neuroembed.cli import main
from napari_neuroembed.jobs import Job, find_job, start
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training.resume import hash_of

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 100_000


@pytest.fixture(autouse=True)
def _this_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))


def until(condition: Callable[[], object]) -> None:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < 60, "it did not happen"
        time.sleep(0.02)


def in_training(job: Job) -> bool:
    progress = job.progress()
    return progress is not None and (progress.stage, progress.done > 2) == (
        "train",
        True,
    )


def without_run(words: list[str]) -> list[str]:
    at = words.index("--run")
    return words[:at] + words[at + 2 :]


def shorten(run: Path, steps: int) -> None:
    """Let a training that would take hours end soon after it is resumed.

    A user who edits the configuration is refused, hence the new hash.
    """
    config = run / "config.yaml"
    text = config.read_text("utf-8").replace(f"steps: {ENOUGH}", f"steps: {steps}")
    config.write_text(text, "utf-8")
    RunFolder.open(run).update(config_hash=hash_of(text))


def jobs(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["jobs", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_a_training_is_listed_shown_cancelled_and_resumed(
    tiny_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = without_run(train_command(tiny_project, "", steps=ENOUGH))
    job = start(tiny_project, words)
    until(lambda: in_training(job))
    name = job.facts().notes["run"]
    rows = jobs(capsys, "list", tiny_project).splitlines()
    (listed,) = (row for row in rows if row.startswith(job.id))
    assert "running" in listed
    assert f"/{ENOUGH}" in listed
    (row,) = jobs(capsys, "show", tiny_project, job.id, "--json").splitlines()
    shown = json.loads(row)
    assert (shown["status"], shown["verb"], shown["notes"]) == (
        "running",
        "train",
        {"run": name},
    )
    told = jobs(capsys, "cancel", tiny_project, job.id, "--grace", 30)
    assert told == f"{job.id}: stopped\n"
    assert job.facts().exit_code == 130
    run = Project.open(tiny_project).run(str(name))
    assert run.info()["status"] == "stopped"
    n_done = len(run.history())
    saved = sorted(run.folder.checkpoints.glob("step_*"))[-1]
    assert int(saved.name.removeprefix("step_")) == n_done
    shorten(run.folder.path, n_done + 3)
    told = jobs(capsys, "resume", tiny_project, job.id)
    again = find_job(tiny_project, told.partition(":")[0])
    assert again.wait(120) == "finished", again.log()
    assert again.facts().command == (*words, "--run", name, "--resume")
    assert len(run.history()) == n_done + 3
    assert run.info()["status"] == "finished"
    assert len(run.embedding()[0]) > 0


def test_a_killed_training_is_lost_and_goes_on(
    tiny_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = train_command(tiny_project, "lost", steps=ENOUGH, checkpoint_s=0.05)
    job = start(tiny_project, words)
    checkpoints = tiny_project / "runs/lost/checkpoints"
    until(lambda: len(list(checkpoints.glob("step_*"))) > 1)
    pid = job.facts().pid
    assert pid not in (None, os.getpid())
    psutil.Process(pid).kill()
    assert job.wait(20) == "failed (lost)"
    assert "failed (lost)" in jobs(capsys, "list", tiny_project)
    last = max(int(p.name.removeprefix("step_")) for p in checkpoints.glob("step_*"))
    shorten(tiny_project / "runs/lost", last + 3)
    jobs(capsys, "resume", tiny_project, job.id)
    again = Job(sorted((tiny_project / "jobs").iterdir())[-1])
    assert again.wait(120) == "finished", again.log()
    history = Project.open(tiny_project).run("lost").history()
    assert history["step"].tolist() == list(range(1, last + 4))


def test_a_training_stopped_before_it_had_a_run_begins_anew(
    tiny_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def note(project: Path, argv: list[str], **rest: object) -> Job:
        started.append(argv)
        return Job(project)

    monkeypatch.setattr("napari_neuroembed.jobs.start", note)
    from napari_neuroembed.jobs import create

    words = train_command(tiny_project, "never", steps=3)
    job = create(tiny_project, words)
    facts = json.loads((job.folder / "job.json").read_text())
    (job.folder / "job.json").write_text(json.dumps({**facts, "status": "stopped"}))
    job.resume()
    assert started == [words]
