"""Maps find what was planted, and their check can fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_neuroembed.evaluation.occlusion import Reader, ablation, occlusion, places
from napari_neuroembed.evaluation.probes import LinearProbe, labelled


class Mean(nn.Module):
    """An encoder that averages over time and keeps every pixel."""

    def embed(self, batch):
        return {"neural": batch.neural.mean(dim=1).flatten(1)}


def planted(shape, rng, n=60):
    """Return windows in which one place is bright in class 1, and the classes."""
    y = np.arange(n) % 2
    windows = rng.normal(size=(n, 4, *shape)).astype(np.float32)
    bright = np.zeros(shape, dtype=bool)
    bright[(slice(3, 6),) * len(shape)] = True
    windows[y == 1] += 2 * bright
    return torch.from_numpy(windows), y, bright


def reader_of(windows, y):
    probe = LinearProbe()
    h = Mean().embed(type("B", (), {"neural": windows}))["neural"].numpy()
    probe.fit(labelled(h, y, 2), np.random.default_rng(0))
    return Reader(Mean(), probe, 1, 0)


@pytest.mark.parametrize("shape", [(16, 16), (12, 20), (9,)])
def test_the_planted_place_stands_out_and_passes_its_check(shape, rng):
    windows, y, bright = planted(shape, rng)
    reader = reader_of(windows, y)
    usual = windows.mean(dim=(0, 1))
    seen = np.ones(shape, dtype=bool)
    found = occlusion(reader, windows[y == 1][:15], usual, seen)
    assert found.shape == shape
    assert np.median(found[bright]) > 5 * np.abs(np.median(found[~bright]))
    check = ablation(
        reader, windows[y == 1][15:], usual, found, np.random.default_rng(0)
    )
    assert check.n_pixels == max(1, round(0.05 * seen.size))
    assert check.top > (check.high if len(shape) > 1 else check.random)
    # A map that points elsewhere fails.
    wrong = ablation(
        reader, windows[y == 1][15:], usual, -found, np.random.default_rng(0)
    )
    assert wrong.top <= wrong.high


def test_a_map_equals_hiding_one_place_after_the_other(rng):
    windows, y, _ = planted((5, 6), rng)
    reader = reader_of(windows, y)
    own, usual = windows[y == 1], windows.mean(dim=(0, 1))
    found = occlusion(reader, own, usual, np.ones((5, 6), dtype=bool))
    whole = reader.evidence(own)
    for pixel in ((0, 0), (2, 3), (4, 5)):
        lost = []
        for hidden in places((5, 6)):
            if hidden[pixel]:
                masked = own.clone()
                masked[:, :, torch.from_numpy(hidden)] = usual[torch.from_numpy(hidden)]
                lost.append(np.mean(whole - reader.evidence(masked)))
        assert found[pixel] == pytest.approx(np.mean(lost), abs=1e-6)


def test_pixels_that_are_not_seen_have_no_value(rng):
    windows, y, _ = planted((16, 16), rng)
    seen = np.ones((16, 16), dtype=bool)
    seen[:, :2] = False
    reader = reader_of(windows, y)
    found = occlusion(reader, windows[y == 1], windows.mean(dim=(0, 1)), seen)
    assert np.isnan(found[:, :2]).all()
    assert np.isfinite(found[:, 2:]).all()


@pytest.mark.parametrize("shape", [(4, 4), (16, 16), (64, 48), (128, 128), (7,)])
def test_every_pixel_is_hidden_at_some_time(shape):
    hidden = list(places(shape))
    assert np.any(hidden, axis=0).all()
    assert len(hidden) <= 21 * 21
