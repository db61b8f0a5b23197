"""Jobs: started, watched, stopped, lost and resumed, as real processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from tests.cli.work_verbs import PROGRAM

from napari_neuroembed import jobs, processes
from napari_neuroembed.errors import Cancelled, DataError
from napari_neuroembed.files import utc_now
from napari_neuroembed.jobs import Job, create, find_job, list_jobs, start
from napari_neuroembed.jobs.facts import write_facts
from napari_neuroembed.jobs.report import JobReport

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")
    (tmp_path / "project.yaml").write_text("schema_version: 1\n")
    return tmp_path


def work(project: Path, *argv: object) -> Job:
    return start(project, ["work", str(project), *map(str, argv)], program=PROGRAM)


def until(condition: Callable[[], object]) -> None:
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < 20, "it did not happen"
        time.sleep(0.02)


def test_a_started_job_runs_by_itself_to_its_end(project: Path) -> None:
    job = work(project, "--steps", 5)
    assert job.wait(20) == "finished"
    facts = job.facts()
    assert facts.pid != os.getpid()
    assert facts.exit_code == 0
    assert facts.command == ("work", str(project), "--steps", "5")
    progress = job.progress()
    assert progress is not None
    assert (progress.done, progress.total) == (5, 5)
    assert job.log() == ["work is done"]


def test_a_job_that_fails_tells_why(project: Path) -> None:
    job = work(project, "--ending", "mistake")
    assert job.wait(20) == "failed"
    assert "expected 4" in job.facts().message
    assert any("expected 4" in line for line in job.log())


def test_a_job_that_never_began_is_failed_with_its_exit_code(project: Path) -> None:
    job = work(project, "--no-such-flag")
    assert job.wait(20) == "failed"
    assert job.facts().exit_code == 2
    assert any("--no-such-flag" in line for line in job.log())


def test_the_file_cancel_stops_a_job_after_its_batch(project: Path) -> None:
    job = work(project, "--steps", 100_000)
    until(job.progress)
    job.cancel()
    assert job.wait(20) == "stopped"
    facts = job.facts()
    assert (facts.exit_code, facts.message) == (130, "Stopped on request.")


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process at SIGTERM")
def test_sigterm_stops_a_job_like_the_file(project: Path) -> None:
    job = work(project, "--steps", 100_000)
    until(job.progress)
    pid = job.facts().pid
    assert pid is not None
    os.kill(pid, signal.SIGTERM)
    assert job.wait(20) == "stopped"
    assert job.facts().message == "Stopped by SIGTERM."


def test_a_job_that_does_not_listen_is_ended(project: Path) -> None:
    job = work(project, "--steps", 100_000, "--deaf")
    until(lambda: job.facts().status == "running")
    facts = job.facts()
    assert job.end(grace_s=0.2) == "stopped"
    assert "did not stop within 0.2 s" in job.facts().message
    assert facts.pid is not None
    assert facts.process_start_s is not None
    until(lambda: processes.find(facts.pid, facts.process_start_s) is None)


def test_a_killed_job_is_shown_as_lost_and_can_be_resumed(project: Path) -> None:
    job = work(project, "--steps", 100_000)
    until(job.progress)
    pid = job.facts().pid
    assert pid is not None
    psutil.Process(pid).kill()
    assert job.wait(20) == "failed (lost)"
    assert job.facts().status == "running"
    write_facts(job.folder, replace(job.facts(), command=("work", str(project))))
    again = job.resume(PROGRAM)
    assert again.id != job.id
    assert again.wait(20) == "finished"


def test_the_process_of_another_job_with_the_same_number_is_never_signalled(
    project: Path,
) -> None:
    """The number in the file now belongs to this very process."""
    job = create(project, ["train", "flies"])
    mark = processes.start_mark() - 100.0
    now = utc_now()
    facts = replace(
        job.facts(),
        status="running",
        pid=os.getpid(),
        process_start_s=mark,
        heartbeat_utc=now,
    )
    write_facts(job.folder, facts)
    assert job.status() == "failed (lost)"
    assert job.end(grace_s=0.0) == "failed (lost)"
    assert processes.find(os.getpid(), mark) is None
    assert processes.find(os.getpid(), processes.start_mark()) is not None


def test_a_process_that_has_ended_but_was_not_collected_is_gone() -> None:
    process = psutil.Popen([sys.executable, "-c", "pass"])
    mark = processes.start_mark(process.pid)
    until(lambda: processes.find(process.pid, mark) is None)
    process.wait()


def test_a_suspended_job_is_not_lost(project: Path) -> None:
    """Its heart does not beat, but its process is there."""
    job = create(project, ["train", "flies"])
    with JobReport(job.folder):
        then = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        write_facts(job.folder, replace(job.facts(), heartbeat_utc=then))
        assert job.status() == "running"


@pytest.mark.parametrize(
    ("age_s", "status"),
    [(30, "running"), (90, "failed (lost)"), (-3600, "running")],
)
def test_a_job_elsewhere_is_judged_by_its_heartbeat(
    project: Path, age_s: float, status: str
) -> None:
    job = create(project, ["train", "flies"])
    beat = datetime.now(UTC) - timedelta(seconds=age_s)
    facts = replace(
        job.facts(),
        status="running",
        pid=1,
        process_start_s=0.0,
        host="another",
        heartbeat_utc=beat.isoformat(),
    )
    write_facts(job.folder, facts)
    assert job.status() == status


def test_a_job_elsewhere_cannot_be_ended_from_here(project: Path) -> None:
    job = create(project, ["train", "flies"])
    facts = replace(
        job.facts(),
        status="running",
        pid=4711,
        process_start_s=0.0,
        host="another",
        heartbeat_utc=utc_now(),
    )
    write_facts(job.folder, facts)
    with pytest.raises(DataError, match="runs on another and has not stopped"):
        job.end(grace_s=0.0)
    assert (job.folder / "cancel").exists()


def test_a_job_at_work_is_not_started_twice(project: Path) -> None:
    job = create(project, ["train", "flies"])
    with JobReport(job.folder), pytest.raises(DataError, match="is still running"):
        job.resume()


def test_a_training_is_resumed_under_the_name_of_its_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def note(project: Path, argv: list[str], **rest: object) -> Job:
        started.append(argv)
        return Job(project)

    monkeypatch.setattr(jobs, "start", note)
    job = create(project, ["train", "flies"])
    with JobReport(job.folder) as report:
        report.note(run="first")
    (project / "runs/first").mkdir(parents=True)
    (project / "runs/first/run.json").write_text("{}")
    job.resume()
    assert started == [["train", "flies", "--run", "first", "--resume"]]


def test_the_heart_beats_while_the_work_does_not_report(project: Path) -> None:
    job = create(project, ["train", "flies"])
    with JobReport(job.folder, heartbeat_s=0.01):
        first = job.facts().heartbeat_utc
        until(lambda: job.facts().heartbeat_utc != first)
    assert job.facts().status == "finished"


def interrupt(report: JobReport, n_times: int) -> None:
    with report:
        report("train", 1, 10)
        for _ in range(n_times):
            signal.raise_signal(signal.SIGINT)
        report("train", 2, 10)


def test_an_interrupt_becomes_cancelled_at_the_next_report(project: Path) -> None:
    job = create(project, ["train", "flies"])
    with pytest.raises(Cancelled, match="Stopped by SIGINT"):
        interrupt(JobReport(job.folder), 1)
    assert job.facts().status == "stopped"
    progress = job.progress()
    assert progress is not None
    assert progress.done == 1


def test_a_second_interrupt_ends_work_that_does_not_listen(project: Path) -> None:
    job = create(project, ["train", "flies"])
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupt(JobReport(job.folder), 2)
    assert job.facts().status == "stopped"
    assert signal.getsignal(signal.SIGINT) is before


def test_progress_is_thinned_but_begins_and_ends_every_stage(project: Path) -> None:
    job = create(project, ["train", "flies"])
    with JobReport(job.folder) as report:
        for stage in ("a", "b"):
            for done in range(1001):
                report(stage, done, 1000)
    rows = [
        json.loads(line)
        for line in (job.folder / "progress.jsonl").read_text().splitlines()
    ]
    for stage in ("a", "b"):
        dones = [row["done"] for row in rows if row["stage"] == stage]
        assert (dones[0], dones[-1]) == (0, 1000)
        assert len(dones) < 100


def test_a_torn_row_of_progress_is_passed_over(project: Path) -> None:
    job = create(project, ["train", "flies"])
    with JobReport(job.folder) as report:
        report("train", 1, 10)
    with (job.folder / "progress.jsonl").open("a") as file:
        file.write('{"utc": "2026')
    progress = job.progress()
    assert progress is not None
    assert progress.done == 1


def test_jobs_are_listed_oldest_first_and_found_by_their_end(project: Path) -> None:
    made = [create(project, [verb, "flies"]) for verb in ("import", "train")]
    assert {job.id for job in list_jobs(project)} == {job.id for job in made}
    assert find_job(project, made[0].id) == made[0]
    assert find_job(project, made[1].id[-9:]) == made[1]
    with pytest.raises(DataError, match="expected one job '', found 2"):
        find_job(project, "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[]", "does not describe a job"),
        ("{}", "does not describe a job"),
        ('{"schema_version": 99}', "Use the newer neuroembed"),
        ("{", "not readable as JSON"),
    ],
)
def test_a_foreign_job_file_is_refused(project: Path, content: str, text: str) -> None:
    job = create(project, ["train", "flies"])
    (job.folder / "job.json").write_text(content)
    with pytest.raises(DataError, match=text):
        job.facts()
