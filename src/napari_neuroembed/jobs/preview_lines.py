"""What is said between a window and its preview process: JSON lines.

A request is ``{"id": 1, "ask": "augment", ...}``, its answer ``{"id": 1, "ok": true,
"result": {...}}`` or ``{"id": 1, "ok": false, "error": {"kind", "message", "field",
"problems"}}``. Arrays lie as ``.npy`` files in the folder that the answer to `hello`
names; results name theirs under ``arrays``.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

PROTOCOL = 1
"""Raise it when a request or an answer changes its meaning."""

MAX_LINE_BYTES = 1 << 20
"""Longest request."""

MAX_ARRAY_BYTES = 1 << 30
"""Largest array, given or answered."""

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Frames = Annotated[int, Field(ge=0, le=10**9)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PreprocessAsk:
    """Some frames before and after pre-processing, and the disk a whole run needs."""

    recording: _Name | None = None
    """Recording of the project, whose raw frames are taken; or `array`."""

    array: _Name | None = None
    """Name of a `.npy` in the folder, (time, y, x); it is deleted once answered."""

    rgb: bool = False
    """The layer that `array` comes from holds colours, which is refused."""

    of_frames: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """Frames of the whole movie that `array` is a piece of, for the disk needed."""

    frame: _Frames = 0
    """Frame in the middle of the piece; of an array all frames are taken."""

    n_frames: Annotated[int, Field(ge=2, le=4096)] = 64
    """Frames of the piece; fewer where the recording is shorter."""

    options: dict[str, Any] | None = None
    """Options of pre-processing by name; default those of the project."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class AugmentAsk:
    """One window before and after augmentation, and what was drawn."""

    recording: _Name | None = None
    """Recording of the project; its prepared frames, else dF/F of its raw ones."""

    array: _Name | None = None
    """Name of a `.npy` in the folder, (time, y, x); it is deleted once answered."""

    rgb: bool = False
    """The layer that `array` comes from holds colours, which is refused."""

    rate_hz: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | None = None
    """Frames per second of `array`; needed for calcium decay."""

    frame: _Frames = 0
    """Frame in the middle of the window; a window that reached over an end is moved."""

    n_frames: Annotated[int, Field(ge=1, le=4096)] = 32
    """Frames of the window."""

    step: Annotated[int, Field(ge=1, le=256)] = 1
    """Take every n-th frame."""

    pose_frames: Annotated[int, Field(ge=1, le=4096)] = 8
    """Pose frames of the window, for swapping."""

    pose_step_s: Annotated[float, Field(gt=0, le=60)] = 0.03
    """Seconds between two of them."""

    kind: _Name = "all"
    """Name of an augmentation, or `all` neural ones that are switched on."""

    options: dict[str, Any] = field(default_factory=dict)
    """Options of augmentation by name; the others have their defaults."""

    seed: Annotated[int, Field(ge=0)] = 0
    """The same seed draws the same."""

    always: bool = True
    """Apply what is switched on, whatever its probability."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class NothingElse:
    """A request that says nothing beside what it asks for."""


ASKS: dict[str, type[Any]] = {
    "hello": NothingElse,
    "versions": NothingElse,
    "preprocess": PreprocessAsk,
    "augment": AugmentAsk,
    "stop": NothingElse,
}
"""Every request and its fields."""

MEANINGS = {
    "hello": "Folder of the arrays, protocol, process, kinds of augmentation.",
    "versions": "Versions, for a bug report.",
    "preprocess": "Some frames before and after pre-processing.",
    "augment": "One window before and after augmentation.",
    "stop": "End; what is still queued is answered with `stopped`.",
}
"""What every request is answered with."""

NEWEST_WINS = ("preprocess", "augment")
"""Asks of which only the newest queued one is worked on."""

ERRORS = {
    "mistake": "Something that was asked or found is wrong; `field` names the field "
    "where that is known, `problems` every wrong option with its sentence.",
    "superseded": "A newer request of the same kind came before this one's turn.",
    "stopped": "The process was asked to stop before this one's turn.",
    "internal": "An error of the program itself; its traceback is on standard error.",
}
"""Every kind of error."""

PREPROCESS_RESULT = {
    "recording": "As asked; nothing for an array.",
    "first_frame": "Number of the piece's first frame in the recording.",
    "n_frames": "Frames of the piece.",
    "rate_hz": "Frames per second; nothing for an array.",
    "start_s": "Time of the first frame's centre; nothing for an array.",
    "units": "Of a value after: `dff_percent` or `counts`.",
    "window_frames": "Frames of the mean that resting fluorescence is the smallest of; "
    "0 without dF/F.",
    "steps": "Counts of every step, as in `provenance.json`.",
    "disk": "`needed_bytes` by a run over the whole recording, `free_bytes` in "
    "`folder`; without a project only the first.",
    "problems": "Findings that would refuse a whole recording like this piece: id, "
    "severity, text.",
    "notes": "In what a run over the whole recording differs, in sentences.",
}
"""What `preprocess` is answered with."""

PREPROCESS_ARRAYS = {
    "before": "(frame, y, x) raw counts, float32.",
    "after": "(frame, y, x) at the size of the cache, float32; NaN in frames that "
    "cannot be used.",
    "shifts": "(frame, 2) dy and dx in pixels.",
    "correlation": "(frame,) of each frame, moved back, with the template; NaN without "
    "registration.",
    "valid": "(frame,) frames that can be used.",
    "mask": "(y, x) of the cache: pixels that all of these show.",
}
"""Arrays of that answer."""

AUGMENT_RESULT = {
    "recording": "As asked; nothing for an array.",
    "animal": "Whose it is; nothing for an array.",
    "first_frame": "Number of the window's first frame in the recording.",
    "n_frames": "Frames of the window.",
    "step": "From one to the next.",
    "rate_hz": "Frames per second within the window, where it is known.",
    "center_s": "Time of its middle, where it is known.",
    "units": "Of a value, where they are known.",
    "scale_sd": "Standard deviation of the movie, what noise and brightness are "
    "relative to; not of swapping.",
    "kind": "As asked.",
    "drawn": "What was drawn, in numbers, by augmentation; `donor` and `donors` name "
    "recording, animal and frame.",
    "words": "The same in sentences.",
    "notes": "What else to know, in sentences.",
    "pose": "Of swapping: stream, names, n_dims, units, first_frame, step and time_s "
    "of its frames.",
}
"""What `augment` is answered with."""

AUGMENT_ARRAYS = {
    "before": "(frame, y, x) of the window, float32.",
    "after": "(frame, y, x) augmented; of swapping the images of the donor of the pose "
    "in the middle.",
    "donor": "(y, x) of calcium decay, as it was added.",
    "pose_before": "(frame, feature) of swapping.",
    "pose_after": "(frame, feature) of swapping.",
}
"""Arrays of that answer."""
