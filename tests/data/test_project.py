"""The project folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.data.project_files import write_recording

from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.spec import Acceptance, RecordingSpec, StreamSpec
from napari_neuroembed.errors import ConfigError, DataError

pytest.importorskip("napari_neuroembed.data.readers.npy")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "flies", preset="twin")
    write_recording(project.path / "raw", seed=1)
    project.add(recording())
    return project


def recording(name: str = "fly1_001", **changes: object) -> RecordingSpec:
    values = {
        "source": "PROJECT:raw/neural.npy",
        "reader": "npy",
        "rate_hz": 16.0,
        **changes,
    }
    return RecordingSpec(
        id=name, animal="fly1", streams={"neural": StreamSpec(**values)}
    )


def test_a_new_project_is_opened_again_as_it_was(project):
    again = Project.open(project.path)
    assert again.spec == project.spec
    assert again.spec.name == "flies"
    assert again.recording_ids() == ("fly1_001",)
    assert again.animals() == ("fly1",)
    assert again.derived_folder("fly1_001") == project.path / "derived" / "fly1_001"


def test_a_folder_without_project_yaml_is_refused_and_parents_are_not_searched(project):
    inside = project.path / "raw"
    with pytest.raises(DataError, match=r"is no project.*make one with: neuroembed"):
        Project.open(inside)
    with pytest.raises(DataError, match="There is a project in"):
        Project.create(project.path)


def test_raw_streams_are_lazy_and_on_the_recordings_clock(project):
    found = project.raw("fly1_001")
    neural = found.streams["neural"]
    assert neural.data.dtype == np.uint16
    assert (neural.time.start_s, neural.time.rate_hz) == (0.0, 16.0)
    np.testing.assert_array_equal(
        neural.data[3], np.load(project.path / "raw" / "neural.npy")[3]
    )
    assert found.bouts is None


def test_an_unknown_recording_names_the_known_ones(project):
    with pytest.raises(DataError, match=r"no recording 'fly9'.*Known: fly1_001"):
        project.raw("fly9")


def test_an_edit_by_somebody_else_is_never_overwritten(project):
    other = Project.open(project.path)
    path = project.path / "project.yaml"
    path.write_text(path.read_text().replace("preset: twin", "preset: quick"))
    before = path.read_text()
    with pytest.raises(
        DataError, match=r"(?s)changed by somebody else.*\+preset: quick"
    ):
        other.accept([Acceptance(check="sync.overlap", why="early")])
    assert path.read_text() == before
    assert other.spec.accepted == ()


def test_comments_of_a_person_survive_an_import(project):
    path = project.path / "project.yaml"
    path.write_text(
        path.read_text().replace("- id: fly1_001", "# rig 2\n- id: fly1_001")
    )
    again = Project.open(project.path)
    write_recording(project.path / "more", seed=2)
    again.add(recording("fly1_002", source="PROJECT:more/neural.npy"))
    assert "# rig 2\n- id: fly1_001" in path.read_text()
    assert Project.open(project.path).recording_ids() == ("fly1_001", "fly1_002")


def test_a_file_that_changed_since_import_is_refused_until_it_is_accepted(project):
    file = project.path / "raw" / "neural.npy"
    np.save(file, np.load(file) + 1)
    with pytest.raises(
        DataError, match=r"neural changed since.*another content.*--acc"
    ):
        project.raw("fly1_001")
    project.accept([Acceptance(check="source.changed", why="exported again")])
    assert len(project.raw("fly1_001").streams["neural"]) == 64
    np.save(file, np.load(file) + 1)
    with pytest.raises(DataError, match=r"source.changed"):
        project.raw("fly1_001")


def test_nothing_is_accepted_without_a_reason_or_where_an_answer_is_needed(project):
    with pytest.raises(DataError, match="needs a reason"):
        project.accept([Acceptance(check="sync.overlap", why=" ")])
    with pytest.raises(DataError, match=r"rate.missing cannot be accepted"):
        project.accept([Acceptance(check="rate.missing", why="lazy")])


def test_the_same_name_twice_is_refused_and_nothing_is_written(project):
    before = (project.path / "project.yaml").read_text()
    with pytest.raises(DataError, match="There is a recording 'fly1_001'"):
        project.add(recording())
    assert (project.path / "project.yaml").read_text() == before


def test_a_removed_recording_leaves_its_files(project):
    project.remove("fly1_001")
    assert Project.open(project.path).recording_ids() == ()
    assert (project.path / "raw" / "neural.npy").exists()
    assert project.records() == {}


def test_options_of_preprocessing_are_checked_when_they_are_asked_for(project):
    pytest.importorskip("napari_neuroembed.options.preprocessing")
    assert project.preprocessing().dff.window_frames == 15
    path = project.path / "project.yaml"
    path.write_text(path.read_text() + "preprocessing: {dff: {window_frame: 3}}\n")
    with pytest.raises(ConfigError, match=r"preprocessing.dff.window_frame is not"):
        Project.open(project.path).preprocessing()


def edit(project: Project, old: str, new: str) -> Project:
    path = project.path / "project.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return Project.open(project.path)


def pretend_derived(project: Project) -> None:
    """Write a derived folder that was made from what project.yaml says now."""
    derived = pytest.importorskip("napari_neuroembed.data.derived")
    from napari_neuroembed.files import write_folder, write_json
    from napari_neuroembed.options.base import to_dict

    spec = project.recording("fly1_001")
    made = derived.plain(project.provenance("fly1_001"))
    with write_folder(project.derived_folder(spec.id)) as build:
        raw = project.raw(spec.id).streams["neural"]
        flat = np.asarray(raw.data[:]).reshape(len(raw), -1)
        from napari_neuroembed.data.recording import Stream

        derived.write_derived_stream(build, "trace", Stream("trace", flat, raw.time))
        options = to_dict(project.preprocessing())
        content = {"schema_version": 1, "options": options, **made}
        write_json(build / "provenance.json", content)


def test_prepared_data_are_refused_until_they_are_there_and_up_to_date(project):
    pytest.importorskip("napari_neuroembed.data.derived")
    with pytest.raises(DataError, match=r"not pre-processed. Run: neuroembed prep"):
        project.prepared("fly1_001")
    pretend_derived(project)
    found = project.prepared("fly1_001")
    assert found.streams["trace"].data.shape == (64, 30)
    assert found.animal == "fly1"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("rate_hz: 16.0", "rate_hz: 17.0", "neural.rate_hz"),
        ("preset: twin", "preset: twin\npreprocessing: {keep_native: true}", "options"),
    ],
)
def test_a_changed_rate_or_option_makes_derived_data_out_of_date(
    project, old, new, what
):
    pretend_derived(project)
    edited = edit(project, old, new)
    with pytest.raises(DataError, match=rf"before a change of .*{what}.*out_of_date"):
        edited.prepared("fly1_001")


def test_moved_files_and_memory_do_not_make_derived_data_out_of_date(project):
    pretend_derived(project)
    (project.path / "raw").rename(project.path / "elsewhere")
    from napari_neuroembed.data.project.relink import relink

    relink(project, search=project.path)
    edited = edit(
        project, "preset: twin", "preset: twin\npreprocessing: {max_memory_mb: 64}"
    )
    assert (
        edited.recording("fly1_001")
        .streams["neural"]
        .source.endswith("elsewhere/neural.npy")
    )
    assert edited.prepared("fly1_001").id == "fly1_001"
