"""Labels of other laboratories, from their files to the bouts of a project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.journeys.command import done, neuroembed

from napari_neuroembed.data.project import Project


def stored(project: Path, **where: object) -> pd.DataFrame:
    """Return the bouts of a project."""
    with Project.open(project).annotations(read_only=True) as store:
        table = store.bouts()
    for column, value in where.items():
        table = table[table[column] == value]
    return table


def signal(folder: Path, name: str, seconds: float, rate: float) -> Path:
    """Write a stand-in for a stream that the public files lack."""
    path = folder / f"{name}.npz"
    n = round(seconds * rate)
    values = np.random.default_rng(0).normal(size=(n, 1)).astype(np.float32)
    np.savez(path, scalar=values, rate_hz=rate)
    return path


def test_boris_projects_and_tables_become_bouts_of_a_recording(shared_data, tmp_path):
    data, project = shared_data("boris_files"), tmp_path / "mice"
    # 1. The files say what they are.
    told = done("check", data / "test.boris")
    assert "labelled actions [boris]" in told.out
    # 2. A recording comes with its labels; several observations are listed first.
    camera = signal(tmp_path, "speed", 360, 25)
    words = ["import", project, "--scalar", camera, "--unit", "cm/s", "--animal", "m1"]
    labels = ["--labels", data / "test.boris", "--rater", "boris"]
    told = neuroembed(*words, *labels)
    assert told.code == 2
    assert "12 observations: 'offset positif' (2 events)" in told.err
    assert not project.exists()
    chosen = ["--label-option", "observation=observation #1"]
    told = neuroembed(*words, *labels, *chosen)
    assert told.code == 2
    assert "2 subjects: 'subject1' (6), 'subject2' (2)" in told.err
    chosen += ["--label-option", "subject=subject1"]
    assert "imported, 3 bouts" in done(*words, *labels, *chosen).out
    assert stored(project)["start_s"].tolist() == [3.3, 9.9, 18.35]
    later = ["--recording", "m1_later", "--labels-start", 2, "--accept"]
    done(*words, *labels, *chosen, *later, "source.duplicate", "--why", "the same day")
    starts = stored(project, recording="m1_later")["start_s"].tolist()
    assert starts == [5.3, 11.9, 20.35]
    # 3. The table exported by BORIS says the same: nothing to add.
    words = ["annotations", "import", project, "--recording", "m1_001"]
    subject = ["--label-option", "subject=subject1", "--rater", "boris"]
    for ending in ("csv", "tsv"):
        table = data / f"test_export_events_tabular.{ending}"
        told = done(*words, table, *subject)
        assert "0 bouts added, 3 were there already" in told.out
    # 4. A state without its stop is refused by name; points are kept as points.
    spoilt = ["--label-option", "observation=live not paired", "--rater", "live"]
    told = neuroembed(*words, data / "test.boris", *spoilt)
    assert told.code == 2
    assert "state 's' of subject '' has an odd number of events; no STOP" in told.err
    media = ["--label-option", "observation=offset neg", "--rater", "other"]
    assert "4 bouts added" in done(*words, data / "test2.boris", *media).out
    points = stored(project, rater="other")
    assert (points["start_s"] == points["stop_s"]).all()
    # 5. Out again, and in: the same to the microsecond.
    before = stored(project, rater="boris")
    for form in ("boris", "boris-aggregated"):
        out = tmp_path / f"{form}.csv"
        export = ["annotations", "export", project, out, "--format", form]
        told = done(*export, "--rater", "boris")
        assert "the rater's name (boris) is not in the file" in told.out
        every = ["--label-option", "observation=*", "--rater", "boris"]
        told = done("annotations", "import", project, out, *every)
        assert "0 bouts added, 6 were there already" in told.out
    assert stored(project, rater="boris").equals(before)
    assert set(before["recording"]) == {"m1_001", "m1_later"}


@pytest.fixture
def trials(shared_data, tmp_path):
    """Return a project with the 13 recordings of a table, cameras at 100 Hz."""
    path = shared_data("fly_annotations_aymanns2022") / "annotations_G23xU1_bouts.csv"
    rows = pd.read_csv(path, dtype=str)
    lines = ["recording,animal,scalar,scalar_unit"]
    for (date, line, fly, trial), own in rows.groupby(list(rows.columns[:4])):
        animal = f"{date}_{line}_Fly{fly}"
        name = f"{animal}_{int(trial):03d}"
        n_frames = own["stop_frame"].astype(int).max()
        signal(tmp_path, name, n_frames / 100, 100)
        lines.append(f"{name},{animal},{name}.npz,cm/s")
    table = tmp_path / "recordings.csv"
    table.write_text("\n".join(lines) + "\n")
    project = tmp_path / "flies"
    done(
        "import",
        project,
        "--table",
        table,
        "--accept",
        "source.duplicate",
        "--why",
        "x",
    )
    return project


def test_a_table_of_thirteen_recordings_goes_to_each_its_own(
    trials, shared_data, tmp_path
):
    folder = shared_data("fly_annotations_aymanns2022")
    table = folder / "annotations_G23xU1_bouts.csv"
    assert len(Project.open(trials).animals()) == 7
    # 1. Looked at, then imported, on the clock of each recording's camera.
    words = ["annotations", "import", trials, table, "--rater", "aymanns"]
    told = done(*words, "--dry-run")
    assert "638 bouts found; nothing was written" in told.out
    assert "638 bouts added" in done(*words).out
    bouts = stored(trials)
    assert bouts["recording"].nunique() == 13
    assert bouts["action"].nunique() == 7
    assert round(float((bouts["stop_s"] - bouts["start_s"]).sum()) * 100) == 155_242
    source = pd.read_csv(table)
    first = bouts[bouts["recording"] == "200901_G23xU1_Fly1_001"]
    own = source.query("Date == 200901 and Fly == 1 and Trial == 1")
    assert len(first) == len(own) == 50
    assert first["action"].tolist() == own["behaviour"].tolist()
    # 2. Nothing more the second time; one recording at a time as well.
    assert "0 bouts added, 638 were there already" in done(*words).out
    told = done(*words, "--recording", "201016_G23xU1_Fly1_020", "--dry-run")
    assert "37 bouts found" in told.out
    assert "601 intervals of other recordings are left out" in told.out
    # 3. The pickle it was made from is refused with the class it asks for.
    told = neuroembed("annotations", "import", trials, folder / "annotations_df.pkl",
                      "--rater", "aymanns", "--format", "csv-intervals")  # fmt: skip
    assert told.code == 2
    assert "asks to load pandas.core.frame.DataFrame; only plain numpy" in told.err
    assert "Export it as CSV" in told.err


LABELLED = {"210830_Fly1_003": 3329, "211029_Fly1_003": 5564}


@pytest.mark.parametrize("name", LABELLED)
def test_sparse_labels_of_a_fly_stay_sparse(name, shared_data, tmp_path):
    folder, project = shared_data("fly_annotations_aymanns2022"), tmp_path / "fly"
    camera = signal(tmp_path, "speed", 540, 100)
    words = ["import", project, "--scalar", camera, "--unit", "cm/s", "--animal", "f"]
    words += ["--labels", folder / f"{name}_labels.csv", "--rater", "aymanns"]
    done(*words, "--multi-label")
    bouts = stored(project)
    labelled = np.zeros(54_000, dtype=bool)
    for start, stop in zip(bouts["start_s"], bouts["stop_s"], strict=True):
        labelled[round(start * 100) : round(stop * 100)] = True
    assert int(labelled.sum()) == LABELLED[name]
    assert bouts["action"].nunique() == 9


def test_three_raters_of_five_mice_keep_their_rows_and_their_spelling(
    shared_data, tmp_path
):
    path = shared_data("mouse_annotations_dlcanalyzer") / "AllEPMLables.csv"
    project = tmp_path / "mice"
    lines = ["recording,animal,scalar,scalar_unit"]
    for seconds, name in enumerate(("EPM_2", "EPM_6", "EPM_11", "EPM_13", "EPM_16")):
        signal(tmp_path, name, 620 + seconds, 25)
        lines.append(f"{name},mouse{name[4:]},{name}.npz,cm/s")
    (tmp_path / "recordings.csv").write_text("\n".join(lines) + "\n")
    done("import", project, "--table", tmp_path / "recordings.csv")
    # 1. A look: two spellings of one class, and a placeholder; nothing is merged.
    words = ["annotations", "import", project, path, "--multi-label"]
    told = done(*words, "--dry-run")
    assert "1401 bouts found" in told.out
    assert "'Start/End' (21 bouts) and 'Start_End' (16) may be one action" in told.out
    assert "--map 'Start_End=Start/End'" in told.out
    assert "'_DEFAULT' (1 bouts) looks like a placeholder" in told.out
    # 2. As they are.
    assert "1401 bouts added" in done(*words).out
    counts = stored(project)["action"].value_counts().to_dict()
    assert counts == {
        "Head Dip": 573,
        "Grooming": 376,
        "Protected Stretch": 183,
        "Rearing": 160,
        "Unprotected Stretch": 71,
        "Start/End": 21,
        "Start_End": 16,
        "_DEFAULT": 1,
    }
    raters = stored(project).groupby("rater")["recording"].nunique().to_dict()
    assert raters == {"Jin": 5, "Oliver": 5, "Sian": 5}
    # 3. In another project, joined by the person who decides.
    second = tmp_path / "joined"
    done("import", second, "--table", tmp_path / "recordings.csv")
    words[2] = second
    names = ["--map", "Start_End=Start/End", "--map", "_DEFAULT="]
    assert "1400 bouts added" in done(*words, *names).out
    assert len(stored(second, action="Start/End")) == 37


def test_a_map_of_unequal_length_ties_behaviour_to_imaging(shared_data, tmp_path):
    """The imaging stack is not public: a stand-in of 300 frames takes its place."""
    data, project = shared_data("fly_sync_labels_chen2018"), tmp_path / "fly"
    rng = np.random.default_rng(0)
    np.save(tmp_path / "stack.npy", rng.poisson(200, (300, 8, 8)).astype(np.uint16))
    behaviour = np.zeros((8965, 1), dtype=np.float32)
    np.savez(tmp_path / "ball.npz", scalar=behaviour + rng.normal(size=(8965, 1)))
    words = ["import", project, tmp_path / "stack.npy", "--animal", "fly1"]
    words += ["--reader-option", "neural.kind=neural", "--rate", 1.008]
    words += ["--scalar", tmp_path / "ball.npz", "--scalar-rate", 30.0]
    words += ["--scalar-sync", data / "fluorescence_idx.txt", "--unit", "mm/s"]
    # 1. The map is about 8,857 of 8,965 frames, and says which in a second file.
    told = neuroembed(*words)
    assert told.code == 2
    assert "8,965 frames, found 8,857" in told.err
    assert "--pose-sync-frames" in told.err
    words += ["--scalar-sync-frames", data / "behavior_idx.txt"]
    # 2. Labels count frames of the behaviour camera.
    words += ["--labels-like", "scalar", "--rater", "chen"]
    walking = ["--labels", data / "walking_seq.txt"]
    told = neuroembed(*words, *walking)
    assert told.code == 2
    assert "--names" in told.err
    told = done(*words, *walking, "--label-option", "names=['', walking]")
    assert "108 of 8,965 frames" in told.out
    more = ["annotations", "import", project, data / "grooming_seq.txt"]
    more += ["--recording", "fly1_001", "--rater", "chen", "--labels-like", "scalar"]
    done(*more, "--label-option", "names=['', grooming]")
    # 3. The counts of the provenance, never both at once (one group of actions).
    clock = Project.open(project).opened("fly1_001").streams["scalar"].time
    bouts = Project.open(project).raw("fly1_001").bouts
    at = bouts.at(clock.centers())
    assert int((at == "walking").sum()) == 1647
    assert int((at == "grooming").sum()) == 1098
    assert not bouts.ambiguous_at(clock.centers()).any()
