"""What an augmentation drew for one window, as numbers and in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from napari_neuroembed.augmentation.base import Augmentation, Params
from napari_neuroembed.augmentation.calcium import CalciumDecay
from napari_neuroembed.augmentation.intensity import BrightnessContrast, GaussianBlur
from napari_neuroembed.augmentation.kernels import INDICATORS
from napari_neuroembed.augmentation.noise import GaussianNoise, PoissonNoise

Numbers = dict[str, Any]


class Whose(Protocol):
    """Where a donor frame comes from."""

    @property
    def recording(self) -> str | None:
        """Its recording; None: the given array."""

    @property
    def animal(self) -> str | None:
        """Its animal."""

    @property
    def frame(self) -> int:
        """Its number there."""


def described(
    chain: Sequence[Augmentation],
    params: Sequence[Params],
    donor: Whose | None,
    units: str,
) -> tuple[dict[str, Numbers], list[str]]:
    """Say what was drawn for the first window of a batch.

    Parameters
    ----------
    chain, params
        The augmentations and what they drew.
    donor
        Of calcium decay.
    units
        Of a value, e.g. ``dff_percent``; may be empty.

    Returns
    -------
    dict
        Numbers by augmentation.
    list
        A sentence for each.
    """
    numbers, words = {}, []
    unit = {"dff_percent": " % dF/F", "": ""}.get(units, f" {units}")
    for one, drawn in zip(chain, params, strict=True):
        found, text = _one(one, drawn, donor, unit)
        numbers[one.name] = found
        words.append(f"{one.name}: {text}")
    return numbers, words


def _one(
    one: Augmentation,
    drawn: Params,
    donor: Whose | None,
    unit: str,
) -> tuple[Numbers, str]:
    if isinstance(one, CalciumDecay):
        assert donor is not None
        return _calcium(one, drawn, donor)
    if isinstance(one, PoissonNoise):
        if not bool(drawn["active"][0]):
            return {"photons": None}, _LEFT
        photons = float(drawn["photons"][0])
        text = f"as if {photons:.3g} photons had been counted at its 99th percentile."
        return {"photons": photons}, text
    if isinstance(one, GaussianNoise):
        sd = float(drawn["sd"][0])
        text = f"white noise of standard deviation {sd:.3g}{unit}."
        return {"sd": sd}, text if sd else _LEFT
    if isinstance(one, GaussianBlur):
        sigma = _width(drawn["taps"][0].double().tolist())
        text = f"a Gaussian of standard deviation {sigma:.2f} pixels."
        narrow = "left alone, or too narrow a Gaussian to change these pixels."
        return {"sigma_px": sigma}, text if sigma else narrow
    if isinstance(one, BrightnessContrast):
        contrast = 1.0 + float(drawn["gain"][0])
        offset = float(drawn["offset"][0])
        text = f"contrast times {contrast:.3f}, brightness {offset:+.3g}{unit}."
        is_same = contrast == 1 and offset == 0
        return {"contrast": contrast, "offset": offset}, _LEFT if is_same else text
    values = {k: v.flatten().tolist() for k, v in drawn.items() if v.numel() <= 16}
    return values, f"{values}."


_LEFT = "left alone this time."


def _calcium(one: CalciumDecay, drawn: Params, donor: Whose) -> tuple[Numbers, str]:
    amplitude, options = float(drawn["amplitude"][0]), one.options
    indicator = INDICATORS[options.indicator]
    decay = options.decay_s or indicator.decay_s
    rise = options.rise_s or indicator.rise_s
    is_double = options.kernel == "double_exp"
    numbers: Numbers = {
        "amplitude": amplitude,
        "decay_s": decay,
        "rise_s": rise if is_double else None,
        "donor": {
            "recording": donor.recording,
            "animal": donor.animal,
            "frame": donor.frame,
        },
    }
    if not amplitude:
        return numbers, _LEFT
    less = " minus the median" if options.subtract_median else ""
    rising = f"rises with {rise:.3g} s and " if is_double else ""
    whose = f"{donor.recording} (animal {donor.animal})"
    text = (
        f"{amplitude:.2f} times frame {donor.frame:,} of "
        f"{'the array' if donor.recording is None else whose}{less}, which {rising}"
        f"decays with {decay:.3g} s."
    )
    return numbers, text


def _width(taps: Sequence[float]) -> float:
    """Return the width of a Gaussian from its middle tap and the one beside it."""
    middle = len(taps) // 2
    beside = taps[middle + 1]
    if beside <= 0:
        return 0.0
    ratio = taps[middle] / beside
    return math.sqrt(0.5 / math.log(ratio)) if ratio > 1 else 0.0
