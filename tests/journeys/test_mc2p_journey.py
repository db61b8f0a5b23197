"""Somebody who holds the MC2P data set makes the paper's tables, in miniature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.data.fixtures import mc2p_folder as mini
from tests.journeys.command import contents, done, neuroembed, sets

from napari_neuroembed.api import Project
from napari_neuroembed.api import reproducing as steps
from napari_neuroembed.errors import Cancelled

TRIALS = ("001", "002", "003", "004")
FLIES = (
    mini.Fly(trials=TRIALS),
    mini.Fly("210830_G23xU1_Fly2", TRIALS, seed=1, code_names=True),
)
QUICK = sets(
    "training.steps=3",
    "training.batch_size=8",
    "training.threads=1",
    "evaluation.permutations_linear=2",
    "evaluation.permutations_knn=0",
    "evaluation.shifts=2",
    "evaluation.bootstraps=5",
    "evaluation.min_windows=2",
    "evaluation.controls=false",
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the folder of two flies, four recordings each, and the table of actions."""
    lab = tmp_path_factory.mktemp("mc2p")
    mini.write_mc2p(lab / "data", FLIES, seconds=8.0)
    return lab


def words(lab: Path, project: Path) -> list[object]:
    """Return the command; shells put a separator at the end of a folder."""
    told = ["reproduce", f"{lab / 'data'}/", "--project", project]
    told += ["--images", "dff_resized", "--rates", "paper"]
    return [*told, "--labels", lab / "labels.csv"]


def test_the_tables_are_made_and_the_same_call_goes_on(lab, tmp_path, monkeypatch):
    project = tmp_path / "flies"
    before = contents(lab)
    # 1. A look: what is there, what it takes; nothing is written.
    told = done(*words(lab, project), "--dry-run")
    assert "8 recordings of 2 animals, 1,024 images, 1.1 minutes at 16 per" in told.out
    assert "foreleg grooming (" in told.out
    assert "GB for the training cache" in told.out
    assert "was not measured" in told.out
    assert not project.exists()
    # 2. Stopped after the import; nothing of it is lost.
    command = [*words(lab, project), "--methods", "guenel2022,simclr", *QUICK]

    def stop(*_: object) -> None:
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(steps, "_prepare", stop)
        assert neuroembed(*command).code == 130
    assert len(Project.open(project).recording_ids()) == 8
    assert not (project / "derived").exists()
    # 3. The same call goes on, to the tables.
    told = done(*command)
    folder = project / "compare" / "reproduce"
    assert (folder / "reproduction.md").read_text("utf-8") in told.out
    table = pd.read_csv(folder / "reproduction.csv")
    ours = table[table["row"] == "guenel2022"].set_index("column")
    assert ours.loc["multi_100", "published"] == 61.9
    assert 0 <= ours.loc["multi_100", "measured"] <= 100
    assert np.isfinite(ours.loc["identity_100", "measured"])
    raw = table[table["row"] == "raw neural"].set_index("column")
    assert raw["measured"].drop("identity_50").notna().all()
    check_the_paper_was_followed(project)
    # 4. Once more: nothing is trained again, the tables stay, and the pace is known;
    # labels that somebody took out since do not come back.
    with Project.open(project).annotations() as store:
        bout = next(store.snapshot([f"{FLIES[0].name}_001"]).itertuples())
        store.remove(int(bout.id), int(bout.revision), rater=str(bout.rater))
        kept = len(store.snapshot(Project.open(project).recording_ids()))
    runs = contents(project / "runs")
    assert done(*command).out.endswith(told.out.partition("# Published")[2])
    assert contents(project / "runs") == runs
    with Project.open(project).annotations(read_only=True) as store:
        assert len(store.snapshot(Project.open(project).recording_ids())) == kept
    told = done(*words(lab, project), "--methods", "guenel2022", "--dry-run")
    assert "Measured here:" in told.out
    # 5. Other pre-processing under the same name is refused.
    told = neuroembed(*command, *sets("preprocessing.dff.window_frames=5"))
    assert told.code == 2
    assert "was made with other pre-processing" in told.err
    assert contents(lab) == before


def check_the_paper_was_followed(project: Path) -> None:
    opened = Project.open(project)
    config = opened.run("reproduce-guenel2022").config
    assert config.preset == "paper"
    assert config.windows.drop_actions == ("rest",)
    assert config.evaluation.identity_windows == 1000
    assert len(config.split.fresh) == 4
    assert all(name[-3:] in ("003", "004") for name in config.split.fresh)
    # Labels: every recording its own, as they were written, none those of the first.
    for fly in FLIES:
        labels = [
            opened.prepared(f"{fly.name}_{trial}").bouts.to_table() for trial in TRIALS
        ]
        assert not any(labels[0].equals(other) for other in labels[1:])
    recording = opened.prepared(f"{FLIES[0].name}_001")
    assert set(recording.bouts.actions()) == set(mini.ACTIONS)
    assert recording.streams["pose"].data.shape[1] == 60
    pose = recording.streams["pose"]
    coxa = [n.startswith("RF_Coxa") for n in pose.names]
    assert not np.asarray(pose.data)[pose.valid][:, coxa].any()
    raw = np.fromfile(
        opened.roots.folder("MC2P") / f"{FLIES[0].name}_001/2p_dff_resized.mm", "<f4"
    )
    images = recording.streams["neural"]
    kept = images.valid
    np.testing.assert_array_equal(
        np.asarray(images.data)[kept], raw.reshape(-1, 64, 64)[kept]
    )


def test_all_that_is_wrong_is_said_in_one_message(lab, tmp_path):
    broken = tmp_path / "lab"
    shutil.copytree(lab, broken)
    data = broken / "data"
    one, two, three, four = (data / f"{FLIES[1].name}_{trial}" for trial in TRIALS)
    (one / "pose_result__data_paper.mm").unlink()
    images = next(two.glob("*_resized.mm"))
    images.write_bytes(images.read_bytes()[:-100])
    sync = np.load(three / "indices.npy")
    sync[400] = mini.NO_IMAGE
    np.save(three / "indices.npy", sync)
    np.save(four / "rest.npy", np.zeros(7, bool))
    poses = data / f"{FLIES[0].name}_001" / "pose_result.mm"
    poses.write_bytes(poses.read_bytes() + b"\0")
    rows = mini.read_rows(broken / "labels.csv")
    first = [row[4:] for row in rows if row[0] == "200901" and row[3] == "1"]
    rows = [row for row in rows if row[0] != "200901"]
    rows += [["200901", "G23xU1", "1", t, *row] for t in "123" for row in first]
    rows[0][-1] = "flying"
    mini.write_labels(broken / "labels.csv", rows)
    command = words(broken, tmp_path / "flies")
    told = neuroembed(*[w for w in command if w not in ("--rates", "paper")])
    assert told.code == 2
    for part in (
        "8 problems in the way; nothing was imported",
        "--rates paper. [rate.missing]",
        f"{one.name}: no file of body points (pose_result.pkl), but --pose angles is",
        f"{two.name}: {images.name} has 2,097,052 bytes, not a multiple of 16,384",
        "1 are in the middle (400...): lost frames. [sync.invalid]",
        f"{four.name}: rest.npy has 7 values",
        f"{FLIES[0].name}_001: pose_result.mm has ",
        "200901_G23xU1_Fly1_003 have the same",
        "'flying' (1 bout) is none of the paper's actions",
    ):
        assert part in told.err, told.err
    assert told.err.count("\n  - ") == 8
    assert not (tmp_path / "flies" / "project.yaml").exists()
    # What is left out, named or accepted is no problem any more.
    command += ["--map", "flying=", "--accept", "label.copied", "--why", "a test"]
    for folder in (one, two, three, four, poses.parent):
        command += ["--without", folder.name]
    told = done(*command, "--dry-run")
    assert "3 recordings of 1 animal" in told.out


def test_check_says_what_a_folder_is_and_what_is_wrong_with_it(lab, tmp_path):
    told = done("check", lab / "data")
    assert "MC2P data set" in told.out
    assert "8 recordings of 2 animals" in told.out
    one = tmp_path / f"{FLIES[0].name}_001"
    shutil.copytree(lab / "data" / one.name, one)
    assert "synchronisation: sync_indices.pkl" in done("check", one).out
    (one / "pose_result.mm").unlink()
    (one / "pose_result_inverse_kinematics.pkl").unlink()
    told = neuroembed("check", one, "--json")
    assert told.code == 1
    (row,) = [row for row in told.rows if "problems" in row]
    assert [p["id"] for p in row["problems"]] == ["mc2p.missing"]


def test_one_folder_is_imported_by_reading_the_messages(lab, tmp_path):
    folder, project = lab / "data" / f"{FLIES[0].name}_001", tmp_path / "flies"
    told = neuroembed("import", project, folder)
    assert told.code == 2
    assert "--rate 16 --pose-rate 100" in told.err
    flags = ["--pose", folder / "pose_result.mm", "--pose-rate", "100"]
    flags += ["--sync", folder / "sync_indices.pkl"]
    assert " ".join(map(str, flags)) in told.err
    told = done("import", project, folder, "--rate", "16", *flags)
    assert f"{folder.name} (200901_G23xU1_Fly1): imported" in told.out
    assert "100 of 900 frames (11.1%) have no frame to belong to" in told.out
    many = neuroembed("import", project, lab / "data")
    assert many.code == 2
    assert "mc2p" in many.err


def test_rates_of_one_genotype_and_wrong_flags(lab, tmp_path):
    command = ["reproduce", lab / "data", "--project", tmp_path / "flies", "--dry-run"]
    told = neuroembed(*command, "--pose-rate", "fast")
    assert "expected HZ or GENOTYPE=HZ" in told.err
    told = neuroembed(*command, "--rates", "paper", "--pose-rate", "other=30")
    assert "no fly has that genotype. There are G23xU1" in told.err
    told = neuroembed(*command, "--without", "nobody", "--json")
    assert told.code == 2
    assert (
        "--without nobody: not found"
        in json.loads(told.out.splitlines()[-1])["message"]
    )
    told = neuroembed("reproduce", tmp_path, "--dry-run")
    assert told.code == 2
    assert "holds no recording of the MC2P data set" in told.err
