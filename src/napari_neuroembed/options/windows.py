"""Which frames make a sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WindowOptions:
    """Which frames of each stream make one sample.

    The defaults are the paper's: 32 neural frames (2 s at 16 Hz) and 8 pose frames
    spread over 0.24 s, centred on the same moment.
    """

    neural_frames: Annotated[int, Field(ge=1, le=4096)] = 32
    """Neural (or trace) frames in a window."""

    neural_step: Annotated[int, Field(ge=1, le=256)] = 1
    """Take every n-th neural frame."""

    pose_frames: Annotated[int, Field(ge=1, le=4096)] = 8
    """Pose (or scalar) frames in a window."""

    pose_step_s: Annotated[float, Field(gt=0, le=60)] = 0.03
    """Seconds between two pose frames; rounded to whole frames, at least one."""

    stride_s: Annotated[float, Field(gt=0, le=3600)] = 0.125
    """Seconds between the centres of two training windows."""

    eval_stride_s: Annotated[float, Field(gt=0, le=3600)] = 0.5
    """Seconds between the centres of two windows of the set `eval`."""

    centre: Literal["neural", "pose"] = "neural"
    """Clock whose half-frame points are the window centres."""

    edge: Literal["drop", "clamp"] = "drop"
    """Drop windows that reach over the ends, or repeat the first and last frame."""

    label: Literal["centre", "majority", "pure"] = "centre"
    """Action of a window: at its centre, of most of its time, or only if unmixed."""

    max_jitter: Annotated[float, Field(ge=0.0, le=10.0)] = 0.5
    """Largest distance of a frame from its nominal time, in frame periods."""

    drop_actions: tuple[str, ...] = ()
    """Windows with these actions are left out, e.g. rest."""

    neural_stream: str = "auto"
    """Stream the neural encoder sees; `auto`: the neural stream, else the trace."""

    pose_stream: str = "auto"
    """Stream paired with it; `auto`: the pose, else the scalars, else none."""
