"""The files of a job's folder and what ``job.json`` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.files import read_json, write_json
from napari_neuroembed.options.base import STRICT, from_dict, to_dict

SCHEMA_VERSION = 1
JOBS = "jobs"
FACTS = "job.json"
PROGRESS = "progress.jsonl"
LOG = "log.txt"
CANCEL = "cancel"

JOB_FILES = {
    FACTS: "Status, process, heartbeat and command, see below.",
    PROGRESS: "A row per report: time, stage, done, total, message.",
    LOG: "What the program logged and printed; ends with the traceback of an error.",
    CANCEL: "Made by whoever wants the job to stop; looked for at every report.",
}
"""Every file of a job's folder."""

Status = Literal["created", "running", "finished", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class JobFacts:
    """What ``job.json`` says about a job."""

    schema_version: int = SCHEMA_VERSION
    """Version of this list."""

    id: str
    """Name of the job and of its folder."""

    verb: str
    """Verb of the command line, e.g. train."""

    command: tuple[str, ...]
    """Arguments after `neuroembed`, the verb first."""

    folder: str
    """Working folder the command was given in."""

    status: Status = "created"
    """created, running, finished, stopped or failed, as the job itself wrote it."""

    message: str = ""
    """Why it failed or stopped."""

    exit_code: int | None = None
    """Exit code of the command."""

    pid: int | None = None
    """Process number."""

    process_start_s: float | None = None
    """Start of the process; tells it from a later one with the same number."""

    host: str
    """Computer the job runs on."""

    created_utc: str
    """When the folder was made."""

    started_utc: str | None = None
    """When the work began."""

    heartbeat_utc: str | None = None
    """Last sign of life, every 5 s."""

    ended_utc: str | None = None
    """When the work ended."""

    notes: dict[str, Any] = Field(default_factory=dict)
    """What the verb made, e.g. the name of the run."""


def read_facts(folder: Path) -> JobFacts:
    """Read ``job.json`` of a job's folder.

    Raises
    ------
    DataError
        When it is missing, damaged or of a newer program.
    """
    path = folder / FACTS
    values = read_json(path)
    if not isinstance(values, dict):
        raise DataError(f"{path} does not describe a job.")
    version = values.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema_version {version}, this program knows up to "
            f"{SCHEMA_VERSION}. Use the newer neuroembed that wrote it."
        )
    try:
        return from_dict(JobFacts, values)
    except ConfigError as error:
        raise DataError(f"{path} does not describe a job: {error}") from error


def write_facts(folder: Path, facts: JobFacts) -> None:
    """Write ``job.json``."""
    write_json(folder / FACTS, to_dict(facts))
