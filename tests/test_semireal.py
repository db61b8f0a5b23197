"""The semi-real benchmark: what it takes from real data, and what its page says."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from benchmarks.semireal import main, units_of
from benchmarks.semireal_bodies import WARP_PX, Body, Cast, Size, make_cast
from benchmarks.semireal_data import (
    ACTIONS,
    DATA,
    LONGEST_BOUT_S,
    MERGED,
    check_data,
)
from benchmarks.semireal_frames import dark_counts, draw_frames
from benchmarks.semireal_page import COLUMNS, page
from benchmarks.semireal_poses import draw_poses, draw_track
from benchmarks.semireal_project import make_project
from benchmarks.semireal_wins import COMPARED, compare, wins
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from napari_neuroembed.data.synthetic.behaviour import ActionTrack
from napari_neuroembed.errors import DataError

UNLABELLED = len(ACTIONS)


def real_data() -> Path:
    try:
        check_data(DATA)
    except DataError as problem:
        pytest.skip(str(problem))
    return DATA


@pytest.fixture(scope="module")
def cast() -> Cast:
    return make_cast(real_data(), 0, Size(n_recordings=1, duration_s=60.0))


@pytest.fixture(scope="module")
def real_bouts() -> pd.DataFrame:
    """Annotated bouts, read here once more: fly, action and length in seconds."""
    folder = real_data() / "fly_annotations_aymanns2022"
    table = pd.read_csv(folder / "annotations_G23xU1_bouts.csv")
    table["fly"] = table["Date"].astype(str) + "_" + table["Fly"].astype(str)
    table["action"] = table["behaviour"].map(MERGED)
    table["length_s"] = (table["stop_frame"] - table["start_frame"]) / 100
    table["length_s"] = table["length_s"].clip(upper=LONGEST_BOUT_S)
    return table


def tracks(body: Body, n: int = 100) -> list[ActionTrack]:
    return [draw_track(body, 60.0, np.random.default_rng(i)) for i in range(n)]


def made_up_units(scores: dict[str, float]) -> pd.DataFrame:
    """Two seeds of three animals; methods lie apart by the same in all of them."""
    rows = []
    for measure in COLUMNS:
        for seed in range(2):
            for animal in range(1 if measure.startswith("identity") else 3):
                for method, score in scores.items():
                    value = score + 0.01 * seed + 0.02 * animal
                    unit = f"animal{animal + 1}"
                    rows.append((seed, method, measure, unit, value, 0.25))
    columns = ["seed", "method", "measure", "unit", "value", "chance"]
    return pd.DataFrame(rows, columns=columns)


def test_bouts_last_as_long_and_come_as_often_as_the_real_ones(
    cast: Cast, real_bouts: pd.DataFrame
) -> None:
    for body in cast.bodies:
        real = real_bouts[real_bouts["fly"] == body.source]
        whole = [(t.action[1:-1], (t.stop_s - t.start_s)[1:-1]) for t in tracks(body)]
        action, length = (np.concatenate(parts) for parts in zip(*whole, strict=True))
        for name in ("resting", "walking"):
            drawn = length[action == ACTIONS.index(name)]
            theirs = real.loc[real["action"] == name, "length_s"]
            assert ks_2samp(drawn, theirs).statistic < 0.12, (body.source, name)
        share = real.groupby("action")["length_s"].sum() / real["length_s"].sum()
        seen = action < UNLABELLED
        ours = np.bincount(action[seen], length[seen], minlength=4)[:4]
        wanted = [share.get(name, 0.0) for name in ACTIONS]
        assert np.abs(ours / ours.sum() - wanted).max() < 0.12, body.source


def test_bouts_follow_each_other_as_in_the_trial_they_are_from(cast: Cast) -> None:
    for body in cast.bodies:
        followed = set()
        for trial in body.trials:
            followed |= set(pairwise([*trial.action, trial.action[0]]))
        for track in tracks(body, 10):
            acting = track.action[track.action < UNLABELLED]
            assert set(pairwise(acting)) <= followed


def test_no_two_animals_share_a_frame_of_a_pose_or_a_fly(cast: Cast) -> None:
    own = [
        {
            frame.tobytes()
            for runs in body.runs.values()
            for run in runs
            for frame in run
        }
        for body in cast.bodies
    ]
    assert all(len(frames) > 100 for frames in own)
    for one, other in combinations(own, 2):
        assert not one & other
    assert len({body.source for body in cast.bodies}) == len(cast.bodies)


def test_poses_of_an_action_are_frames_of_that_action(cast: Cast) -> None:
    body = replace(cast.bodies[0], scale=np.ones(90), offset=np.zeros(90))
    track = draw_track(body, 60.0, np.random.default_rng(3))
    n = 6000
    pose = draw_poses(body, cast.poses, track, n, np.random.default_rng(4))
    assert pose.shape == (n, 90)
    assert np.isfinite(pose).all()
    action = track.action_at(np.arange(n) / 100)
    for k in (0, 1):
        known = np.concatenate(body.runs[ACTIONS[k]]) + cast.poses.standing
        shown = pose[action == k][::7]
        far = np.abs(shown[:, None] - known[None]).max(axis=2).min(axis=1)
        assert np.mean(far < 1e-9) > 0.7  # the rest are joins


def test_animals_have_one_anatomy_moved_differently(cast: Cast) -> None:
    places = []
    for body in cast.bodies:
        y, x = np.indices(body.image.shape)
        light = body.regions / np.maximum(body.regions.sum((1, 2), keepdims=True), 1e-9)
        places.append(np.stack([(light * y).sum((1, 2)), (light * x).sum((1, 2))]))
    for (one, here), (other, there) in combinations(
        zip(cast.bodies, places, strict=True), 2
    ):
        both = (one.regions.max((1, 2)) > 0) & (other.regions.max((1, 2)) > 0)
        moved = (here - there)[:, both]
        assert moved.std() > WARP_PX  # of 64, where the field is 1.5 of 32
        assert moved.std(axis=1).min() > 0.5  # not rigid
        alike = np.corrcoef(one.image.ravel(), other.image.ravel())[0, 1]
        assert 0.3 < alike < 0.98


def test_planted_regions_are_where_an_action_brightens_the_movie(cast: Cast) -> None:
    body = cast.bodies[3]
    track = draw_track(body, 60.0, np.random.default_rng(1))
    frames = np.stack(list(draw_frames(cast, body, track, "one"))).astype(np.float64)
    action = track.action_at((np.arange(len(frames)) + 0.5) / 16)
    light = np.maximum(frames - dark_counts(cast.movie), 0.0)
    walking, resting = (light[action == k].mean(axis=0) for k in (1, 0))
    lit = body.image > np.quantile(body.image, 0.3)
    brighter = (walking / np.maximum(resting, 1.0) - 1)[lit]
    planted = np.tensordot(cast.axons.tuning[1], body.regions, axes=1)[lit]
    assert np.corrcoef(brighter, planted)[0, 1] > 0.6
    assert np.corrcoef(brighter, np.roll(planted, 700))[0, 1] < 0.3


def test_noise_is_that_of_the_movie(cast: Cast) -> None:
    still = replace(cast.movie, motion=np.zeros((10, 2)))
    quiet = replace(cast.axons, tuning=np.zeros_like(cast.axons.tuning))
    lifeless = replace(cast.bodies[0], regions=np.zeros_like(cast.bodies[0].regions))
    track = draw_track(lifeless, 60.0, np.random.default_rng(1))
    plain = replace(cast, movie=still, axons=quiet)
    frames = np.stack(list(draw_frames(plain, lifeless, track, "one")))
    counts: NDArray[np.float64] = frames.astype(np.float64) - dark_counts(cast.movie)
    slope = np.polyfit(counts.mean(axis=0).ravel(), counts.var(axis=0).ravel(), 1)[0]
    assert slope == pytest.approx(cast.movie.gain, rel=0.05)


def test_a_project_of_semi_real_animals_is_imported_and_prepared(
    tmp_path: Path,
) -> None:
    size = Size(n_animals=2, n_recordings=1, duration_s=10.0)
    project = make_project(tmp_path / "seed1", real_data(), 1, size)
    assert project.recording_ids() == ("animal1_001", "animal2_001")
    assert list(project.preprocess()["status"]) == ["made", "made"]
    dff = tifffile.imread(tmp_path / "seed1/derived/animal1_001/neural.tif")
    assert dff.shape == (160, 32, 32)
    assert dff.std() > 0
    again = make_project(tmp_path / "seed1", DATA, 1, size)
    assert again.recording_ids() == project.recording_ids()
    with pytest.raises(DataError, match="holds 2 of 4 recordings"):
        make_project(tmp_path / "seed1", DATA, 1, replace(size, n_recordings=2))


def test_wins_and_losses_are_told_of_winner_and_loser() -> None:
    units = made_up_units({"good": 0.8, "poor": 0.5, "good + subspace": 0.8})
    pairs = [pair for measure in COMPARED for pair in compare(units, measure)]
    assert [(p.winner, p.loser) for p in pairs if p.measure == "across"] == [
        ("good", "poor"),
        ("", ""),
    ]
    lines = list(wins(pairs))
    assert "| `good` | across animals | `poor` | nothing |" in lines
    assert "| `poor` | across animals | nothing | `good` |" in lines
    # telling the animal is no win
    assert "|  | identity, network probe | nothing | `poor` |" in lines
    assert "|  | identity, network probe | `good` | nothing |" in lines


def test_the_page_says_what_is_real_and_who_wins_and_loses() -> None:
    scores = {"raw": 0.4, "simclr": 0.6}
    text = page(made_up_units(scores), real_data(), Size(), "the command")
    assert text.startswith("# ")
    for wanted in (
        "| `simclr` | across animals | `raw` | nothing |",
        "| `raw` | across animals | nothing | `simclr` |",
        "the command",
        "Aymanns et al. 2022",
        "| 0 | fly nerve cord (10 frames) |",
        "| 1 | mouse, running (500 frames) |",
        "from two flies",
        "| `raw` | 0.420 | 0.430 |",
    ):
        assert wanted in text, wanted


def test_units_are_animals_with_and_without_the_step() -> None:
    row = {
        "task": "action_multi",
        "metric": "balanced_accuracy",
        "probe": "linear",
        "stream": "neural",
        "control": "none",
        "method": "simclr",
        "transform": "none",
        "held_out_animal": "animal1",
        "animal": "",
        "value": 0.7,
        "chance": 0.25,
    }
    other = [
        {"transform": "subspace", "value": 0.8},
        {"held_out_animal": "mean"},
        {"control": "shuffled"},
        {"method": "raw"},
        {"stream": "pose"},
        {"task": "identity", "probe": "mlp", "held_out_animal": "", "value": 0.3},
    ]
    scores = pd.DataFrame([row, *({**row, **one} for one in other)])
    found = units_of(scores, 2, ["simclr"])
    assert found[["method", "measure", "unit", "value"]].to_numpy().tolist() == [
        ["simclr", "across", "animal1", 0.7],
        ["simclr + subspace", "across", "animal1", 0.8],
        ["simclr", "identity MLP", "all", 0.3],
    ]
    assert set(found["seed"]) == {2}


def test_missing_data_is_one_plain_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "out"), "--data", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "annotations_G23xU1_bouts.csv" in told.err
    assert "NEUROEMBED_TEST_DATA" in told.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("methods", "message"),
    [("simcrl", "--methods simcrl: unknown. Known: raw"), ("raw", "trained method")],
)
def test_methods_that_cannot_be_compared_are_named(
    methods: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "out"), "--methods", methods]) == 2
    assert message in capsys.readouterr().err
