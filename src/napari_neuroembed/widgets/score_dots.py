"""Scores as dots with intervals, chance as a dashed line."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_neuroembed.widgets.score_rows import ScoreRow

LINE, HEAD = 18, 22
_NAME, _NUMBER, _GAP = 0.38, 116, 6


class ScoreDots(QWidget):
    """One line per score, grouped by question; the axis runs from 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ScoreRow] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, rows: Sequence[ScoreRow]) -> None:
        """Show other scores."""
        self.rows = list(rows)
        self.setFixedHeight(max(1, self.sizeHint().height()))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height that all lines need."""
        heads = len({row.question for row in self.rows})
        foot = 18 if self.rows else 0
        return QSize(320, LINE * len(self.rows) + HEAD * heads + foot)

    def event(self, event: QEvent) -> bool:
        """Tell the whole row under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos().y())
            if row is not None:
                QToolTip.showText(
                    event.globalPos(),
                    f"{row.question}\n{row.source}: {row.text}\nchance {row.chance:.2f}"
                    f"{chr(10) + row.verdict if row.verdict else ''}",
                )
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all lines."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().text().color()
        y, question = 0.0, ""
        for row in self.rows:
            if row.question != question:
                question = row.question
                painter.setPen(text)
                font = painter.font()
                font.setBold(True)
                painter.setFont(font)
                painter.drawText(QPointF(0, y + HEAD - 7), question)
                font.setBold(False)
                painter.setFont(font)
                y += HEAD
            self._line(painter, row, y, text)
            y += LINE
        if self.rows:
            self._axis(painter, y, text)

    def _line(self, painter: QPainter, row: ScoreRow, y: float, text: QColor) -> None:
        quiet = QColor(text)
        quiet.setAlpha(150)
        left, width = self._axis_span()
        middle = y + LINE / 2
        name = painter.fontMetrics().elidedText(
            row.source, Qt.TextElideMode.ElideRight, int(left - _GAP - 2)
        )
        is_quiet = row.mark == "baseline" or row.value is None
        painter.setPen(quiet if is_quiet else text)
        painter.drawText(QPointF(_GAP, middle + 4), name)
        number = QRectF(left + width + _GAP, y, _NUMBER, LINE)
        painter.drawText(number, Qt.AlignmentFlag.AlignVCenter, row.text)
        dashed = QPen(quiet, 1, Qt.PenStyle.DashLine)
        painter.setPen(dashed)
        chance = left + width * row.chance
        painter.drawLine(QPointF(chance, y), QPointF(chance, y + LINE))
        if row.value is None:
            return
        painter.setPen(QPen(quiet if is_quiet else text, 1.5))
        low, high = (left + width * min(max(v, 0), 1) for v in (row.low, row.high))
        painter.drawLine(QPointF(low, middle), QPointF(high, middle))
        at = QPointF(left + width * min(max(row.value, 0), 1), middle)
        if row.mark == "baseline":
            painter.drawLine(at + QPointF(0, -5), at + QPointF(0, 5))
        elif row.mark == "accuracy":
            painter.setBrush(text)
            painter.drawEllipse(at, 4, 4)
        else:
            painter.setBrush(self.palette().window())
            corners = ((0, -5.5), (5.5, 0), (0, 5.5), (-5.5, 0))
            painter.drawPolygon(QPolygonF([at + QPointF(*c) for c in corners]))
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _axis(self, painter: QPainter, y: float, text: QColor) -> None:
        quiet = QColor(text)
        quiet.setAlpha(150)
        painter.setPen(quiet)
        left, width = self._axis_span()
        painter.drawLine(QPointF(left, y), QPointF(left + width, y))
        for value in (0.0, 0.5, 1.0):
            spot = QRectF(left + width * value - 15, y + 1, 30, 14)
            painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, f"{value:g}")

    def _axis_span(self) -> tuple[float, float]:
        left = self.width() * _NAME
        return left, max(40.0, self.width() - left - _NUMBER - _GAP)

    def _row_at(self, y: int) -> ScoreRow | None:
        top, question = 0, ""
        for row in self.rows:
            if row.question != question:
                question = row.question
                top += HEAD
            if top <= y < top + LINE:
                return row
            top += LINE
        return None
