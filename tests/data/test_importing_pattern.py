"""Importing many recordings by the names of their folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.project_files import write_lab

from napari_neuroembed.data.importing.pattern import (
    PatternRequest,
    find_matches,
    plan_pattern,
)
from napari_neuroembed.data.importing.plan import run_plans, summary
from napari_neuroembed.data.importing.request import StreamRequest
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import ConfigError, DataError

MAIN = "{animal}/{date}_{trial}/neural.npy"


def ask(lab: Path, main: str = MAIN, **others: str) -> PatternRequest:
    settings = {
        "neural": StreamRequest(source="", rate_hz=16.0),
        "pose": StreamRequest(source="", rate_hz=32.0, start_s=-0.25),
    }
    return PatternRequest(
        patterns={"neural": main, **others}, base=lab, streams=settings
    )


def test_files_with_the_same_fields_are_one_recording(tmp_path):
    for name in ("fly1/001/f10.tif", "fly1/001/f9.tif", "fly1/002/f1.tif", "x.tif"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    found = find_matches("{animal}/{trial}/*.tif", tmp_path)
    assert list(found) == [("fly1", "001"), ("fly1", "002")]
    assert [p.name for p in found["fly1", "001"]] == ["f9.tif", "f10.tif"]


def test_a_field_that_repeats_must_hold_the_same(tmp_path):
    for name in ("fly1/fly1.tif", "fly1/fly2.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_matches("{animal}/{animal}.tif", tmp_path)) == [("fly1",)]


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    pytest.importorskip("napari_neuroembed.data.readers.csv")
    return write_lab(tmp_path / "lab").resolve()


def test_a_pattern_finds_animals_covariates_and_the_other_streams(lab, tmp_path):
    project = Project.draft(tmp_path / "flies")
    plans = plan_pattern(project, ask(lab, pose="{animal}/{date}_{trial}/pose.csv"))
    assert [plan.status for plan in plans] == ["new"] * 4
    assert summary(run_plans(project, plans)) == "4 imported"
    project = Project.open(project.path)
    assert project.recording_ids()[0] == "fly1_2026-03-01_001"
    assert project.covariates()["trial"].tolist() == ["001", "002"] * 2
    assert project.roots.folders == {"DATA": lab}
    again = plan_pattern(project, ask(lab, pose="{animal}/{date}_{trial}/pose.csv"))
    assert {plan.status for plan in again} == {"present"}


def test_a_missing_sibling_is_missing_and_several_are_doubtful(lab, tmp_path):
    folder = lab / "fly1" / "2026-03-01_001"
    (folder / "pose_2.csv").write_bytes((folder / "pose.csv").read_bytes())
    (lab / "fly2" / "2026-03-01_001" / "pose.csv").unlink()
    project = Project.draft(tmp_path / "flies")
    plans = plan_pattern(project, ask(lab, pose="{animal}/{date}_{trial}/pose*.csv"))
    assert [p.status for p in plans] == ["doubtful", "new", "missing", "new"]
    assert "2 files fit" in plans[0].why
    assert "pose: nothing fits" in plans[2].why
    results = run_plans(project, plans)
    assert [r.status for r in results] == ["failed", "imported", "failed", "imported"]
    assert "--accept import.doubtful" in results[0].error


def test_a_name_that_can_be_divided_in_two_ways_is_doubtful(lab, tmp_path):
    (lab / "fly1" / "2026-03-01_001").rename(lab / "fly1" / "2026_03_001")
    plans = plan_pattern(Project.draft(tmp_path / "flies"), ask(lab))
    doubtful = [plan for plan in plans if plan.status == "doubtful"]
    assert len(doubtful) == 1
    assert "date=2026, trial=03_001" in doubtful[0].why
    assert "date=2026_03, trial=001" in doubtful[0].why


def test_several_files_of_one_recording_are_kept_as_a_pattern(lab, tmp_path):
    folder = lab / "fly1" / "2026-03-01_001"
    (folder / "neural_2.npy").write_bytes((folder / "neural.npy").read_bytes())
    asked = ask(lab, main="{animal}/{date}_{trial}/neural*.npy")
    plan = plan_pattern(Project.draft(tmp_path / "flies"), asked)[0]
    source = str(plan.request.streams["neural"].source)
    assert source.endswith("fly1/2026-03-01_001/neural*.npy")


def test_patterns_that_cannot_work_say_why(lab, tmp_path):
    project = Project.draft(tmp_path / "flies")
    with pytest.raises(ConfigError, match="Whose recordings are they"):
        plan_pattern(project, ask(lab, main="fly1/{date}_{trial}/neural.npy"))
    with pytest.raises(DataError, match="finds no file under"):
        plan_pattern(project, ask(lab, main="{animal}/*.tif"))
    with pytest.raises(ConfigError, match=r"pattern of pose uses \{day\}"):
        plan_pattern(project, ask(lab, pose="{animal}/{day}/pose.csv"))
    named = PatternRequest(patterns={"neural": MAIN}, base=lab, name="{animal}")
    with pytest.raises(ConfigError, match="would be named fly1, fly2"):
        plan_pattern(project, named)
