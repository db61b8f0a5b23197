"""Looking at a whole project."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.data.project_files import write_lab, write_table

from napari_neuroembed.data.importing.plan import run_plans
from napari_neuroembed.data.importing.table import plan_table
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.check_files import check_path
from napari_neuroembed.data.project.checks import (
    as_json,
    check_project,
    missing_classes,
)
from napari_neuroembed.data.project.relink import relink
from napari_neuroembed.data.project.spec import Acceptance, RecordingSpec
from napari_neuroembed.errors import DataError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    pytest.importorskip("napari_neuroembed.data.readers.csv")
    table = write_table(write_lab(tmp_path / "lab").resolve())
    project = Project.draft(tmp_path / "flies")
    run_plans(project, plan_table(project, table))
    return project


def ids(project: Project, severity: str | None = None) -> list[str]:
    found = check_project(project).problems
    return [p.id for p in found if severity in (None, p.severity)]


def test_every_recording_has_a_line_with_lengths_rates_and_their_origin(project):
    report = check_project(project)
    line = report.lines[0]
    for part in (
        "fly1_001 (fly1)",
        "neural 64 frames 4.00 s 16 Hz (as given)",
        "pose 150 frames 4.69 s 32 Hz",
        "scalar 64 frames 4.00 s 16 Hz (time of every frame)",
        "shared 4.00 s",
        "no labels",
        "derived missing",
    ):
        assert part in line.text()
    json.dumps(as_json(report))
    assert not report.has_errors


def test_confounded_covariates_are_told_and_crossed_ones_are_not(project):
    found = [p for p in check_project(project).problems if "covariate" in p.id]
    assert [p.where for p in found] == ["sex"]


def test_one_animal_only_is_told(project):
    for name in ("fly2_001", "fly2_002"):
        project.remove(name)
    assert "project.one_animal" in ids(project, "warning")


def test_an_empty_project_is_told(tmp_path):
    pytest.importorskip("napari_neuroembed.options.preprocessing")
    assert "project.empty" in ids(Project.create(tmp_path / "p"), "error")


def test_a_stream_that_others_have_is_missing(project):
    path = project.path / "project.yaml"
    text = path.read_text()
    start = text.index("    scalar:")
    stop = text.index("- id: fly1_002")
    path.write_text(text[:start] + text[stop:])
    line = check_project(Project.open(project.path)).lines[0]
    assert line.missing == ("scalar",)
    assert "no scalar" in line.text()


def test_what_was_accepted_is_shown_with_its_reason_and_no_longer_open(project):
    assert ids(project).count("sync.overlap") == 4
    project.accept([Acceptance(check="sync.overlap", why="camera first")])
    report = check_project(project)
    assert not [p for p in report.problems if p.id == "sync.overlap"]
    assert {why for _, why in report.accepted} == {"camera first"}


def test_a_changed_a_copied_and_a_lost_file_are_errors(project, tmp_path):
    lab = tmp_path / "lab"
    first = lab / "fly1" / "2026-03-01_001" / "neural.npy"
    np.save(first, np.load(first) + 1)
    (lab / "fly2" / "2026-03-02_002" / "pose.csv").unlink()
    found = check_project(project)
    errors = {(p.id, p.where) for p in found.problems if p.severity == "error"}
    assert errors == {("source.changed", "fly1_001"), ("recording.open", "fly2_002")}
    assert found.lines[3].streams == ()
    text = (project.path / "project.yaml").read_text()
    place = "fly2/2026-03-01_001/neural.npy"
    same = "fly1/2026-03-02_002/neural.npy"
    (project.path / "project.yaml").write_text(text.replace(place, same))
    (project.path / ".neuroembed" / "sources.json").unlink()
    assert ("source.duplicate", "fly2_001") in {
        (p.id, p.where) for p in check_project(Project.open(project.path)).problems
    }


def test_an_action_that_an_animal_never_shows_is_told():
    recordings = [RecordingSpec(id=f"{a}_1", animal=a) for a in "abc"]
    labels = {"a_1": {"walk": 3, "rest": 1}, "b_1": {"walk": 2}}
    first, second = missing_classes(recordings, labels)
    assert (first.id, first.where) == ("label.missing_class", "b")
    assert "no bout of rest" in first.text
    assert (second.id, second.where) == ("label.none", "c")
    assert missing_classes(recordings, {}) == []


def test_labels_are_counted_per_action_and_strangers_are_named(project):
    pytest.importorskip("napari_neuroembed.data.annotations.importing")
    with project.annotations() as store:
        for recording in ("fly1_001", "fly1_002", "gone"):
            store.add_rater("me") if "me" not in store.raters() else None
            if "walk" not in set(store.actions()["name"]):
                store.add_action("walk")
            store.add(recording, "walk", 0.5, 1.5, rater="me")
    report = check_project(project)
    assert report.lines[0].labels == {"walk": 1}
    assert "labels: 1 walk" in report.lines[0].text()
    found = {(p.id, p.where) for p in report.problems if p.id.startswith("label")}
    assert found == {("labels.recording", ""), ("label.none", "fly2")}


def test_files_of_no_project_are_described_one_by_one(project, tmp_path):
    pytest.importorskip("napari_neuroembed.data.readers.labels")
    folder = tmp_path / "lab" / "fly1" / "2026-03-01_001"
    (folder / "labels.csv").write_text("start_s,stop_s,action\n0.5,1.5,walk\n")
    (folder / "notes.md").write_text("# notes\n")
    lines, problems = check_path(folder)
    texts = {line.path.name: line.text() for line in lines}
    assert "150x2x2" in texts["pose.csv"]
    assert "time of every frame" in texts["speed.csv"]
    assert texts["labels.csv"].endswith("labelled actions [csv-intervals]")
    assert "not read" in texts["notes.md"]
    assert problems == []
    with pytest.raises(DataError, match="is not there"):
        check_path(tmp_path / "nowhere")


def test_a_moved_drive_is_found_by_its_new_root(project, tmp_path):
    (tmp_path / "lab").rename(tmp_path / "disk")
    with pytest.raises(DataError, match=r"which is not there. Mount it.*relink"):
        project.raw("fly1_001")
    with pytest.raises(DataError, match="holds none of the 12 files"):
        relink(project, {"DATA": tmp_path})
    report = relink(project, {"DATA": tmp_path / "disk"})
    assert (report.n_found, report.missing) == (12, ())
    assert "DATA is now" in report.text()
    assert Project.open(project.path).raw("fly1_001").id == "fly1_001"


def test_moved_files_are_found_by_their_content(project, tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "lab").rename(tmp_path / "far" / "deep")
    report = relink(project, search=tmp_path / "far")
    assert report.n_found == 12
    assert report.moved == ()
    assert project.roots.folders["DATA"] == (tmp_path / "far" / "deep").resolve()


def test_files_that_went_apart_from_their_root_share_one_new_root(project, tmp_path):
    for animal in ("fly1", "fly2"):
        (tmp_path / "lab" / animal).rename(tmp_path / "lab" / f"old_{animal}")
    (tmp_path / "far").mkdir()
    for animal in ("fly1", "fly2"):
        place = tmp_path / "far" / animal
        (tmp_path / "lab" / f"old_{animal}").rename(place)
        (place / "more").mkdir()
        for trial in sorted(place.glob("2026*")):
            trial.rename(place / "more" / trial.name)
    before = set(project.roots.folders)
    report = relink(project, search=tmp_path / "far")
    assert (report.n_found, report.missing) == (12, ())
    assert len(set(project.roots.folders) - before) == 1


def test_renamed_files_get_new_sources(project, tmp_path):
    folder = tmp_path / "lab" / "fly1" / "2026-03-01_001"
    (folder / "pose.csv").rename(folder / "pose_old.csv")
    report = relink(project, search=tmp_path / "lab")
    ((recording, stream, old, new),) = report.moved
    assert (recording, stream) == ("fly1_001", "pose")
    assert (Path(old).name, Path(new).name) == ("pose.csv", "pose_old.csv")
    assert len(Project.open(project.path).raw("fly1_001").streams["pose"]) == 150


def test_what_is_lost_or_changed_is_named(project, tmp_path):
    folder = tmp_path / "lab" / "fly1" / "2026-03-01_001"
    (folder / "pose.csv").unlink()
    (folder / "speed.csv").write_text("time_s,speed\n0.1,2\n")
    report = relink(project, search=tmp_path / "lab")
    assert report.missing == ("DATA:fly1/2026-03-01_001/pose.csv",)
    assert report.changed == ("DATA:fly1/2026-03-01_001/speed.csv",)
    assert report.n_found == 10
