from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.augmentation.reference_augmentation import calcium

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.calcium import CalciumDecay
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.options.augmentation import CalciumDecayOptions

WINDOWS = torch.randn(3, 32, 5, 4, generator=torch.Generator().manual_seed(0))
DONORS = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))


def context(**changes: object) -> AugmentationContext:
    values = {"n": 3, "shape": (32, 5, 4), "rate_hz": 16.0, "donors": DONORS}
    return AugmentationContext(**(values | changes))  # type: ignore[arg-type]


def test_it_equals_the_loop_of_the_paper() -> None:
    options = CalciumDecayOptions(p=1, indicator="twin")
    augmentation = CalciumDecay(options)
    params = augmentation.draw(context(), torch.Generator().manual_seed(2))
    params = {
        name: value.double() for name, value in params.items() if name != "kernel"
    } | {"kernel": torch.from_numpy(augmentation.kernel(32, 16.0))}
    found = augmentation.apply(WINDOWS.double(), params)
    for i in range(3):
        amplitude = float(params["amplitude"][i])
        assert 0.5 <= amplitude <= 1.5
        expected = calcium(
            WINDOWS[i].double().numpy(), DONORS[i].double().numpy(), 0.93, amplitude
        )
        np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-12)


def test_the_donor_is_shared_by_the_frames_of_a_window_and_decays() -> None:
    augmentation = CalciumDecay(CalciumDecayOptions(p=1, amplitude=(1, 1)))
    params = augmentation.draw(context(), torch.Generator().manual_seed(0))
    added = augmentation.apply(torch.zeros(3, 32, 5, 4), params)
    torch.testing.assert_close(added[:, 0], DONORS)
    ratio = added[:, 1:] / added[:, :-1]
    torch.testing.assert_close(ratio, torch.full_like(ratio, float(ratio.mean())))
    assert 0 < float(ratio.mean()) < 1


def test_it_works_on_traces() -> None:
    traces = torch.zeros(3, 8, 6)
    donors = torch.ones(3, 6)
    augmentation = CalciumDecay(CalciumDecayOptions(p=1, kernel="double_exp"))
    params = augmentation.draw(
        context(shape=(8, 6), donors=donors), torch.Generator().manual_seed(0)
    )
    added = augmentation.apply(traces, params)
    assert added.shape == traces.shape
    assert float(added[:, 0].abs().max()) == 0
    assert float(added[:, 1:].min()) > 0


def test_given_time_constants_go_before_the_indicators() -> None:
    kernel = CalciumDecay(CalciumDecayOptions(indicator="gcamp8f", decay_s=2.0)).kernel(
        3, 1.0
    )
    np.testing.assert_allclose(kernel, np.exp([0, -0.5, -1.0]))


def test_about_p_of_the_windows_change() -> None:
    augmentation = CalciumDecay(CalciumDecayOptions(p=0.7))
    many = context(n=2000, shape=(4, 2), donors=torch.ones(2000, 2))
    params = augmentation.draw(many, torch.Generator().manual_seed(0))
    share = float((params["amplitude"] > 0).float().mean())
    assert share == pytest.approx(0.7, abs=0.04)


def test_missing_or_wrong_donors_are_refused() -> None:
    augmentation, generator = CalciumDecay(), torch.Generator()
    with pytest.raises(TrainingError, match=r"shape \(3, 5, 4\), found none"):
        augmentation.draw(context(donors=None), generator)
    with pytest.raises(TrainingError, match=r"\(3, 5, 4\), found \(2, 5, 4\)"):
        augmentation.draw(context(donors=DONORS[:2]), generator)
    broken = DONORS.clone()
    broken[0, 0, 0] = float("nan")
    with pytest.raises(TrainingError, match="'calcium_decay' refuses NaN"):
        augmentation.draw(context(donors=broken), generator)
