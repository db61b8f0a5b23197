"""What a training refuses before its first step, and how far views may lie apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.prepared import make_recording

from napari_neuroembed.config import with_settings
from napari_neuroembed.data.splits import make_split
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods import as_defined
from napari_neuroembed.options.split import SplitOptions
from napari_neuroembed.training.setup import check_needs, prepare


def test_second_views_never_touch_invalid_or_missing_frames(recordings, config):
    config = as_defined(config, "simclr_views")
    config = with_settings(config, ["method_options.view_shift_s=2.0"])
    changed = []
    for recording in recordings:
        stream = recording.streams["neural"]
        valid = np.ones(160, dtype=bool)
        valid[70:73] = False
        stream.data[70:73] = np.nan
        broken = dataclasses.replace(stream, valid=valid)
        changed.append(
            dataclasses.replace(
                recording, streams={**recording.streams, "neural": broken}
            )
        )
    batches = prepare(changed, config, None).batches
    moved = 0
    for step in range(40):
        batch = batches.draw(step)
        assert torch.isfinite(batch.neural_view).all()
        moved += int((batch.neural_view != batch.neural).any())
    assert moved > 0
    assert (batches.views.low <= 0).all()
    assert (batches.views.high >= 0).all()
    last = batches.data.windows.neural[:, -1] + batches.views.high
    assert last.max() <= 159


def test_traces_of_other_neurons_in_one_animal_are_refused(config):
    recordings = [
        make_recording("w1_1", "w1", 0, kind="trace"),
        make_recording("w1_2", "w1", 1, kind="trace"),
    ]
    with pytest.raises(TrainingError, match=r"'w1_1' has 5, 'w1_2' has 6"):
        prepare(recordings, as_defined(config, "simclr"), None)


def test_an_animal_of_traces_cannot_be_held_out(config):
    recordings = [
        make_recording(f"{a}_{i}", a, 3 * i + k, kind="trace")
        for k, a in enumerate(("w1", "w2", "w3"))
        for i in range(2)
    ]
    split = make_split(recordings, SplitOptions(), held_out=["w1"])
    with pytest.raises(TrainingError, match="'w1' cannot be held out: a trace"):
        check_needs(recordings, config, split)


def test_one_run_leaves_out_one_animal(recordings, config):
    split = make_split(recordings, SplitOptions(), held_out=["fly1", "fly2"])
    with pytest.raises(TrainingError, match="names 2 animals"):
        check_needs(recordings, config, split)


def test_the_scale_all_animals_share_never_sees_a_held_out_one(recordings, config):
    for recording in recordings:
        if recording.animal == "fly2":
            recording.streams["neural"].data[:] *= 1000
    method = as_defined(config, "simclr")
    together = prepare(recordings, method, None).parts.normaliser.scale[0, 0, 0]
    held_out = with_settings(method, ["training.held_out=[fly2]"])
    apart = prepare(recordings, held_out, None).parts.normaliser.scale[0, 0, 0]
    assert float(together) > 100 * float(apart)
