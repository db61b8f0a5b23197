"""Whatever changed since a report was made is found and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.journeys.command import done, neuroembed

from napari_neuroembed.api import Project
from napari_neuroembed.reports.verify import verify


@pytest.fixture
def reported(own) -> Path:
    project = own()
    done("report", project, "--kinds", "none")
    return project


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


TOUCHED = {
    "report/report/report.html": "report.html",
    "report/report/figures/first/actions_a.csv": "figures/first/actions_a.csv",
    "report/report/manifest.json": "manifest.json",
    "derived/fly1_001/neural.tif": None,
    "derived/fly1_001/manifest.json": None,
    "runs/first/run.json": None,
    "runs/first/history.csv": None,
    "runs/first/embeddings/eval/neural.npy": None,
    "source/fly1/001/neural.tif": "PROJECT:source/fly1/001/neural.tif",
    "project.yaml": None,
}
"""What is altered, and its name in the answer (default: the same)."""


def test_one_altered_byte_is_found_wherever_it_is(reported):
    told = done("report", reported, "--verify")
    assert told.out.strip().endswith("intact")
    for name, known in TOUCHED.items():
        path = reported / name
        before = path.read_bytes()
        flip(path, len(before) - 2)
        found = (
            verify(Project.open(reported), reported / "report/report")
            if (name != "project.yaml")
            else None
        )
        if found is None:  # a comment is altered, so that it can still be read
            path.write_bytes(before + b"# looked at\n")
            found = verify(Project.open(reported), reported / "report/report")
        wrong = found[found["status"] != "intact"]
        assert wrong["name"].tolist() == [known or name], name
        assert wrong["status"].tolist() == ["changed"]
        path.write_bytes(before)
    assert done("report", reported, "--verify").code == 0


def test_what_is_gone_is_missing_and_an_edited_bout_is_a_change(reported):
    (reported / "runs/first/history.csv").unlink()
    (reported / "report/report/methods.md").unlink()
    with Project.open(reported).annotations() as store:
        bout = store.bouts().iloc[0]
        store.remove(int(bout["id"]), int(bout["revision"]), rater=bout["rater"])
    told = neuroembed("report", reported, "--verify", "--json")
    assert told.code == 1
    wrong = {row["name"]: row["status"] for row in told.rows[-1]["wrong"]}
    assert wrong == {
        "runs/first/history.csv": "missing",
        "methods.md": "missing",
        "annotations.sqlite": "changed",
    }


def test_edits_that_leave_the_bouts_alone_are_no_change(reported):
    with Project.open(reported).annotations() as store:
        rater = store.bouts().iloc[0]["rater"]
        first = store.bouts().iloc[0]
        store.remove(int(first["id"]), int(first["revision"]), rater=rater)
        store.undo(rater)
    found = verify(Project.open(reported), reported / "report/report")
    changed = found[found["status"] != "intact"]
    assert changed["kind"].tolist() in ([], ["bouts"])  # its revision went up


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_bit_of_the_manifest_can_be_turned(small_report, share, bit):
    project, folder = small_report
    path = folder / "manifest.json"
    before = path.read_bytes()
    content = bytearray(before)
    content[int(share * len(content))] ^= 1 << bit
    path.write_bytes(bytes(content))
    try:
        found = verify(project, folder)
    finally:
        path.write_bytes(before)
    assert found["status"].iloc[0] == "changed"
    assert found["name"].iloc[0] == "manifest.json"


@pytest.fixture(scope="module")
def small_report(judged, tmp_path_factory):
    """Return a report whose manifest names two files, so that each look is quick."""
    from napari_neuroembed import files
    from napari_neuroembed.reports.verify import sealed

    folder = tmp_path_factory.mktemp("small") / "report"
    inputs = [{"kind": "file", "name": "project.yaml", "bytes": 1, "sha256": "0"}]
    with files.write_folder(
        folder, manifest=lambda content: sealed({**content, "inputs": inputs})
    ) as build:
        files.write_text(build / "page.txt", "a page")
    return Project.open(judged), folder


def test_a_manifest_cannot_make_it_read_other_places(small_report, tmp_path):
    from napari_neuroembed.files import read_json, write_json
    from napari_neuroembed.reports.verify import sealed

    project, folder = small_report
    path = folder / "manifest.json"
    before = path.read_bytes()
    content = read_json(path)
    for name in ("../../secret", "/etc/hostname"):
        one = {"kind": "file", "name": name, "bytes": 1, "sha256": "0"}
        write_json(path, sealed({**content, "inputs": [one]}))
        found = verify(project, folder)
        assert found["status"].tolist() == ["changed"]
        assert "lies outside of the project" in found["detail"].iloc[0]
    write_json(path, sealed({**content, "schema_version": 99}))
    with pytest.raises(Exception, match="Use the newer neuroembed"):
        verify(project, folder)
    path.write_bytes(before)
    assert json.loads(before)["inputs"]
