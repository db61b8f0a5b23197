"""Fit and fresh recordings never meet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_neuroembed.data.recording import Recording, Stream, TimeAxis
from napari_neuroembed.data.splits import Split, make_split, window_roles
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.split import SplitOptions


def recordings(counts: dict[str, int]) -> list[Recording]:
    stream = Stream("neural", np.zeros((640, 2, 2)), TimeAxis(640, rate_hz=16.0))
    return [
        Recording(f"{animal}_{i}", animal, {"neural": stream})
        for animal, n in counts.items()
        for i in range(1, n + 1)
    ]


@pytest.mark.parametrize(("n", "fit"), [(12, 4), (6, 2), (5, 4), (3, 2), (2, 1)])
def test_the_number_of_recordings_decides_how_many_are_fit(n, fit):
    split = make_split(recordings({"a": n}), SplitOptions())
    assert sum(role == "fit" for role in split.roles.values()) == fit
    assert sum(role == "fresh" for role in split.roles.values()) == n - fit
    assert split.kind == "recordings"


def test_recordings_are_taken_in_the_order_of_their_numbers():
    split = make_split(recordings({"a": 12}), SplitOptions())
    assert [name for name, role in split.roles.items() if role == "fit"] == [
        "a_1", "a_2", "a_3", "a_4",
    ]  # fmt: skip


def test_a_single_recording_is_cut_into_blocks_with_a_gap_and_a_warning():
    split = make_split(recordings({"a": 1}), SplitOptions())
    assert split.kind == "blocks"
    assert "cannot be told apart" in split.notes[0]
    centers = np.arange(1, 39.5, 0.25)
    windows = pd.DataFrame({"recording": "a_1", "center_s": centers})
    roles = window_roles(windows, split, window_s=2.0)
    fit, fresh = centers[roles == "fit"], centers[roles == "fresh"]
    assert len(fit) > len(fresh) > 0
    nearest = np.abs(fit[:, None] - fresh[None]).min()
    assert nearest >= 2 * 2.0 - 0.25


@pytest.mark.parametrize(("window_s", "n"), [(0.0, 6), (1.0, 6), (1.6, 4), (9.0, 3)])
def test_long_windows_make_fewer_blocks_of_a_single_recording(window_s, n):
    split = make_split(recordings({"a": 1}), SplitOptions(), window_s=window_s)
    assert len(split.blocks["a_1"]) == n


def test_the_split_survives_its_file():
    split = make_split(recordings({"a": 1, "b": 7}), SplitOptions(), held_out=["b"])
    assert Split.from_dict(split.to_dict()) == split


def test_explicit_lists_win():
    split = make_split(recordings({"a": 3}), SplitOptions(fit=("a_2",), fresh=("a_3",)))
    assert dict(split.roles) == {"a_2": "fit", "a_3": "fresh"}


def test_unknown_recordings_and_animals_are_all_named():
    with pytest.raises(ConfigError, match=r"'zzz'[\s\S]*'nobody'"):
        make_split(
            recordings({"a": 3}), SplitOptions(fit=("zzz",)), held_out=["nobody"]
        )


def test_a_recording_cannot_be_on_both_sides():
    with pytest.raises(ConfigError, match="cannot be both"):
        make_split(recordings({"a": 3}), SplitOptions(fit=("a_1",), fresh=("a_1",)))
