"""How the synthetic animals differ, behave and are filmed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SyntheticOptions:
    """Synthetic animals that share their actions but not their anatomy.

    Lengths in the image (jitter, width, motion) are in pixels of a 32 x 32 plane,
    whatever `image_size` is: 1.5 of these are 6 pixels of a 128 x 128 view.
    """

    n_animals: Annotated[int, Field(ge=1, le=64)] = 4
    """Animals."""

    n_recordings: Annotated[int, Field(ge=1, le=999)] = 12
    """Recordings of every animal."""

    duration_s: Annotated[float, Field(ge=2.0, le=3600.0)] = 40.0
    """Seconds of imaging in a recording."""

    gap: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Multiplies every difference between animals; 0 makes them identical."""

    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """The same seed and options give the same animals everywhere."""

    image_size: Annotated[int, Field(ge=32, le=512)] = 128
    """Height and width of the two-photon view in pixels."""

    neural_rate_hz: Annotated[float, Field(gt=0, le=200)] = 16.0
    """Two-photon frames per second."""

    pose_rate_hz: Annotated[float, Field(gt=0, le=400)] = 32.0
    """Camera frames, and therefore poses, per second."""

    video: Annotated[int, Field(ge=0, le=999)] = 1
    """Recordings of every animal that come with a camera clip."""

    signal: Literal["axons", "somata"] = "axons"
    """What lights up: short neurites with varicosities, or rings of cell bodies."""

    n_actions: Annotated[int, Field(ge=2, le=24)] = 6
    """Actions that all animals share."""

    action_exponent: Annotated[float, Field(ge=0, le=3)] = 0.8
    """The k-th action is drawn with a probability in proportion to k^-exponent."""

    n_axons: Annotated[int, Field(ge=1, le=512)] = 32
    """Axons (or cells) in the view."""

    tuning: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Probability that an axon is tuned to an action."""

    pos_jitter: Annotated[float, Field(ge=0, le=8)] = 1.5
    """Spread (sd) of an axon's position over animals, pixels of 32."""

    spot_low: Annotated[float, Field(ge=0.4, le=4)] = 0.8
    """Smallest width (sd) of an animal's axons, pixels of 32."""

    spot_high: Annotated[float, Field(ge=0.4, le=4)] = 1.8
    """Largest width (sd) of an animal's axons, pixels of 32."""

    gain_shape: Annotated[float, Field(gt=0, le=1000)] = 4.0
    """Axon gains follow Gamma(shape, 1 / shape): the smaller, the more unequal."""

    drop: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the axons that an animal lacks."""

    brightness: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Spread (sd of the logarithm) of indicator expression over animals."""

    background: Annotated[float, Field(ge=0, le=2)] = 0.3
    """Spread (sd) of the static background over animals, in blocks of 4 of 32."""

    tau_low_s: Annotated[float, Field(gt=0, le=10)] = 0.6
    """Fastest calcium decay of an animal."""

    tau_high_s: Annotated[float, Field(gt=0, le=10)] = 1.5
    """Slowest calcium decay of an animal."""

    scale_sd: Annotated[float, Field(ge=0, le=2)] = 0.15
    """Spread (sd of the logarithm) of each pose coordinate's scale over animals."""

    off_sd: Annotated[float, Field(ge=0, le=2)] = 0.08
    """Spread (sd) of each pose coordinate's offset over animals; poses span 0 to 1."""

    noise: Annotated[float, Field(gt=0, le=10)] = 0.6
    """Shot noise (sd) of the resting tissue, per frame and pixel of 32."""

    motion: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Slow brain motion (sd), pixels of 32; jerks are 2.5 times as large."""

    offset: Annotated[int, Field(ge=0, le=10000)] = 200
    """Counts of the detector in the dark."""

    counts_per_photon: Annotated[float, Field(gt=0, le=1000)] = 24.0
    """Gain of the detector."""

    pose_ambiguity: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How far postures of different actions overlap: 1 makes pairs of them equal."""

    drift: Annotated[float, Field(ge=0, le=4)] = 0.0
    """How fast anatomy, gains and poses wander from recording to recording."""

    @model_validator(mode="after")
    def _ranges_are_not_reversed(self) -> Self:
        for low, high in (("spot_low", "spot_high"), ("tau_low_s", "tau_high_s")):
            smallest, largest = getattr(self, low), getattr(self, high)
            if smallest > largest:
                raise ValueError(
                    f"{low} ({smallest}) must not be above {high} ({largest})"
                )
        return self
