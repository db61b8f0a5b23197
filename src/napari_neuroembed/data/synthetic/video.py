"""The camera's view of a synthetic animal: leg points in pixels, drawn as a fly."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoStream

LEGS = ("RF", "RM", "RH", "LF", "LM", "LH")
JOINTS = ("Coxa", "Femur", "Tibia", "Tarsus", "Claw")
POINT_NAMES = tuple(f"{leg}_{joint}" for leg in LEGS for joint in JOINTS)
"""The 30 points of a pose, in their order."""

HEIGHT, WIDTH = 192, 192
"""Size of the camera's view in pixels."""

PIXELS_PER_UNIT = 36.0
"""Camera pixels per unit of a pose, the same for every coordinate."""

_BACK, _CUTICLE, _LEG, _JOINT = 176, 84, 52, 20
_STEPS = 24
_CHUNK = 64
_KEYFRAME = "32"


def to_pixels(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return poses as points (x, y) of the camera, shape (time, 30, 2).

    Every coordinate is shifted to where its joint belongs and scaled by the same
    36 pixels per unit, so that distances between poses keep their proportions.

    Parameters
    ----------
    pose
        Shape (time, 60), coordinates of about 0 to 1.
    """
    points = pose.reshape(len(pose), len(POINT_NAMES), 2)
    pixels: NDArray[np.float64] = _resting_points() + PIXELS_PER_UNIT * (points - 0.5)
    return pixels


def draw_clip(points: NDArray[np.float64]) -> Iterator[NDArray[np.uint8]]:
    """Draw the animal from above, one grey frame (192, 192) for every pose.

    Parameters
    ----------
    points
        Shape (time, 30, 2), pixels (x, y).
    """
    back = _body()
    joints = points.reshape(len(points), len(LEGS), len(JOINTS), 2)
    share = np.linspace(0, 1, _STEPS)[:, None]
    for start in range(0, len(points), _CHUNK):
        part = joints[start : start + _CHUNK]
        hips = np.broadcast_to(_hips(), (len(part), len(LEGS), 1, 2))
        part = np.concatenate([hips, part], axis=2)
        lines = part[:, :, :-1, None] * (1 - share) + part[:, :, 1:, None] * share
        frames = np.repeat(back[None], len(part), axis=0)
        _stamp(frames, lines.reshape(len(part), -1, 2), _LEG, reach=1)
        _stamp(frames, part[:, :, 1:].reshape(len(part), -1, 2), _JOINT, reach=2)
        yield from frames


def write_clip(path: Path, frames: Iterator[NDArray[np.uint8]], rate_hz: float) -> None:
    """Write grey frames as a small mp4, one picture per frame.

    H.264 where this PyAV has an encoder for it, MPEG-4 part 2 elsewhere; a key frame
    every 32 frames, so that any moment is found quickly.

    Parameters
    ----------
    path
        File to make.
    frames
        uint8, shape (192, 192), as :func:`draw_clip` yields them.
    rate_hz
        Frames per second.
    """
    import av

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    rate = Fraction(rate_hz).limit_denominator(1000)
    colourless = np.full((HEIGHT // 2, WIDTH), 128, dtype=np.uint8)
    with av.open(str(path), mode="w", format="mp4") as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.thread_count = 1
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "crf": "26", "g": _KEYFRAME}
        for number, grey in enumerate(frames):
            planes = np.concatenate([grey, colourless])
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _resting_points() -> NDArray[np.float64]:
    """Return where each point is at rest, shape (30, 2): six splayed legs."""
    centre = np.array([WIDTH / 2, HEIGHT / 2])
    places = []
    for leg in LEGS:
        side = 1.0 if leg.startswith("R") else -1.0
        forward = {"F": 1.0, "M": 0.0, "H": -1.0}[leg[1]]
        for reach in range(len(JOINTS)):
            x = forward * (16 + 11 * reach)
            y = side * (12 + 17 * reach - (4 * reach if forward else 0))
            places.append(centre + np.array([x, y]))
    return np.array(places)


def _hips() -> NDArray[np.float64]:
    """Return where the legs leave the thorax, shape (6, 1, 2)."""
    first = _resting_points().reshape(len(LEGS), len(JOINTS), 2)[:, :1]
    centre = np.array([WIDTH / 2, HEIGHT / 2])
    hips: NDArray[np.float64] = centre + 0.6 * (first - centre)
    return hips


def _body() -> NDArray[np.uint8]:
    """Draw ground, abdomen, thorax, head and wings, seen from above, head right."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] - np.array([HEIGHT / 2, WIDTH / 2])[:, None, None]
    image = _BACK - 0.0009 * (x**2 + y**2) * 1.5
    for at, long, wide, shade in (
        (-30, 34, 15, _CUTICLE),
        (4, 20, 15, _CUTICLE - 16),
        (29, 10, 14, _CUTICLE - 28),
    ):
        far = np.hypot((x - at) / long, y / wide)
        inside = np.clip((1 - far) * 8, 0, 1)
        image = image * (1 - inside) + (shade + 24 * (1 - far)) * inside
    grey: NDArray[np.uint8] = np.clip(image, 0, 255).astype(np.uint8)
    return grey


def _stamp(
    frames: NDArray[np.uint8], points: NDArray[np.float64], shade: int, reach: int
) -> None:
    """Set a small square around every point (x, y) of every frame to `shade`."""
    number = np.arange(len(frames))[:, None]
    at = np.round(points).astype(int)
    for down in range(reach + 1):
        for right in range(reach + 1):
            y = np.clip(at[..., 1] + down - reach // 2, 0, HEIGHT - 1)
            x = np.clip(at[..., 0] + right - reach // 2, 0, WIDTH - 1)
            frames[number, y, x] = shade
