"""How one recording becomes comparable: everything that needs no other recording."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RegistrationOptions:
    """How brain motion is removed."""

    method: Literal["rigid", "none"] = "rigid"
    """Shift every frame onto a template, or leave the frames as they are."""

    upsample: Annotated[int, Field(ge=1, le=1000)] = 100
    """Shifts are multiples of 1/upsample pixel; 1 moves whole pixels and keeps counts
    exact."""

    max_shift: Annotated[float, Field(gt=0.0, le=0.3)] = 0.15
    """Largest shift looked for, as a share of height and width."""

    reference: Literal["recording", "animal"] = "animal"
    """Template of this recording alone, or moved onto that of the animal's first
    recording, so that a pixel means the same place in all of them."""

    reference_frames: Annotated[int, Field(ge=2, le=2000)] = 200
    """Frames, spread over the recording, the template is chosen from."""

    refinements: Annotated[int, Field(ge=0, le=5)] = 2
    """How often the template is made again from the frames it aligned."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DffOptions:
    """How fluorescence becomes change over the resting fluorescence, in per cent."""

    method: Literal["running_minimum", "none"] = "running_minimum"
    """Smallest running mean as resting fluorescence F0, or keep raw counts."""

    window_frames: Annotated[int, Field(ge=1, le=100_000)] = 15
    """Frames of the running mean (the paper's 15 are about 0.94 s at 16 Hz)."""

    blur_px: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    """Standard deviation of a Gaussian blur of F0, in pixels; 0 for none."""

    offset: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """Counts the camera adds to every pixel in the dark; subtracted first."""

    epsilon: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    """Pixels with F0 under this share of the median F0 get a dF/F of 0."""

    clip_percent: Annotated[float, Field(gt=0.0, le=65504.0)] = 65504.0
    """Largest absolute dF/F kept; the default is the end of half precision."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ResizeOptions:
    """Size of the images in the training cache."""

    method: Literal["area", "none"] = "area"
    """Average over areas, or keep the native size."""

    height: Annotated[int, Field(ge=4, le=4096)] = 64
    """Rows."""

    width: Annotated[int, Field(ge=4, le=4096)] = 64
    """Columns."""

    aspect: Literal["squash", "pad"] = "squash"
    """Fill the whole image as the paper does, or keep proportions between borders."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PoseOptions:
    """How body points or angles are prepared."""

    method: Literal["none", "relative", "angles"] = "none"
    """Coordinates as they are, relative to root points, or angles passed through."""

    root: str = ""
    """For `relative`: the point that all points outside `groups` are measured from."""

    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For `relative`: root point -> points measured from it, e.g. the coxa of a leg."""

    drop: tuple[str, ...] = ()
    """Points left out of the result, e.g. antennae; they may still serve as roots."""

    max_gap_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.1
    """Longest stretch of missing frames that is interpolated; longer ones are
    invalid."""

    min_confidence: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    """Points tracked with less confidence count as missing, where a tracker gives
    one."""

    zero_is_missing: bool = False
    """Points at exactly 0 in all dimensions are missing (the hidden side in df3d)."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TraceOptions:
    """How traces (one value per cell and frame) are prepared."""

    method: Literal["none", "percentile"] = "none"
    """Traces as they are, or as dF/F over a percentile of each trace."""

    percentile: Annotated[float, Field(ge=0.0, le=50.0)] = 8.0
    """For `percentile`: the share of a trace that lies under its F0."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PreprocessingOptions:
    """How one recording becomes comparable, in the order applied."""

    registration: RegistrationOptions = field(default_factory=RegistrationOptions)
    """Brain motion."""

    dff: DffOptions = field(default_factory=DffOptions)
    """Change of fluorescence."""

    resize: ResizeOptions = field(default_factory=ResizeOptions)
    """Size of the training cache."""

    pose: PoseOptions = field(default_factory=PoseOptions)
    """Body points and angles."""

    trace: TraceOptions = field(default_factory=TraceOptions)
    """One value per cell and frame."""

    keep_native: bool = False
    """Also keep the registered stack at native size (`native.tif`), for people."""

    max_memory_mb: Annotated[int, Field(ge=16, le=1_048_576)] = 512
    """Memory for image chunks. Results do not depend on it, but that a template is made
    from fewer frames where `reference_frames` do not fit into a quarter of it."""
