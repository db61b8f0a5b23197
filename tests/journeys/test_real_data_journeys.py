"""Real recordings, from public files to a table of scores, as a scientist types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.command import done, neuroembed, scores, train


def reader_options(stream: str, **options: str) -> list[str]:
    """Return ``--reader-option`` for each option."""
    return [
        word
        for key, value in options.items()
        for word in ("--reader-option", f"{stream}.{key}={value}")
    ]


def test_speed_is_decoded_from_the_movie_of_a_running_mouse(shared_data, tmp_path):
    data, project = shared_data("mouse2p_thunder_running"), tmp_path / "mouse"
    movie, signals = data / "images_500x64x64.tif", data / "covariates.json"
    words = ["import", project, movie, "--animal", "mouse1", "--scalar", signals]
    # 1. The file does not say its rate, and nobody guesses it.
    told = neuroembed(*words)
    assert told.code == 2
    assert "Give it with --rate" in told.err
    assert not project.exists()
    # 2. Imported, checked, pre-processed.
    done(*words, "--rate", 7.5)
    assert "1 recording of 1 animal," in done("check", project).out
    done("preprocess", project)
    # 3. Speed and position are the second stream of simclr.
    done(*train(project, "first", "--method", "simclr"))
    # 4. Two views of one animal cannot be told apart by swapping.
    told = neuroembed(*train(project, "swapped", "--method", "guenel2022"))
    assert told.code == 2
    assert "Use --method simclr" in told.err
    assert not (project / "runs" / "swapped").exists()
    # 5. Evaluated: speed with its null; what one animal cannot show, with the reason.
    told = done("evaluate", project, "first")
    assert "needs at least 2 animals; there is 1 (mouse1)" in told.out
    table = scores(project, "first")
    speed = table[
        (table["target"] == "scalar:runningSpeed")
        & (table["metric"] == "r2")
        & (table["stream"] == "neural")
    ]
    assert {"simclr", "raw", "random_encoder"} <= set(speed["method"])
    assert {"ridge", "knn"} == set(speed["probe"])
    assert speed["value"].notna().all()
    assert (speed["p"] != "").all()
    assert (speed["chance"] != "").all()
    for task in ("action_single", "action_multi", "identity", "decode_multi"):
        rows = table[(table["task"] == task) & (table["control"] == "none")]
        assert len(rows), task
        assert rows["value"].isna().all(), task
        assert (rows["note"] != "").all(), task


def test_a_movie_alone_is_embedded_and_the_table_says_what_it_cannot_show(
    shared_data, tmp_path
):
    data, project = shared_data("mouse2p_neurofinder600"), tmp_path / "mouse"
    # 1. A movie, nothing else.
    movie = data / "crop160_600f.tif"
    done("import", project, movie, "--animal", "mouse1", "--rate", 7)
    done("preprocess", project)
    # 2. A method that needs pairs says which one does not.
    told = neuroembed(*train(project, "pairs", "--method", "simclr"))
    assert told.code == 2
    assert "--method simclr_views" in told.err
    # 3. Two views of one stream.
    done(*train(project, "views", "--method", "simclr_views"))
    # 4. Nothing can be scored, which is an answer and no error.
    told = done("evaluate", project, "views")
    assert "Nothing could be scored." in told.out
    assert "no scalar or pose stream to decode" in told.out
    assert "annotate actions, or import labels" in told.out
    table = scores(project, "views")
    assert table.loc[table["control"] == "none", "value"].isna().all()


def test_single_frames_of_a_movie_keep_their_gaps_by_consent(shared_data, tmp_path):
    data, project = shared_data("mouse2p_neurofinder600"), tmp_path / "mouse"
    words = ["import", project, data / "image*.tiff", "--animal", "mouse1"]
    # 1. Neither the rate nor the missing numbers are passed over.
    told = neuroembed(*words)
    assert told.code == 2
    told = neuroembed(*words, "--rate", 7)
    assert told.code == 2
    assert (
        "594 frame numbers are missing between 0 and 599 (first: 4, 5, 6)" in told.err
    )
    assert not project.exists()
    # 2. With a reason they are gaps in time, not frames moved together.
    accept = ["--accept", "folder.missing_frames", "--why", "a sample of the movie"]
    told = done(*words, "--rate", 7, *accept)
    assert "6x512x512 uint16, 85.71 s at 7 Hz" in told.out


@pytest.fixture
def worms(shared_data, tmp_path):
    data, project = shared_data("worm_kato2015"), tmp_path / "worms"
    for number in (0, 4):
        words: list[object] = [
            "import",
            project,
            "--trace",
            data / f"worm_{number}.npz",
        ]
        words += [
            "--animal",
            f"worm{number}",
            "--labels",
            data / f"worm_{number}_y.csv",
        ]
        words += ["--label-option", f"names={data / 'worm_0_states.csv'}"]
        # Neurons come first in these files, which is said, not guessed.
        told = neuroembed(*words, *reader_options("trace", key="traces"))
        assert told.code == 2
        assert "--reader-option trace.transpose=" in told.err
        done(*words, *reader_options("trace", key="traces", transpose="true"))
    return project


def test_motor_states_of_two_worms_are_read_from_their_neurons(worms):
    # 1. Names of the states, rates of the files.
    told = done("check", worms)
    assert "revsus" in told.out
    assert "2.90463 Hz" in told.out
    # 2. Pre-processed, trained on traces, each animal by its own scale.
    done("preprocess", worms)
    words = ["--method", "simclr_views", "--set", "normalise=zscore_animal"]
    done(*train(worms, "first", *words))
    splits = json.loads((worms / "runs" / "first" / "splits.json").read_text())
    assert "blocks" in json.dumps(splits)
    # 3. Within and across animals, beside chance; and which worm it was.
    told = done("evaluate", worms, "first")
    table = scores(worms, "first")
    for task in ("action_single", "action_multi", "identity"):
        rows = table[
            (table["task"] == task)
            & (table["metric"] == "balanced_accuracy")
            & (table["control"] == "none")
        ]
        assert {"simclr_views", "raw", "random_encoder"} <= set(rows["method"])
        assert set(rows["probe"]) >= {"linear", "knn", "mlp"}
        assert (rows.loc[rows["value"].notna(), "chance"] != "").all()
        assert rows["value"].notna().any(), task
    identity = table[(table["task"] == "identity") & table["value"].notna()]
    assert identity["note"].str.contains("confounded").any()


def test_ten_frames_of_two_channels_name_the_minimum_and_then_work(
    shared_data, tmp_path
):
    data, project = shared_data("fly2p_vnc_chen2018"), tmp_path / "fly"
    words = ["import", project, data / "*.tif", "--animal", "fly1", "--rate", 4]
    # 1. Each question names its flag.
    told = neuroembed(*words, *reader_options("neural", join="channel"))
    assert told.code == 2
    assert "--reader-option neural.axes=" in told.err
    assert "GC6s.tif: " in told.err
    axes = reader_options("neural", join="channel", axes="TYX")
    told = neuroembed(*words, *axes)
    assert told.code == 2
    assert "--channel ROLE=N" in told.err
    # 2. Answered.
    channels = ["--channel", "functional=0", "--channel", "anatomical=1"]
    assert "10x2x256x256" in done(*words, *axes, *channels).out
    # 3. The resting fluorescence is a mean over 15 frames; there are 10.
    told = neuroembed("preprocess", project)
    assert told.code == 1
    assert "10 neural frames, but at least 15" in told.out
    assert "--set dff.window_frames=" in told.out
    assert derived(project) == []
    # 4. A shorter mean works.
    done("preprocess", project, "--set", "dff.window_frames=5")
    assert derived(project) == ["fly1_001"]


def derived(project: Path) -> list[str]:
    folder = project / "derived"
    return sorted(p.name for p in folder.glob("*") if not p.name.startswith("."))


def test_published_fly_annotations_are_labels_of_a_recording(shared_data, tmp_path):
    data, project = shared_data("fly_annotations_aymanns2022"), tmp_path / "fly"
    labels = data / "210830_Fly1_003_labels.csv"
    # 1. The file says what it is.
    assert "labelled actions [csv-frames]" in done("check", labels).out
    # 2. Labels longer than the recording they come with are refused, nothing is cut.
    np.savetxt(
        tmp_path / "pose.csv",
        np.zeros((100, 2)),
        "%g",
        ",",
        header="a_x,a_y",
        comments="",
    )
    words = ["import", project, "--pose", tmp_path / "pose.csv", "--rate", 100]
    told = neuroembed(*words, "--animal", "fly1", "--labels", labels)
    assert told.code == 2
    assert "54,000" in told.err
    assert not project.exists()
