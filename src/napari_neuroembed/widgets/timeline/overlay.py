"""What moves over the scene: play head, selection, bouts being drawn or dragged."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from napari_neuroembed.widgets.timeline.frame import colors, text_font
from napari_neuroembed.widgets.timeline.hit import row_of
from napari_neuroembed.widgets.timeline.scene import Marks, Scene, Span
from napari_neuroembed.widgets.timeline.words import length

_SELECTED, _OPEN = 46, 150
"""Opacity of the selection and of bouts being drawn, 0 to 255."""

_PILL = 16


def paint_marks(painter: QPainter, scene: Scene, marks: Marks, font: QFont) -> None:
    """Draw all that is laid over the scene.

    Parameters
    ----------
    painter
        Of the widget, on which the scene is drawn already.
    scene, marks
        What there is.
    font
        The widget's own.
    """
    tone = colors(scene)
    painter.setFont(text_font(font))
    painter.save()
    layout = scene.layout
    rows = QRectF(
        scene.origin, layout.rows_top, scene.view.width_px, layout.rows_height
    )
    painter.setClipRect(rows)
    if marks.hover is not None and marks.drag is None:
        _hover(painter, scene, marks, tone)
    for code, start_s in marks.open:
        _open(painter, scene, (code, start_s), marks.time_s, tone)
    if marks.drag is not None and marks.dragged is not None:
        _dragged(painter, scene, marks, tone)
    painter.restore()
    if marks.selection is not None:
        _selection(painter, scene, marks.selection, tone)
    _play_head(painter, scene, marks.time_s, tone)
    if marks.drag is not None and marks.dragged is not None:
        start, stop = marks.dragged
        text = f"{scene.clock(start)} to {scene.clock(stop)}"
        text += f", {length(stop - start, scene.decimals)}"
        at = start if marks.drag.hit.side == "start" else stop
        _pill(painter, scene, scene.view.x(at), text, (tone["text"], tone["paper"]))
    elif marks.selection is not None:
        start, stop = marks.selection
        text = length(stop - start, scene.decimals)
        middle = scene.view.x((start + stop) / 2)
        _pill(painter, scene, middle, text, (tone["text"], tone["paper"]))


def _band(scene: Scene, lane: int, span: Span) -> QRectF:
    """Return the place of a span in a lane."""
    layout, view = scene.layout, scene.view
    left, right = view.x(span[0]), view.x(span[1])
    left, right = max(left, -4.0), min(right, view.width_px + 4)
    top = layout.rows_top + layout.tops[lane] - scene.scroll
    return QRectF(
        round(scene.origin + left),
        top,
        max(1, round(right) - round(left)),
        layout.row,
    )


def _hover(
    painter: QPainter, scene: Scene, marks: Marks, tone: dict[str, QColor]
) -> None:
    hit = marks.hover
    if hit is None:
        return
    row = row_of(hit, scene.lanes)
    span = float(row.start_s[hit.index]), float(row.stop_s[hit.index])
    if span[0] == span[1]:
        return
    place = _band(scene, hit.lane, span)
    painter.setPen(QPen(tone["text"], 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))


def _open(
    painter: QPainter,
    scene: Scene,
    bout: tuple[int, float],
    now_s: float,
    tone: dict[str, QColor],
) -> None:
    """Draw a bout from its start to now, with its length; backwards one frame more."""
    code, start_s = bout
    lane = scene.lane_of(code)
    if lane < 0:
        return
    span = start_s, now_s
    if now_s < start_s:
        span = now_s, start_s + scene.view.frame_s
    place = _band(scene, lane, span)
    fill = QColor.fromRgb(int(scene.ink.fill[code]))
    fill.setAlpha(_OPEN)
    painter.fillRect(place, fill)
    line = QColor.fromRgb(int(scene.ink.line[code]))
    painter.setPen(QPen(line, 1, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
    painter.fillRect(QRectF(place.left(), place.top(), 2, place.height()), line)
    text = length(span[1] - span[0], scene.decimals)
    wide = painter.fontMetrics().horizontalAdvance(text) + 6
    left = place.right() + 3
    if left + wide > scene.origin + scene.view.width_px:
        left = place.left() - wide - 3
    behind = QRectF(left, place.top() - 1, wide, place.height() + 2)
    painter.fillRect(behind, tone["paper"])
    painter.setPen(tone["text"])
    painter.drawText(behind, Qt.AlignmentFlag.AlignCenter, text)


def _dragged(
    painter: QPainter, scene: Scene, marks: Marks, tone: dict[str, QColor]
) -> None:
    """Draw the bout as it would be, in place of what it was."""
    if marks.drag is None or marks.dragged is None:
        return
    hit = marks.drag.hit
    row = row_of(hit, scene.lanes)
    before = _band(scene, hit.lane, (marks.drag.start_s, marks.drag.stop_s))
    painter.fillRect(before, tone["paper"])
    place = _band(scene, hit.lane, marks.dragged)
    code = row.action[hit.index]
    fill = QColor.fromRgb(int(scene.ink.fill[code]))
    fill.setAlpha(255 if row.state[hit.index] and not hit.is_ghost else _OPEN // 2)
    painter.fillRect(place, fill)
    painter.setPen(QPen(tone["accent"], 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place.adjusted(1, 1, -1, -1))


def _selection(
    painter: QPainter, scene: Scene, span: Span, tone: dict[str, QColor]
) -> None:
    layout, view = scene.layout, scene.view
    left, right = view.x(span[0]), view.x(span[1])
    if right < 0 or left > view.width_px:
        return
    left, right = max(left, 0.0), min(right, view.width_px)
    origin, bottom = scene.origin, layout.axis_top
    fill = QColor(tone["accent"])
    fill.setAlpha(_SELECTED)
    painter.fillRect(QRectF(origin + left, 0, right - left, bottom), fill)
    painter.setPen(QPen(tone["accent"], 1, Qt.PenStyle.DotLine))
    for x in (left, right):
        at = round(origin + x)
        painter.drawLine(at, 0, at, bottom)


def _play_head(
    painter: QPainter, scene: Scene, time_s: float, tone: dict[str, QColor]
) -> None:
    """Draw one accent line through everything, with the time in the axis."""
    x = scene.view.x(time_s)
    if not scene.is_known or not 0 <= x <= scene.view.width_px:
        return
    at = scene.origin + min(int(x), int(scene.view.width_px) - 1)
    bottom = scene.layout.axis_top
    painter.fillRect(QRectF(at, 0, 1, bottom + 4), tone["accent"])
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tone["accent"])
    corners = ((-4.5, 0), (5.5, 0), (0.5, 5.5))
    painter.drawPolygon(QPolygonF([QPointF(at + dx, dy) for dx, dy in corners]))
    painter.restore()
    pair = tone["accent"], tone["paper"]
    _pill(painter, scene, x, scene.clock(time_s), pair)


def _pill(
    painter: QPainter, scene: Scene, x: float, text: str, pair: tuple[QColor, QColor]
) -> None:
    """Write onto the axis, as near to pixel `x` as stays inside."""
    wide = painter.fontMetrics().horizontalAdvance(text) + 10
    most = max(0.0, scene.view.width_px - wide)
    left = scene.origin + min(max(x - wide / 2, 0.0), most)
    place = QRectF(round(left), scene.layout.axis_top + 4, wide, _PILL)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(pair[0])
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(pair[1])
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
