from __future__ import annotations

import pytest
import torch

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.noise import GaussianNoise, PoissonNoise
from napari_neuroembed.options.augmentation import (
    GaussianNoiseOptions,
    PoissonNoiseOptions,
)

CONTEXT = AugmentationContext(n=2, shape=(32, 32, 32), rate_hz=16.0, scale_sd=3.0)


def ramp() -> torch.Tensor:
    """Two windows with all brightnesses from -50 to 50 per cent."""
    line = torch.linspace(-50, 50, 32)
    return line.expand(2, 32, 32, 32).contiguous()


@pytest.mark.parametrize("method", ["poisson", "anscombe"])
def test_shot_noise_keeps_the_mean_and_its_variance_is_the_signal(method: str) -> None:
    options = PoissonNoiseOptions(p=1, photons=(50, 50), method=method)  # type: ignore[arg-type]
    augmentation = PoissonNoise(options)
    batch = ramp()
    noisy = augmentation.apply(
        batch, augmentation.draw(CONTEXT, torch.Generator().manual_seed(0))
    )
    low, high = -50.0, float(ramp()[0].flatten().sort().values[-1])
    scale = 50 / (high - low)
    mean = noisy.mean(dim=(0, 1, 2))
    variance = noisy.var(dim=(0, 1, 2))
    expected = (batch[0, 0, 0] - low) / scale
    torch.testing.assert_close(mean, batch[0, 0, 0], atol=1.5, rtol=0)
    bright = expected > 10 / scale**2
    torch.testing.assert_close(variance[bright], expected[bright], rtol=0.2, atol=0)
    assert float(noisy.min()) >= low - 1e-4


def test_poisson_values_are_whole_photons() -> None:
    augmentation = PoissonNoise(PoissonNoiseOptions(p=1, photons=(20, 20)))
    batch = ramp()
    noisy = augmentation.apply(
        batch, augmentation.draw(CONTEXT, torch.Generator().manual_seed(0))
    )
    photons = (noisy + 50) * 20 / 100
    torch.testing.assert_close(photons, photons.round(), atol=1e-3, rtol=0)


def test_the_photons_are_counted_at_the_99th_percentile() -> None:
    batch = ramp()
    batch[:, 0, 0, 0] = 1e5  # one glaring pixel does not set the scale
    augmentation = PoissonNoise(PoissonNoiseOptions(p=1, photons=(20, 20)))
    params = augmentation.draw(CONTEXT, torch.Generator().manual_seed(0))
    noisy = augmentation.apply(batch, params)
    assert 4 < float((noisy - batch)[:, 1:, :, 20:].std()) < 30


def test_a_window_without_contrast_is_returned_as_it_is() -> None:
    batch = torch.full((2, 4, 3, 3), 7.0)
    augmentation = PoissonNoise(PoissonNoiseOptions(p=1))
    context = AugmentationContext(n=2, shape=(4, 3, 3), rate_hz=16.0)
    params = augmentation.draw(context, torch.Generator().manual_seed(0))
    assert torch.equal(augmentation.apply(batch, params), batch)


def test_gaussian_noise_has_the_given_sd_of_the_stack() -> None:
    augmentation = GaussianNoise(GaussianNoiseOptions(p=1, sd=0.2))
    batch = torch.zeros(2, 32, 32, 32)
    noisy = augmentation.apply(
        batch, augmentation.draw(CONTEXT, torch.Generator().manual_seed(0))
    )
    assert float(noisy.std()) == pytest.approx(0.6, rel=0.02)


@pytest.mark.parametrize(
    "augmentation",
    [PoissonNoise(PoissonNoiseOptions(p=1)), GaussianNoise(GaussianNoiseOptions(p=1))],
)
def test_noise_is_fresh_in_every_frame_and_window(
    augmentation: PoissonNoise | GaussianNoise,
) -> None:
    batch = ramp()
    noise = augmentation.apply(
        batch, augmentation.draw(CONTEXT, torch.Generator().manual_seed(0))
    )
    noise = noise - batch
    assert not torch.equal(noise[0, 0], noise[0, 1])
    assert not torch.equal(noise[0], noise[1])
    together = torch.stack([noise[0, 0].flatten(), noise[0, 1].flatten()])
    assert abs(float(torch.corrcoef(together)[0, 1])) < 0.1


def test_another_seed_gives_other_noise_and_the_same_one_the_same() -> None:
    augmentation = GaussianNoise(GaussianNoiseOptions(p=1))
    batch = ramp()
    first, again, other = (
        augmentation.apply(
            batch, augmentation.draw(CONTEXT, torch.Generator().manual_seed(seed))
        )
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_photons_are_drawn_log_uniformly() -> None:
    augmentation = PoissonNoise(PoissonNoiseOptions(p=1, photons=(10, 1000)))
    context = AugmentationContext(n=4000, shape=(2, 1, 1), rate_hz=1.0)
    photons = augmentation.draw(context, torch.Generator().manual_seed(0))["photons"]
    assert 10 <= float(photons.min()) <= float(photons.max()) <= 1000.1
    assert float(photons.median()) == pytest.approx(100, rel=0.1)
