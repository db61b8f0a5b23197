"""What must not matter to an embedding: one options class per augmentation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

Indicator = Literal[
    "gcamp6s",
    "gcamp6f",
    "gcamp7f",
    "gcamp8s",
    "gcamp8m",
    "gcamp8f",
    "gcamp6s_fly",
    "twin",
]
Fill = Literal["mean", "zero"]


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if low > high:
        raise ValueError(f"expected (low, high) with low <= high, found {limits}")
    return limits


Probability = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
PositiveLimit = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Limits = Annotated[tuple[Limit, Limit], AfterValidator(_ordered)]
PositiveLimits = Annotated[
    tuple[PositiveLimit, PositiveLimit], AfterValidator(_ordered)
]
Seconds = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CalciumDecayOptions:
    """Add the decaying remains of another moment of the same animal."""

    p: Probability = 0.7
    """Probability per window; 0 switches it off."""

    amplitude: Limits = (0.5, 1.5)
    """Range of the uniform factor on the donor frame."""

    kernel: Literal["exp", "double_exp"] = "exp"
    """Decay alone (the paper), or rise and decay with peak 1."""

    indicator: Indicator = "gcamp6s"
    """Where the time constants come from unless they are given below."""

    decay_s: Seconds | None = None
    """Decay time constant in seconds, instead of the indicator's."""

    rise_s: Seconds | None = None
    """Rise time constant in seconds (`double_exp`), instead of the indicator's."""

    guard_s: Annotated[float, Field(ge=0, le=3600)] = 2.0
    """Seconds a donor frame stays away from the window, so that real decay is over."""

    subtract_median: bool = True
    """Take the donor minus the temporal median of its recording, not the raw frame."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoissonNoiseOptions:
    """Shot noise as if few photons had been counted."""

    p: Probability = 0.5
    """Probability per window; 0 switches it off."""

    photons: Annotated[
        tuple[
            Annotated[float, Field(gt=0, le=1e6)], Annotated[float, Field(gt=0, le=1e6)]
        ],
        AfterValidator(_ordered),
    ] = (10.0, 100.0)
    """Range (log-uniform) of the photons at the window's 99th percentile."""

    method: Literal["poisson", "anscombe"] = "poisson"
    """Poisson numbers, or the faster Gaussian approximation in Anscombe's scale."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GaussianNoiseOptions:
    """White noise."""

    p: Probability = 0.0
    """Probability per window; 0 switches it off."""

    sd: PositiveLimit = 0.2
    """Standard deviation, in sd of the scaled stack."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class GaussianBlurOptions:
    """A softer focus."""

    p: Probability = 0.5
    """Probability per window; 0 switches it off."""

    sigma_px: Annotated[
        tuple[
            Annotated[float, Field(ge=0, le=16)], Annotated[float, Field(ge=0, le=16)]
        ],
        AfterValidator(_ordered),
    ] = (0.1, 1.0)
    """Range of the width in pixels of an image 128 pixels wide; scales with width."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BrightnessContrastOptions:
    """Another gain and another offset."""

    p: Probability = 0.8
    """Probability per window; 0 switches it off."""

    contrast: PositiveLimits = (0.8, 1.2)
    """Range of the factor on the distance from the window's mean."""

    brightness: Limits = (-0.1, 0.1)
    """Range of the added offset, in sd of the scaled stack."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoseSwapOptions:
    """Replace poses by similar poses of other animals (Eq. 2)."""

    p: Probability = 1.0
    """Probability per window; 0 switches it off."""

    p_frame: Probability = 1.0
    """Probability per frame of a window that swaps (unit `frame`)."""

    neighbours: Annotated[int, Field(ge=1, le=65536)] = 128
    """Nearest neighbours in each other animal to draw from; capped at its size."""

    temperature: Annotated[float, Field(gt=0, le=1e6)] | Literal["auto"] = "auto"
    """Softness of the draw in units of pose distance; `auto`: the median distance
    of neighbours. The paper's 1 is nearly uniform for poses scaled to 0-1."""

    unit: Literal["frame", "window"] = "frame"
    """Swap frame by frame, or whole windows by similar windows."""

    include_own: bool = False
    """Draw the donor among all animals; drawing the own one leaves the pose as it is
    (the recipe's rule: a swap happens with probability (A - 1) / A)."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoseScaleOptions:
    """A larger or smaller body."""

    p: Probability = 1.0
    """Probability per window; 0 switches it off."""

    spread: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Half-width of the uniform factor around 1, per coordinate axis."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoseShearOptions:
    """A tilted camera."""

    p: Probability = 0.5
    """Probability per window; 0 switches it off."""

    spread: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Half-width of the uniform shear between every two axes."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class FrameDropOptions:
    """Missing frames."""

    p: Probability = 1.0
    """Probability per window; 0 switches it off."""

    rate: Probability = 0.1
    """Probability per frame; at least one frame stays."""

    fill: Fill = "mean"
    """What a missing value becomes: the training mean, or 0."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class JointDropOptions:
    """Missing joints."""

    p: Probability = 1.0
    """Probability per window; 0 switches it off."""

    rate: Probability = 0.1
    """Probability per joint, for the whole window; at least half of them stay."""

    fill: Fill = "mean"
    """What a missing value becomes: the training mean, or 0."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AugmentationOptions:
    """All augmentations, in the order in which they are applied."""

    calcium_decay: CalciumDecayOptions = CalciumDecayOptions()
    """Neural: remains of another moment."""

    poisson_noise: PoissonNoiseOptions = PoissonNoiseOptions()
    """Neural: shot noise."""

    gaussian_noise: GaussianNoiseOptions = GaussianNoiseOptions()
    """Neural: white noise."""

    gaussian_blur: GaussianBlurOptions = GaussianBlurOptions()
    """Neural images: softer focus."""

    brightness_contrast: BrightnessContrastOptions = BrightnessContrastOptions()
    """Neural: gain and offset."""

    pose_swap: PoseSwapOptions = PoseSwapOptions()
    """Pose: similar poses of other animals."""

    pose_scale: PoseScaleOptions = PoseScaleOptions()
    """Pose: body size."""

    pose_shear: PoseShearOptions = PoseShearOptions()
    """Pose coordinates: tilt."""

    frame_drop: FrameDropOptions = FrameDropOptions()
    """Pose: missing frames."""

    joint_drop: JointDropOptions = JointDropOptions()
    """Pose: missing joints."""


def default() -> AugmentationOptions:
    """Return the project's own choice: the field defaults.

    Examples
    --------
    >>> default().pose_swap.temperature
    'auto'
    """
    return AugmentationOptions()


def paper() -> AugmentationOptions:
    """Return the setting of Guenel et al. as far as the paper states it.

    Everything is always applied; donors are raw frames from anywhere outside the
    window; the swap has temperature 1; missing values become 0.

    Examples
    --------
    >>> paper().calcium_decay.guard_s
    0.0
    """
    return AugmentationOptions(
        calcium_decay=CalciumDecayOptions(
            p=1.0,
            amplitude=(1.0, 1.0),
            indicator="gcamp6s_fly",
            guard_s=0.0,
            subtract_median=False,
        ),
        poisson_noise=PoissonNoiseOptions(p=1.0),
        gaussian_blur=GaussianBlurOptions(p=1.0),
        brightness_contrast=BrightnessContrastOptions(p=1.0),
        pose_swap=PoseSwapOptions(temperature=1.0),
        pose_shear=PoseShearOptions(p=1.0),
        frame_drop=FrameDropOptions(fill="zero"),
        joint_drop=JointDropOptions(fill="zero"),
    )


def twin() -> AugmentationOptions:
    """Return the setting measured on the synthetic twin.

    Examples
    --------
    >>> twin().pose_swap.neighbours
    16
    """
    return AugmentationOptions(
        calcium_decay=CalciumDecayOptions(amplitude=(1.0, 1.0), indicator="twin"),
        poisson_noise=PoissonNoiseOptions(p=0.0),
        gaussian_noise=GaussianNoiseOptions(p=1.0, sd=0.2),
        gaussian_blur=GaussianBlurOptions(p=0.0),
        brightness_contrast=BrightnessContrastOptions(p=1.0),
        pose_swap=PoseSwapOptions(neighbours=16, temperature=1.0),
        pose_shear=PoseShearOptions(p=0.0),
        frame_drop=FrameDropOptions(p=0.0),
    )


def simclr() -> AugmentationOptions:
    """Return the defaults without calcium decay and without swapping.

    Examples
    --------
    >>> simclr().calcium_decay.p, simclr().pose_swap.p
    (0.0, 0.0)
    """
    return AugmentationOptions(
        calcium_decay=CalciumDecayOptions(p=0.0), pose_swap=PoseSwapOptions(p=0.0)
    )


PRESETS = {"paper": paper, "default": default, "twin": twin, "simclr": simclr}
