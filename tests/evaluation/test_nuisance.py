"""What must not explain a score, read from pre-processed recordings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_neuroembed.data.derived import read_derived
from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.evaluation.nuisance import NUISANCES, window_nuisances
from napari_neuroembed.options.preprocessing import (
    DffOptions,
    PreprocessingOptions,
    RegistrationOptions,
    ResizeOptions,
)
from napari_neuroembed.preprocessing.pipeline import preprocess_recording

OPTIONS = PreprocessingOptions(
    registration=RegistrationOptions(method="none"),
    dff=DffOptions(window_frames=5),
    resize=ResizeOptions(height=8, width=8),
)
N, WINDOW = 40, 8


def prepared(folder, data, names, name="fly1_001"):
    """Pre-process frames of shape (time, channel, y, x)."""
    clock = TimeAxis(len(data), rate_hz=16.0)
    stream = Stream("neural", data, clock, names=names, units="counts")
    preprocess_recording(Recording(name, "fly1", {"neural": stream}), OPTIONS, folder)
    return read_derived(folder, id=name, animal="fly1")


def table(*names):
    firsts = np.arange(0, N - WINDOW + 1, WINDOW)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "recording": name,
                    "animal": "fly1",
                    "center_s": (firsts + WINDOW / 2) / 16.0,
                    "neural_first": firsts,
                    "neural_step": 1,
                    "neural_count": WINDOW,
                }
            )
            for name in names
        ],
        ignore_index=True,
    )


@pytest.fixture
def frames(rng):
    return rng.integers(300, 900, (N, 2, 16, 16)).astype(np.uint16)


def test_the_anatomical_channel_is_averaged_over_every_window(tmp_path, frames):
    recording = prepared(tmp_path / "r", frames, ("functional", "anatomical"))
    mask = np.ones((8, 8), dtype=bool)
    found, absent = window_nuisances([recording], table("fly1_001"), "neural", mask)
    assert absent == {}
    assert set(found) == set(NUISANCES)
    red = frames[:, 1].astype(float)
    expected = red / red.mean(axis=0) - 1.0
    for row in range(N // WINDOW):
        window = expected[row * WINDOW : (row + 1) * WINDOW].mean(axis=0)
        np.testing.assert_allclose(found["anatomical"][row], window.ravel(), atol=1e-5)


def test_one_recording_without_that_channel_is_named(tmp_path, frames):
    both = prepared(tmp_path / "a", frames, ("functional", "anatomical"))
    alone = prepared(tmp_path / "b", frames[:, :1], ("functional",), name="fly1_002")
    windows = table("fly1_001", "fly1_002")
    mask = np.ones((8, 8), dtype=bool)
    found, absent = window_nuisances([both, alone], windows, "neural", mask)
    assert "fly1_002 has no anatomical channel" in absent["anatomical"]
    assert set(found) == set(NUISANCES) - {"anatomical"}
    assert len(found["motion"]) == len(windows)
