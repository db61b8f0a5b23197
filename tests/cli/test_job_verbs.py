"""The verb ``jobs``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_neuroembed.cli import main
from napari_neuroembed.jobs import create
from napari_neuroembed.jobs.report import JobReport


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project.yaml").write_text("schema_version: 1\n")
    return tmp_path


def jobs(*argv: object) -> int:
    return main(["jobs", *map(str, argv)])


def test_no_jobs_are_said_to_be_none(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobs("list", project) == 0
    assert capsys.readouterr().out == "No jobs yet.\n"


def test_the_list_tells_status_and_progress_of_every_job(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with JobReport(create(project, ["train", "flies"]).folder) as report:
        report("train", 3, 10)
    job = create(project, ["embed", "flies"])
    (job.folder / "job.json").write_text("{}")
    assert jobs("list", project) == 0
    told = capsys.readouterr().out
    assert "finished" in told
    assert "train 3/10" in told
    assert "unreadable" in told
    assert jobs("list", project, "--json") == 0
    (row,) = capsys.readouterr().out.splitlines()
    assert next(job["status"] for job in json.loads(row)["jobs"]) == "finished"


def test_one_job_is_shown_with_its_log(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = create(project, ["train", "flies"])
    with pytest.raises(TypeError), JobReport(job.folder):
        raise TypeError("a bug")
    assert jobs("show", project, job.id[-4:]) == 0
    told = capsys.readouterr().out
    assert "failed" in told
    assert "TypeError: a bug" in told.splitlines()[-1]


def test_cancelling_a_finished_job_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = create(project, ["train", "flies"])
    with JobReport(job.folder):
        pass
    before = job.facts()
    assert jobs("cancel", project, job.id) == 0
    assert capsys.readouterr().out == f"{job.id}: finished\n"
    assert job.facts() == before
    assert not (job.folder / "cancel").exists()


@pytest.mark.parametrize("action", ["show", "cancel", "resume"])
def test_one_job_needs_its_id(
    project: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobs(action, project) == 2
    assert f"jobs {action} needs the ID of a job" in capsys.readouterr().err


def test_an_unknown_job_lists_those_there_are(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = create(project, ["train", "flies"])
    assert jobs("show", project, "nothing") == 2
    told = capsys.readouterr().err
    assert "expected one job 'nothing', found 0" in told
    assert job.id in told


def test_a_folder_that_is_no_project_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobs("list", tmp_path) == 2
    assert "is not a project" in capsys.readouterr().err
