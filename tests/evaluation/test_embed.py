"""Embeddings with shared frames equal those of single windows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.prepared import make_recording

from napari_neuroembed.config import with_settings
from napari_neuroembed.errors import DataError
from napari_neuroembed.evaluation.embed import embed
from napari_neuroembed.methods import METHODS, as_defined
from napari_neuroembed.methods.base import Batch
from napari_neuroembed.training.model import Model
from napari_neuroembed.training.setup import prepare


def untrained(recordings, config):
    setup = prepare(recordings, config, None)
    setup.parts.eval()
    return setup, Model(setup.parts, config, setup.data.index.streams, 0)


@pytest.mark.parametrize("method", METHODS)
def test_shared_frames_give_the_embedding_of_each_window(method, recordings, config):
    config = as_defined(config, method)
    setup, model = untrained(recordings, config)
    made = embed(model, recordings, stride_s=0.125)
    windows = setup.data.windows
    with torch.no_grad():
        alone = setup.parts.method.embed(
            Batch(
                setup.data.neural.gather(windows.recording, windows.neural),
                None
                if setup.data.pose is None
                else setup.data.pose.gather(windows.recording, windows.pose),
                windows.animal,
            )
        )
    rows = made.windows.merge(
        setup.data.index.table.iloc[setup.data.fit].reset_index(drop=True),
        on=["recording", "center_s"],
        how="right",
    )["window_id_x"]
    for stream, h in alone.items():
        assert np.allclose(made.arrays[stream][rows], h.numpy(), rtol=1e-5, atol=1e-6)


def test_traces_are_embedded_with_their_own_animals_input(config):
    own = [make_recording(f"w{i}_1", f"w{i}", i, kind="trace") for i in (0, 1)]
    config = as_defined(config, "simclr")
    _, model = untrained(own, config)
    made = embed(model, own)
    assert made.arrays["neural"].shape == (len(made.windows), 64)
    stranger = make_recording("w9_1", "w9", 1, kind="trace")
    with pytest.raises(DataError, match="no input weights"):
        embed(model, [stranger])


def test_a_new_animal_is_embedded_with_a_normaliser_of_its_own(recordings, config):
    config = dataclasses.replace(config, normalise="centre_animal")
    _, model = untrained(recordings, config)
    stranger = make_recording("new_1", "new", 5)
    made = embed(model, [stranger])
    assert made.facts["normaliser_fitted_on_own_frames"] == ["new_1"]
    assert np.isfinite(made.arrays["neural"]).all()


def test_another_image_size_is_refused_with_both(recordings, config):
    _, model = untrained(recordings, config)
    other = make_recording("o_1", "fly1", 0)
    stream = other.streams["neural"]
    small = dataclasses.replace(stream, data=stream.data[:, :4])
    other = dataclasses.replace(
        other, streams={"neural": small, "pose": other.streams["pose"]}
    )
    with pytest.raises(DataError, match=r"\(4, 8\).*\(8, 8\)"):
        embed(model, [other])


def test_results_do_not_depend_on_what_is_embedded_beside(recordings, config):
    config = with_settings(config, ["training.steps=0"])
    _, model = untrained(recordings, config)
    together = embed(model, recordings)
    alone = embed(model, recordings[2:3])
    rows = together.windows["recording"] == recordings[2].id
    assert np.array_equal(together.arrays["neural"][rows], alone.arrays["neural"])
