"""A run goes to a colleague as one file, whole, and without this machine."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from tests.journeys.command import done, neuroembed

import napari_neuroembed as ne
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import Cancelled, DataError
from napari_neuroembed.files import check_folder, sha256_of
from napari_neuroembed.reports.bundle import write_bundle
from napari_neuroembed.reports.bundle_contents import BUNDLE_FILES, name_problem
from napari_neuroembed.reports.unbundle import bundle_facts


@pytest.fixture(scope="module")
def bundled(judged, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("bundled") / "first.zip"
    done("bundle", judged, "first", "--out", out)
    return out


@pytest.fixture(scope="module")
def opened(bundled, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("opened") / "theirs"
    told = done("unbundle", bundled, folder)
    assert "Run first of flies" in told.out
    return folder


def test_scores_embeddings_and_labels_come_out_as_they_went_in(judged, opened):
    ours, theirs = ne.Project.open(judged), ne.Project.open(opened)
    assert list(theirs.runs()["name"]) == ["first"]
    mine, other = ours.run("first"), theirs.run("first")
    pd.testing.assert_frame_equal(mine.scores(), other.scores())
    for stream in ("neural", "pose"):
        windows, h = mine.embedding(stream)
        their_windows, their_h = other.embedding(stream)
        pd.testing.assert_frame_equal(windows, their_windows)
        np.testing.assert_array_equal(h, their_h)
    predictions = mine.folder.predictions()
    pd.testing.assert_frame_equal(predictions, other.folder.predictions())
    pd.testing.assert_frame_equal(mine.history(), other.history())
    with ours.annotations(read_only=True) as a, theirs.annotations(read_only=True) as b:
        pd.testing.assert_frame_equal(a.bouts(), b.bouts())
        assert b.verify() == []
    assert theirs.spec.recordings == ours.spec.recordings
    assert len(other.plot.embedding().data) > 1
    assert len(other.plot.actions().data) > 1


def test_small_things_of_prepared_recordings_are_there_and_frames_are_not(
    judged, opened
):
    for recording in ne.Project.open(judged).recording_ids():
        there, here = opened / "derived" / recording, judged / "derived" / recording
        check_folder(there, contents=True)
        for name in ("mean.npy", "mask.npy", "quality.parquet"):
            assert (there / name).read_bytes() == (here / name).read_bytes()
        assert not (there / "neural.tif").exists()
        for picture in ("mean", "frames"):
            path = opened / "previews" / f"{recording}_{picture}.png"
            with Image.open(path) as image:
                assert image.mode == "L"
                assert len(np.unique(np.asarray(image))) > 20
    with pytest.raises(DataError, match="is not there"):
        ne.Project.open(opened).prepared("fly1_001")


def test_the_opened_folder_is_checked_and_reported_like_any_other(opened):
    check_folder(opened, contents=True)
    told = done("report", opened, "--kinds", "none")
    assert told.code == 0
    text = (opened / "report/report/report.html").read_text("utf-8")
    assert "actions within an animal" in text
    shutil.rmtree(opened / "report")


def test_the_log_of_the_labels_is_whole(bundled, tmp_path):
    project = ne.Project.from_bundle(bundled, tmp_path / "theirs")
    with project.annotations() as store:
        n = len(store.bouts())
        assert store.undo("simulation")
        assert len(store.bouts()) < n
        assert store.redo("simulation")
        assert len(store.bouts()) == n
        assert store.verify() == []


def test_the_model_is_there_and_the_optimiser_is_not(opened):
    from napari_neuroembed.training.model import load_model

    folder = ne.Project.open(opened).run("first").folder
    assert load_model(folder) is not None
    assert not list(opened.rglob("resume.pt"))
    told = neuroembed("train", opened, "--run", "first", "--resume")
    assert told.code == 0  # it is finished, so there is nothing to go on with
    facts = bundle_facts_of(opened)
    assert all("resume.pt" in name for name in facts["left_out"])
    assert facts["left_out"]


def bundle_facts_of(folder: Path):
    return json.loads((folder / "manifest.json").read_text())


def test_the_same_project_gives_the_same_bytes_wherever_and_whenever(
    judged, bundled, tmp_path
):
    before = bundled.read_bytes()
    moved = tmp_path / "elsewhere" / "flies"
    shutil.copytree(judged, moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
    with ne.Project.open(moved).annotations() as store:
        store.data_version()
    out = ne.Project.open(moved).run("first").bundle(tmp_path / "again.zip")
    assert out.read_bytes() == before
    with zipfile.ZipFile(out) as archive:
        infos = archive.infolist()
    names = [info.filename for info in infos]
    assert names == ["manifest.json", *sorted(names[1:])]
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}


def test_every_member_is_documented(bundled):
    facts = bundle_facts(bundled)
    assert [n for n in facts["files"] if name_problem(n, "first")] == []
    for name in BUNDLE_FILES:
        head = name.split("<")[0]
        assert head in ("manifest.json",) or any(
            member.startswith(head) for member in facts["files"]
        ), name


def sign(folder: Path) -> None:
    """Let a manifest fit to what lies beside it."""
    content = json.loads((folder / "manifest.json").read_text())
    for name in content["files"]:
        path = folder / name
        entry = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        content["files"][name] = entry
    (folder / "manifest.json").write_text(json.dumps(content))


def test_nothing_of_this_machine_is_in_it(own, tmp_path):
    folder = own()
    project = ne.Project.open(folder)
    first = project.spec.recordings[0]
    pose = replace(
        first.streams["pose"], reader_options={"unit": "px", "note": "/data/ana/x.xml"}
    )
    changed = replace(
        first,
        streams={**first.streams, "pose": pose},
        covariates={**first.covariates, "rig": "D:\\lab\\rig.ini"},
    )
    project.spec = replace(
        project.spec, recordings=(changed, *project.spec.recordings[1:])
    )
    project.save()
    made = folder / "derived/fly1_001"
    told = json.loads((made / "provenance.json").read_text())
    told["sources"]["pose"]["reader_options"] = {"note": "/data/ana/x.xml"}
    (made / "provenance.json").write_text(json.dumps(told))
    sign(made)
    why = f"seen in {folder} and {Path.home()}/notes"
    project.accept([Acceptance(check="clock.overlap", why=why)])
    with (folder / "project.yaml").open("a") as file:
        file.write(f"# kept on {Path.home()}/disk\n")
    out = write_bundle(ne.Project.open(folder), "first", tmp_path / "out.zip")
    content = out.read_bytes()
    for secret in (str(folder), str(Path.home()) + "/", "/data/ana", "D:\\lab"):
        assert secret.encode() not in content, secret
    assert f"{socket.gethostname()}:".encode() not in content
    with zipfile.ZipFile(out) as archive:
        text = archive.read("project.yaml").decode()
    (accepted,) = yaml.safe_load(text)["accepted"]
    assert accepted["why"] == "seen in <PROJECT> and <HOME>/notes"
    assert "x.xml" in text
    assert "rig.ini" in text
    opened = ne.Project.from_bundle(out, tmp_path / "theirs")
    assert opened.run("first").info()["status"] == "finished"


def test_what_is_unknown_or_a_link_is_left_out_and_named(own, tmp_path):
    folder = own()
    run = folder / "runs/first"
    (run / "diary.txt").write_text("dear")
    (run / "embeddings/eval/mine.npy").write_bytes(b"mine")
    (run / "linked.json").symlink_to("/etc/hostname")
    (run / ".hidden").write_text("h")
    (run / "elsewhere").symlink_to(folder.parent)
    out = write_bundle(ne.Project.open(folder), "first", tmp_path / "out.zip")
    facts = bundle_facts(out)
    told = {n: why for n, why in facts["left_out"].items() if "resume" not in n}
    head = "runs/first"
    assert told == {
        f"{head}/diary.txt": "unknown",
        f"{head}/elsewhere": "a link",
        f"{head}/embeddings/eval/mine.npy": "unknown",
        f"{head}/linked.json": "a link",
    }
    assert b"dear" not in out.read_bytes()


def test_a_project_without_labels_and_an_imported_run_go_as_well(own, tmp_path):
    folder = own()
    for path in folder.glob("annotations.sqlite*"):
        path.unlink()
    shutil.rmtree(folder / "derived")
    out = write_bundle(ne.Project.open(folder), "brought", tmp_path / "out.zip")
    opened = ne.Project.from_bundle(out, tmp_path / "theirs")
    windows, h = opened.run("brought").embedding("neural", "dense")
    assert len(windows) == len(h) > 0
    assert not opened.annotations_path.exists()


def test_mistakes_are_one_plain_message(own, tmp_path):
    folder = own()
    unfinished = shutil.copytree(folder / "runs/first", folder / "runs/half")
    text = (unfinished / "run.json").read_text().replace("finished", "stopped", 1)
    (unfinished / "run.json").write_text(text.replace('"first"', '"half"'))
    bare = shutil.copytree(folder / "runs/first", folder / "runs/bare")
    shutil.rmtree(bare / "embeddings")
    hurt = shutil.copytree(folder / "runs/first", folder / "runs/hurt")
    with (hurt / "embeddings/eval/neural.npy").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    diary = tmp_path / "diary.txt"
    diary.write_text("dear")
    other = tmp_path / "brought.zip"
    done("bundle", folder, "brought", "--out", other)
    wrong = [
        (["second"], "There is no run 'second'"),
        (["half"], "Run 'half' is stopped, not finished"),
        (["bare"], "Run 'bare' has no embeddings"),
        (["hurt"], "its content changed after it was written"),
        (["first", "--out", tmp_path], "is a folder. Name a file"),
        (["first", "--out", diary], "exists and is no bundle that could be replaced"),
        (["first", "--out", other], "is the bundle of run 'brought' of 'flies'"),
    ]
    for words, match in wrong:
        told = neuroembed("bundle", folder, *words)
        assert told.code == 2, (words, told)
        assert match in told.err
        assert "Traceback" not in told.err
    assert diary.read_text() == "dear"


def test_a_bundle_is_replaced_whole_or_not_at_all(own, tmp_path):
    folder = own()
    done("bundle", folder, "first")
    out = folder / "bundles/first.zip"
    before = out.read_bytes()
    done("bundle", folder, "first")
    assert out.read_bytes() == before

    def cancelled(stage, n, total, message=""):
        if n == 5:
            raise Cancelled("Stopped.")

    (folder / "runs/first/history.csv").write_text("step,loss\n1,2.0\n")
    with pytest.raises(Cancelled):
        write_bundle(ne.Project.open(folder), "first", None, cancelled)
    assert out.read_bytes() == before
    assert [p.name for p in out.parent.iterdir()] == ["first.zip"]


def test_previews_are_small_and_show_what_is_there(tmp_path):
    from napari_neuroembed.data.stacks import create_stack
    from napari_neuroembed.reports.previews import previews

    assert previews(tmp_path) == {}
    mean = np.zeros((300, 700), dtype=np.float32)
    mean[:150] = 1.0
    np.save(tmp_path / "mean.npy", mean)
    stack = create_stack(tmp_path / "neural.tif", (30, 8, 8))
    stack[:] = np.arange(30, dtype=np.float32)[:, None, None]
    stack[3] = np.nan
    stack.flush()
    found = previews(tmp_path)
    with Image.open(io.BytesIO(found["mean"])) as image:
        assert image.size == (233, 100)
        pixels = np.asarray(image)
        assert (pixels[:50] == 255).all()
        assert (pixels[50:] == 0).all()
    with Image.open(io.BytesIO(found["frames"])) as image:
        sheet = np.asarray(image)
        assert sheet.shape == (4 * 8, 6 * 8)
        assert sheet[0, 0] == 0
        assert sheet[-1, -1] == 255
        assert (np.diff(sheet[0, ::8].astype(int)) >= 0)[3:].all()
