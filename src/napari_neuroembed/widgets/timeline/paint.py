"""The scene on paper: rows, trace and what frames them, drawn once per change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRect, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter

from napari_neuroembed.widgets.timeline.frame import (
    PAD,
    colors,
    limits_width,
    paint_axis,
    paint_labels,
    paint_separators,
    text_font,
)
from napari_neuroembed.widgets.timeline.raster import paint_lane
from napari_neuroembed.widgets.timeline.scene import Scene
from napari_neuroembed.widgets.timeline.trace import Trace, strokes

NOTHING = "No recording. Open one to see its bouts here."
NO_ROWS = "No actions. Add one to label bouts here."


def paint_scene(scene: Scene, image: QImage, font: QFont) -> None:
    """Draw everything but what moves.

    Parameters
    ----------
    scene
        What to draw, laid out.
    image
        Written to; its ratio of pixels is minded.
    font
        The widget's own.
    """
    ratio = image.devicePixelRatio()
    width, height = round(image.width() / ratio), round(image.height() / ratio)
    tone = colors(scene)
    image.fill(tone["paper"])
    painter = QPainter(image)
    painter.setFont(text_font(font))
    painter.fillRect(QRect(0, 0, scene.gutter, height), tone["panel"])
    if scene.lanes:
        _rows(painter, scene, ratio)
        paint_separators(painter, scene, tone, width)
        paint_labels(painter, scene, tone)
    else:
        painter.setPen(tone["muted"])
        middle = QRect(scene.gutter, 0, width - scene.gutter, scene.layout.axis_top)
        text = NO_ROWS if scene.is_known else NOTHING
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, text)
    if scene.trace is not None and scene.layout.trace_height:
        _trace(painter, scene, scene.trace, tone, ratio)
    if scene.is_known:
        paint_axis(painter, scene, tone, width)
    painter.setPen(tone["line"])
    painter.drawLine(scene.gutter, 0, scene.gutter, height)
    painter.end()


def image_of(pixels: NDArray[np.uint32], ratio: float) -> QImage:
    """Return pixels as an image; the array must outlive it."""
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    return image


def _rows(painter: QPainter, scene: Scene, ratio: float) -> None:
    layout, view = scene.layout, scene.view
    wide, high = max(1, round(view.width_px * ratio)), round(layout.rows_height * ratio)
    if high < 1:
        return
    pixels = np.full((high, wide), scene.ink.paper, dtype=np.uint32)
    thick = max(1, round(layout.row * ratio))
    for lane, style, top in zip(scene.lanes, scene.styles, layout.tops, strict=True):
        first = round((top - scene.scroll) * ratio)
        if first >= high or first + thick <= 0:
            continue
        band = np.full((thick, wide), scene.ink.paper, dtype=np.uint32)
        span = (view.start_s, view.stop_s)
        paint_lane(band, lane, span, scene.ink, style, ratio)
        inside = slice(max(first, 0), min(first + thick, high))
        pixels[inside] = band[inside.start - first : inside.stop - first]
    painter.drawImage(QPointF(scene.origin, layout.rows_top), image_of(pixels, ratio))


def _trace(
    painter: QPainter, scene: Scene, trace: Trace, tone: dict[str, QColor], ratio: float
) -> None:
    layout, view = scene.layout, scene.view
    wide, high = (
        max(1, round(view.width_px * ratio)),
        round(layout.trace_height * ratio),
    )
    low, top = trace.columns(view.start_s, view.stop_s, wide)
    cover = strokes(low, top, (trace.low, trace.high), high)
    pixels = np.full(cover.shape, 0xFF000000, dtype=np.uint32)
    channels = ((16, QColor.red), (8, QColor.green), (0, QColor.blue))
    for shift, channel in channels:
        paper, line = channel(tone["paper"]), channel(tone["muted"])
        mixed = np.round(paper + (line - paper) * cover).astype(np.uint32)
        pixels |= mixed << np.uint32(shift)
    painter.drawImage(QPointF(scene.origin, layout.trace_top), image_of(pixels, ratio))
    metrics = painter.fontMetrics()
    edge = limits_width(trace, metrics)
    painter.setPen(tone["muted"])
    place = QRect(0, layout.trace_top, scene.gutter - PAD // 2, layout.trace_height)
    right = Qt.AlignmentFlag.AlignRight
    painter.drawText(place, right | Qt.AlignmentFlag.AlignTop, f"{trace.high:.3g}")
    painter.drawText(place, right | Qt.AlignmentFlag.AlignBottom, f"{trace.low:.3g}")
    painter.setPen(tone["text"])
    room = scene.gutter - PAD - edge - PAD
    text = metrics.elidedText(trace.label, Qt.TextElideMode.ElideRight, room)
    place = QRect(PAD, layout.trace_top, room, layout.trace_height)
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
