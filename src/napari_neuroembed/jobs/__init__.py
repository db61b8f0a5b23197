"""Start, watch, stop and resume jobs: long verbs, each a process with a folder.

A job is a `neuroembed` command with its folder under ``jobs/``. Windows, browsers and
scripts start the same command, read the same files and stop it by the same file, so a
crashed window never ends a job and a crashed job never freezes a window.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from napari_neuroembed import processes
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import new_folder, open_log, utc_now, write_text
from napari_neuroembed.jobs.facts import (
    CANCEL,
    FACTS,
    JOBS,
    LOG,
    PROGRESS,
    JobFacts,
    read_facts,
    write_facts,
)
from napari_neuroembed.store.schema import RUN, RUNS

LOST_AFTER_S = 60.0
"""A job elsewhere counts as lost when its heartbeat is older than this."""

GRACE_S = 10.0
"""Seconds between the request to stop and the end of a process that ignores it."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` items of `stage`, at `utc`."""

    utc: str
    stage: str
    done: int
    total: int
    message: str = ""


@dataclass(frozen=True)
class Job:
    """One execution of a long verb, seen through its folder.

    Parameters
    ----------
    folder
        The job's folder, ``PROJECT/jobs/<id>``.
    """

    folder: Path

    @property
    def id(self) -> str:
        """Name of the job."""
        return self.folder.name

    def facts(self) -> JobFacts:
        """Read ``job.json``.

        Raises
        ------
        DataError
            When it is missing, damaged or of a newer program.
        """
        return read_facts(self.folder)

    def is_lost(self, facts: JobFacts | None = None) -> bool:
        """Whether the job says it works, yet its process is gone or silent."""
        facts = facts or self.facts()
        if facts.status not in ("created", "running"):
            return False
        if facts.pid is None or facts.process_start_s is None:
            return _age_s(facts.created_utc) > LOST_AFTER_S
        if facts.host == processes.host():
            return processes.find(facts.pid, facts.process_start_s) is None
        return _age_s(facts.heartbeat_utc or facts.created_utc) > LOST_AFTER_S

    def status(self) -> str:
        """Return the status, ``failed (lost)`` when its process is gone."""
        facts = self.facts()
        if not self.is_lost(facts):
            return facts.status
        latest = self.facts()  # it may have ended between the two looks
        return "failed (lost)" if latest.status == facts.status else latest.status

    def progress(self) -> Progress | None:
        """Return the last line of ``progress.jsonl``, None before the first."""
        path = self.folder / PROGRESS
        if not path.exists():
            return None
        for line in reversed(_tail(path)):
            row = _parse_row(line)
            if row is not None:
                return row
        return None

    def log(self, n_lines: int = 40) -> list[str]:
        """Return the last lines of ``log.txt``."""
        path = self.folder / LOG
        if not path.exists():
            return []
        text = b"\n".join(_tail(path)).decode("utf-8", errors="replace")
        return text.splitlines()[-n_lines:]

    def wait(self, timeout_s: float | None = None, poll_s: float = 0.1) -> str:
        """Wait until the job has ended and return its status.

        Returns
        -------
        str
            As :meth:`status`; ``created`` or ``running`` when the time ran out.
        """
        start = time.monotonic()
        while (status := self.status()) in ("created", "running"):
            if timeout_s is not None and time.monotonic() - start > timeout_s:
                break
            time.sleep(poll_s)
        return status

    def cancel(self) -> None:
        """Ask the job to stop after its present batch; returns at once."""
        write_text(self.folder / CANCEL, utc_now() + "\n")

    def end(self, grace_s: float = GRACE_S) -> str:
        """Ask the job to stop and end its process if it does not.

        Returns
        -------
        str
            The status afterwards.

        Raises
        ------
        DataError
            When it runs on another computer, which only that one can end.
        """
        if self.status() in ("created", "running"):
            self.cancel()
        status = self.wait(grace_s)
        if status not in ("created", "running"):
            return status
        facts = self.facts()
        if facts.host != processes.host():
            raise DataError(
                f"Job {self.id} runs on {facts.host} and has not stopped within "
                f"{grace_s:g} s. The request is in its folder; if it does not react, "
                f"end process {facts.pid} there."
            )
        if facts.pid is not None and facts.process_start_s is not None:
            process = processes.find(facts.pid, facts.process_start_s)
            if process is not None:
                processes.end(process)
        facts = self.facts()
        if facts.status in ("created", "running"):
            write_facts(
                self.folder,
                replace(
                    facts,
                    status="stopped",
                    message=f"Ended: it did not stop within {grace_s:g} s.",
                    ended_utc=utc_now(),
                ),
            )
        return self.status()

    def resume(self, program: Sequence[str] | None = None) -> Job:
        """Start the job's command again, to go on where it stopped.

        Verbs skip what is finished; a training goes on from its last checkpoint.

        Raises
        ------
        DataError
            When the job is still at work.
        """
        facts = self.facts()
        if self.status() in ("created", "running"):
            raise DataError(f"Job {self.id} is still {facts.status}; cancel it first.")
        command = list(facts.command)
        if facts.verb == "train":
            if "run" in facts.notes and "--run" not in command:
                command += ["--run", str(facts.notes["run"])]
            if "--resume" not in command and self._has_begun(command):
                command.append("--resume")
        return start(
            self.folder.parents[1],
            command,
            folder=Path(facts.folder),
            program=program or PROGRAM,
        )

    def _has_begun(self, command: Sequence[str]) -> bool:
        """Whether a training was stopped after its run was made, not before."""
        if "--run" not in command:
            return False
        name = command[command.index("--run") + 1]
        runs = self.folder.parents[1] / RUNS
        return any(runs.glob(f"{name}/{RUN}")) or "--leave-one-animal-out" in command


def create(project: Path, argv: Sequence[str], *, folder: Path | None = None) -> Job:
    """Make the folder of a new job, ``PROJECT/jobs/<utc>-<verb>-<4 hex>``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
    name = f"{stamp}-{argv[0]}-{secrets.token_hex(2)}"
    path = Path(project).absolute() / JOBS / name
    facts = JobFacts(
        id=name,
        verb=argv[0],
        command=tuple(argv),
        folder=str((folder or Path.cwd()).absolute()),
        host=processes.host(),
        created_utc=utc_now(),
    )
    with new_folder(path) as build:
        write_facts(build, facts)
    return Job(path)


PROGRAM = (sys.executable, "-m", "napari_neuroembed")
"""How a job is started: the very Python that runs this."""


def start(
    project: Path,
    argv: Sequence[str],
    *,
    folder: Path | None = None,
    program: Sequence[str] = PROGRAM,
) -> Job:
    """Start a verb as a job of its own that outlives this process.

    Parameters
    ----------
    project
        The project folder.
    argv
        Verb and arguments as on the command line, e.g. ``["train", "flies"]``.
    folder
        Working folder for relative paths in `argv`; default the present one.
    program
        What takes these arguments.

    Returns
    -------
    Job
        Already started; see :meth:`Job.wait` and :meth:`Job.progress`.
    """
    job = create(project, argv, folder=folder)
    command = [*program, *argv, "--job", str(job.folder)]
    with open_log(job.folder / LOG) as log:
        process = processes.spawn(command, log=log, folder=folder)
    name = f"watch {job.id}"
    threading.Thread(target=_watch, args=(process, job), name=name, daemon=True).start()
    return job


def list_jobs(project: Path) -> list[Job]:
    """Return the jobs of a project, oldest first."""
    folder = Path(project) / JOBS
    return [Job(path.parent) for path in sorted(folder.glob(f"[!.]*/{FACTS}"))]


def find_job(project: Path, job_id: str) -> Job:
    """Return one job by its name or the end of it.

    Raises
    ------
    DataError
        When no job or several fit, listing them.
    """
    jobs = list_jobs(project)
    found = [job for job in jobs if job.id == job_id]
    found = found or [job for job in jobs if job.id.endswith(job_id)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(job.id for job in found or jobs) or "none"
    raise DataError(
        f"{project}: expected one job {job_id!r}, found {len(found)}. Jobs: {listed}."
    )


def _watch(process: subprocess.Popen[bytes], job: Job) -> None:
    """Wait for a process started here, so that its end is known at once."""
    code = process.wait()
    try:
        facts = job.facts()
    except DataError:  # the folder was removed meanwhile
        return
    if facts.status == "created":
        message = f"Ended with exit code {code} before it began; see {LOG}."
        write_facts(
            job.folder,
            replace(
                facts,
                status="failed",
                message=message,
                exit_code=code,
                ended_utc=utc_now(),
            ),
        )


def _age_s(utc: str) -> float:
    then = datetime.fromisoformat(utc)
    return (datetime.now(UTC) - then).total_seconds()


def _tail(path: Path, n_bytes: int = 1 << 16) -> list[bytes]:
    """Return the whole lines within the last bytes of a file."""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        start = max(0, file.tell() - n_bytes)
        file.seek(start)
        lines = file.read().splitlines()
    return lines[1:] if start else lines


def _parse_row(line: bytes) -> Progress | None:
    """Return a row of progress, None for one that is torn."""
    try:
        return Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
