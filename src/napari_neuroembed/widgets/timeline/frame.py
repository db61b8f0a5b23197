"""What stands around the rows: labels at the left, lines between, the axis below."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from napari_neuroembed.data.palette import THEMES
from napari_neuroembed.widgets.timeline.layout import blocks
from napari_neuroembed.widgets.timeline.rows import Kind, Lane
from napari_neuroembed.widgets.timeline.scene import Scene
from napari_neuroembed.widgets.timeline.trace import Trace
from napari_neuroembed.widgets.timeline.view import tick_steps, ticks
from napari_neuroembed.widgets.timeline.words import clock, clock_unit, decimals_of

TEXT_PX = 12
PAD, SWATCH, SAMPLE = 8, 9, 18

_NARROWEST, _WIDEST = 76, 150
_LABELLED_ROW = 11
_FAINT = 110
_TICK, _MINOR, _THUMB = 5, 3, 3

_PENS = {
    "-": Qt.PenStyle.SolidLine,
    "--": Qt.PenStyle.DashLine,
    ":": Qt.PenStyle.DotLine,
    "-.": Qt.PenStyle.DashDotLine,
}


def colors(scene: Scene) -> dict[str, QColor]:
    """Return the neutral colours of the scene's theme by name."""
    return {name: QColor(value) for name, value in THEMES[scene.ink.theme].items()}


def text_font(base: QFont) -> QFont:
    """Return the font of labels and ticks."""
    font = QFont(base)
    font.setPixelSize(TEXT_PX)
    return font


def gutter_width(scene: Scene, font: QFont) -> int:
    """Return the width that the labels need, within bounds."""
    metrics = QFontMetrics(font)
    words = [lane.row.label for lane in scene.lanes]
    mark = (
        SAMPLE + PAD if any(_is_other(lane) for lane in scene.lanes) else SWATCH + PAD
    )
    needed = [metrics.horizontalAdvance(word) + mark for word in words]
    needed.append(metrics.horizontalAdvance(clock_unit(scene.view.high_s)))
    if scene.trace is not None:
        label = metrics.horizontalAdvance(scene.trace.label)
        needed.append(label + PAD + limits_width(scene.trace, metrics))
    return min(max(_NARROWEST, max(needed) + 2 * PAD), _WIDEST)


def paint_labels(painter: QPainter, scene: Scene, tone: dict[str, QColor]) -> None:
    """Name every row; before the name its colour, or the line of its rater."""
    layout = scene.layout
    painter.save()
    painter.setClipRect(0, layout.rows_top, scene.gutter, layout.rows_height)
    metrics = painter.fontMetrics()
    for lane, style, top in zip(scene.lanes, scene.styles, layout.tops, strict=True):
        y = layout.rows_top + top - scene.scroll
        row = lane.row
        if _is_other(lane):
            mark = SAMPLE
            _sample(painter, tone["muted"], style, y + layout.row // 2, row.kind)
        else:
            mark = SWATCH
            _swatch(painter, scene, lane, y)
        if layout.row < _LABELLED_ROW:
            continue
        painter.setPen(tone["text"] if row.kind == "human" else tone["muted"])
        left = PAD + mark + PAD - 2
        room = scene.gutter - left - PAD // 2
        text = metrics.elidedText(row.label, Qt.TextElideMode.ElideRight, room)
        place = QRect(left, y - 2, room, layout.row + 4)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(place, flags, text)
    painter.restore()


def paint_separators(
    painter: QPainter, scene: Scene, tone: dict[str, QColor], width: int
) -> None:
    """Draw hairlines between rows and people, and how far the rows are scrolled."""
    layout = scene.layout
    faint = QColor(tone["line"])
    faint.setAlpha(_FAINT)
    previous = 0
    for begins, top in zip(blocks(scene.lanes), layout.tops, strict=True):
        at = layout.rows_top - scene.scroll + (previous + layout.row + top) // 2
        if top and layout.rows_top <= at < layout.rows_top + layout.rows_height:
            left = 0 if begins else scene.origin
            line = QRect(left, at, width - left, 1)
            painter.fillRect(line, tone["line"] if begins else faint)
        previous = top
    if layout.most_scroll:
        share = layout.rows_height / layout.content
        length = max(8.0, layout.rows_height * share)
        room = layout.rows_height - length
        top_y = layout.rows_top + room * scene.scroll / layout.most_scroll
        painter.fillRect(QRectF(scene.gutter - 3, top_y, 2, length), tone["muted"])


def paint_axis(
    painter: QPainter, scene: Scene, tone: dict[str, QColor], width: int
) -> None:
    """Draw ticks, their times, and where in the recording the view is."""
    view, top = scene.view, scene.layout.axis_top
    left = scene.origin
    painter.fillRect(QRect(0, top, width, 1), tone["line"])
    step, minor = tick_steps(view)
    painter.setPen(tone["muted"])
    for seconds in ticks(view, minor):
        x = left + round(view.x(seconds))
        painter.drawLine(x, top, x, top + _MINOR)
    decimals = decimals_of(step)
    metrics = painter.fontMetrics()
    for seconds in ticks(view, step):
        x = left + round(view.x(seconds))
        painter.drawLine(x, top, x, top + _TICK)
        text = clock(seconds, view.high_s, decimals)
        wide = metrics.horizontalAdvance(text) + 2
        start = min(max(x - wide // 2, left), width - wide)
        place = QRect(start, top + _TICK, wide, 14)
        painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, text)
    painter.drawText(
        QRect(PAD, top + _TICK, scene.gutter - PAD, 14),
        Qt.AlignmentFlag.AlignLeft,
        clock_unit(view.high_s),
    )
    if not view.is_whole:
        _overview(painter, scene, tone, top)


def _sample(
    painter: QPainter, color: QColor, style: str, middle: int, kind: Kind
) -> None:
    """Draw the line around a rater's bouts, or the flat band of a model."""
    pen = QPen(color, 1 if kind == "model" else 2, _PENS[style])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    if kind == "model":
        painter.drawRect(QRectF(PAD + 0.5, middle - 2.5, SAMPLE - 1, 5))
    else:
        painter.drawLine(PAD, middle, PAD + SAMPLE, middle)


def _swatch(painter: QPainter, scene: Scene, lane: Lane, y: int) -> None:
    """Draw the colour, and the hatch, of a row of one action."""
    if len(lane.row.actions) != 1:
        return
    code = lane.row.actions[0]
    side = min(SWATCH, scene.layout.row)
    place = QRectF(
        PAD + 0.5, y + (scene.layout.row - side) / 2 + 0.5, side - 1, side - 1
    )
    painter.setPen(QColor.fromRgb(scene.ink.outline))
    painter.setBrush(QColor.fromRgb(int(scene.ink.fill[code])))
    painter.drawRect(place)
    if scene.ink.repeat[code]:
        painter.setPen(QColor.fromRgb(int(scene.ink.hatch[code])))
        painter.drawLine(place.bottomLeft() + QPointF(1, -1), place.topRight())
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _overview(
    painter: QPainter, scene: Scene, tone: dict[str, QColor], top: int
) -> None:
    """Draw which part of the recording is in view."""
    view = scene.view
    scale = view.width_px / view.whole_s
    left = scene.origin + (view.start_s - view.low_s) * scale
    bar = QRectF(scene.origin, top + 23, view.width_px, 2)
    painter.fillRect(bar, tone["line"])
    thumb = QRectF(left, top + 22, max(6.0, view.span_s * scale), _THUMB)
    painter.fillRect(thumb, tone["muted"])


def _is_other(lane: Lane) -> bool:
    return lane.row.kind in ("rater", "model")


def limits_width(trace: Trace, metrics: QFontMetrics) -> int:
    """Return the width of the numbers beside a trace."""
    texts = (f"{trace.low:.3g}", f"{trace.high:.3g}")
    return max(metrics.horizontalAdvance(text) for text in texts)
