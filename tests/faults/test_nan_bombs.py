"""Values that are no numbers, or too large for one, never spread nor pass silently.

The reference is the same data with the same frames marked as not usable beforehand: a
bomb in a frame must cost that frame, be counted, and change no other.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.preprocessing.reference_preprocessing import moving_movie

from napari_neuroembed.data.derived import read_derived, read_mask
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.errors import DataError
from napari_neuroembed.options.preprocessing import (
    DffOptions,
    PoseOptions,
    PreprocessingOptions,
    RegistrationOptions,
    ResizeOptions,
    TraceOptions,
)
from napari_neuroembed.preprocessing.pipeline import preprocess_recording
from napari_neuroembed.preprocessing.pose import prepare_pose
from napari_neuroembed.preprocessing.traces import prepare_signals, prepare_traces

BOMBS = [np.nan, np.inf, -np.inf, 1e300, -1e39]
N = 80
AT = [0, 40, 79]

pytestmark = pytest.mark.faults


def stream(kind, data, valid=None):
    if valid is None:
        valid = np.ones(len(data), dtype=bool)
    names = tuple("abc") if kind == "pose" else ()
    return Stream(kind, data, TimeAxis(len(data), rate_hz=10.0), valid, names=names)


PREPARE = {
    "trace": lambda s: prepare_traces(s, TraceOptions(), "r"),
    "trace, dF/F": lambda s: prepare_traces(s, TraceOptions(method="percentile"), "r"),
    "scalar": lambda s: prepare_signals(s, "r"),
    "pose": lambda s: prepare_pose(s, PoseOptions(method="none", max_gap_s=0.0), "r"),
    "pose, relative": lambda s: prepare_pose(
        s, PoseOptions(method="relative", root="a", max_gap_s=0.0), "r"
    ),
}


def numbers(how: str, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(50, 100, (N, 3, 2) if "pose" in how else (N, 3))


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("how", PREPARE)
def test_a_bomb_costs_its_own_frames_and_is_counted(how, bomb, rng):
    kind, data = how.partition(",")[0], numbers(how, rng)
    marked = np.ones(N, dtype=bool)
    marked[AT] = False
    expected = PREPARE[how](stream(kind, data, marked)).stream
    with_bombs = data.copy()
    with_bombs[AT, 1] = bomb
    made = PREPARE[how](stream(kind, with_bombs))
    np.testing.assert_array_equal(made.stream.valid, marked)
    np.testing.assert_array_equal(
        np.asarray(made.stream.data)[marked], np.asarray(expected.data)[marked]
    )
    assert made.counts["invalid_frames"] == len(AT)


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("how", PREPARE)
def test_nothing_but_bombs_is_refused(how, bomb, rng):
    data = np.full_like(numbers(how, rng), bomb)
    with pytest.raises(DataError):
        PREPARE[how](stream(how.partition(",")[0], data))


@pytest.mark.parametrize("tiny", [1e-38, 1e-44])
def test_a_resting_value_next_to_nothing_makes_no_infinite_dff(tiny, rng):
    data = np.full((N, 2), tiny)
    data[::7] = 50.0
    with pytest.raises(DataError, match=r"F0 must be above 0.*\[trace.baseline\]"):
        PREPARE["trace, dF/F"](stream("trace", data))


def movie(rng: np.random.Generator) -> np.ndarray:
    frames, _, _ = moving_movie(N, 32, peak=300, reach=1, rng=rng)
    return frames.astype(np.float64) + 100


STILL = PreprocessingOptions(
    registration=RegistrationOptions(method="none"),
    dff=DffOptions(window_frames=5),
    resize=ResizeOptions(height=8, width=8),
)
ALIGNED = PreprocessingOptions(
    dff=DffOptions(window_frames=5), resize=ResizeOptions(height=8, width=8)
)


def prepared(data, folder: Path, options: PreprocessingOptions, valid=None) -> Stream:
    streams = {"neural": stream("neural", data, valid)}
    recording = Recording("fly1_001", "fly1", streams)
    preprocess_recording(recording, options, folder)
    made = read_derived(folder, id="fly1_001", animal="fly1")
    return made.streams["neural"]


@pytest.mark.parametrize("options", [STILL, ALIGNED], ids=["still", "aligned"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_in_a_movie_costs_its_own_frames(bomb, options, tmp_path, rng):
    data, marked = movie(rng), np.ones(N, dtype=bool)
    marked[AT] = False
    expected = prepared(data, tmp_path / "expected", options, marked)
    data[AT, 3, 4] = bomb
    neural = prepared(data, tmp_path / "r", options)
    np.testing.assert_array_equal(neural.valid, marked)
    made = np.asarray(neural.data)[marked]
    assert np.isfinite(made).all()
    if options is STILL:  # alignment takes other frames for its template
        np.testing.assert_array_equal(made, np.asarray(expected.data)[marked])


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_pixel_of_bombs_becomes_a_hole(bomb, tmp_path, rng):
    data = movie(rng)
    data[:, 3, 4] = bomb
    neural = prepared(data, tmp_path / "r", STILL)
    assert np.asarray(neural.valid).all()
    assert np.isfinite(np.asarray(neural.data)).all()
    assert not read_mask(tmp_path / "r")[0, 1]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_movie_of_bombs_is_refused(bomb, tmp_path, rng):
    with pytest.raises(DataError):
        prepared(np.full_like(movie(rng), bomb), tmp_path / "r", STILL)
    assert not (tmp_path / "r").exists()
