"""A film of behaviour beside activity: camera, dF/F, time, action, colour bar."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from plotly.colors import sample_colorscale, unlabel_rgb

from napari_neuroembed.data.bouts import Bouts
from napari_neuroembed.data.recording import Stream
from napari_neuroembed.errors import DataError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from av.video.stream import VideoStream

HEIGHT, HEAD, BAR, GAP = 360, 36, 76, 8
RATE_HZ = 25.0
PAPER, INK = (20, 23, 26), (235, 238, 241)
RGB = NDArray[np.uint8]


def write_side_by_side(
    path: Path,
    neural: Stream,
    camera: Stream | None,
    bouts: Bouts,
    span: tuple[float, float],
    report: Report = silent,
) -> None:
    """Write an mp4 at real speed, each stream on its own clock.

    Parameters
    ----------
    path
        File to make.
    neural
        Prepared images, dF/F in per cent, shape (time, y, x).
    camera
        Frames, shape (time, y, x) or (time, y, x, 3), or None.
    bouts
        The action at a time is written above.
    span
        First and last second.
    report
        Told about every second of film.

    Raises
    ------
    DataError
        When the span is empty or holds no frame of both.
    """
    start, stop = span
    if not stop > start:
        raise DataError(f"The film would last from {start:g} s to {stop:g} s.")
    times = np.arange(start, stop, 1 / RATE_HZ) + 0.5 / RATE_HZ
    inside = (times >= neural.time.start_s) & (times < neural.time.stop_s)
    if not inside.any():
        raise DataError(
            f"No image lies between {start:g} and {stop:g} s; they cover "
            f"{neural.time.start_s:.1f} to {neural.time.stop_s:.1f} s."
        )
    times = times[inside]
    scale = _range_of(neural, times)
    _write(path, _frames(neural, camera, bouts, times, scale, report))


def _range_of(neural: Stream, times: NDArray[np.float64]) -> tuple[float, float]:
    rows = np.unique(neural.time.nearest(times))
    some = rows[:: max(1, len(rows) // 100)]
    values = np.stack([np.asarray(neural.data[int(r)]) for r in some])
    known = values[np.isfinite(values)]
    if not known.size:
        raise DataError("All images of this span are invalid, so none can be shown.")
    low, high = np.quantile(known, [0.02, 0.998])
    return float(low), float(max(high, low + 1e-6))


def _frames(
    neural: Stream,
    camera: Stream | None,
    bouts: Bouts,
    times: NDArray[np.float64],
    scale: tuple[float, float],
    report: Report,
) -> Iterator[RGB]:
    table = _colors()
    bar = _colour_bar(table, scale)
    rows = neural.time.nearest(times)
    views = None if camera is None else camera.time.nearest(times)
    actions = bouts.over(times, times, "centre")
    font = ImageFont.load_default(size=17)
    for i, time in enumerate(times):
        if i % round(RATE_HZ) == 0:
            report("film", i, len(times), f"{time:.0f} s")
        parts = []
        if camera is not None and views is not None:
            parts.append(_fitted(_grey(np.asarray(camera.data[int(views[i])]))))
        image = np.asarray(neural.data[int(rows[i])], dtype=np.float64)
        parts += [_fitted(_mapped(image, scale, table)), bar]
        strip = _beside(parts)
        canvas = Image.new("RGB", (strip.shape[1], HEIGHT + HEAD), PAPER)
        canvas.paste(Image.fromarray(strip), (0, HEAD))
        draw = ImageDraw.Draw(canvas)
        told = f"{time:7.2f} s   frame {int(rows[i])}   {actions[i] or 'unlabelled'}"
        draw.text((GAP, 8), told, fill=INK, font=font)
        yield np.asarray(canvas)
    report("film", len(times), len(times))


def _colors() -> RGB:
    stops = sample_colorscale("viridis", np.linspace(0, 1, 256).tolist())
    return np.array([unlabel_rgb(stop) for stop in stops]).astype(np.uint8)


def _mapped(image: NDArray[np.float64], scale: tuple[float, float], table: RGB) -> RGB:
    low, high = scale
    place = np.clip((image - low) / (high - low), 0, 1)
    shown: RGB = table[(np.nan_to_num(place) * 255).astype(np.uint8)]
    shown[~np.isfinite(image)] = PAPER
    return shown


def _grey(frame: NDArray[Any]) -> RGB:
    if frame.dtype != np.uint8:
        top = float(np.nanmax(frame)) or 1.0
        frame = np.clip(255 * np.nan_to_num(frame) / top, 0, 255).astype(np.uint8)
    return frame[..., :3] if frame.ndim == 3 else np.repeat(frame[..., None], 3, 2)


def _fitted(image: RGB) -> RGB:
    height, width = image.shape[:2]
    wanted = max(2, round(width * HEIGHT / height / 2) * 2)
    small = height < HEIGHT // 2
    how = Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(image).resize((wanted, HEIGHT), how))


def _colour_bar(table: RGB, scale: tuple[float, float]) -> RGB:
    canvas = Image.new("RGB", (BAR, HEIGHT), PAPER)
    ramp = np.repeat(table[::-1][:, None], 14, axis=1)
    high = HEIGHT - 60
    canvas.paste(Image.fromarray(ramp).resize((14, high)), (4, 30))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=13)
    draw.text((22, 24), f"{scale[1]:.0f} %", fill=INK, font=font)
    draw.text((22, high + 18), f"{scale[0]:.0f} %", fill=INK, font=font)
    draw.text((2, 4), "dF/F", fill=INK, font=font)
    return np.asarray(canvas)


def _beside(parts: list[RGB]) -> RGB:
    gap = np.full((HEIGHT, GAP, 3), PAPER, dtype=np.uint8)
    strip = np.concatenate([p for part in parts for p in (part, gap)][:-1], axis=1)
    return strip[:, : strip.shape[1] // 2 * 2]


def _write(path: Path, frames: Iterator[RGB]) -> None:
    import av

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    rate = Fraction(RATE_HZ).limit_denominator(1000)
    with av.open(str(path), mode="w", format="mp4") as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=rate))
        stream.pix_fmt = "yuv420p"
        for number, shown in enumerate(frames):
            if number == 0:
                stream.height, stream.width = shown.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), "rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
