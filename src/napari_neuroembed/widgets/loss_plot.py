"""The course of a training, drawn while it runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_neuroembed.data.palette import THEMES
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.store.history import read_history

MOST_POINTS = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 46, 16, 20


class LossPlot(QWidget):
    """Loss (left axis) and windows per second (right axis) against steps."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(130)
        self._file: tuple[Path, int] | None = None
        self.steps = self.loss = self.pace = np.empty(0)

    def clear(self) -> None:
        """Show nothing."""
        self._file = None
        self._set(np.empty(0), np.empty(0), np.empty(0))

    def read(self, path: Path) -> None:
        """Show a history.csv; read again only when it has grown."""
        size = path.stat().st_size if path.exists() else 0
        if self._file == (path, size):
            return
        try:
            table = read_history(path)
        except RunFolderError:
            return  # being written anew; the next look will find it whole
        self._file = (path, size)
        if "loss" in table:
            pace = table.get("windows_per_s", table["loss"] * np.nan)
            self._set(*(np.asarray(c, float) for c in (table.step, table.loss, pace)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both curves with their axes."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().text().color()
        box = QRectF(self.rect()).adjusted(_LEFT, _TOP, -_RIGHT, -_BOTTOM)
        quiet = QColor(text)
        quiet.setAlpha(120)
        painter.setPen(quiet)
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        if not self.steps.size:
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "Loss appears here"
            )
            return
        accent = QColor(THEMES["dark" if text.lightness() > 128 else "light"]["accent"])
        self._curve(painter, box, self.pace, QPen(quiet, 1.0), is_left=False)
        self._curve(painter, box, self.loss, QPen(accent, 2.0), is_left=True)
        painter.setPen(quiet)
        last = f"step {int(self.steps[-1]):,}"
        right, bottom = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignBottom
        painter.drawText(self.rect().adjusted(0, 0, -_RIGHT, -2), right | bottom, last)

    def _curve(
        self,
        painter: QPainter,
        box: QRectF,
        values: NDArray[np.float64],
        pen: QPen,
        *,
        is_left: bool,
    ) -> None:
        seen = np.isfinite(values)
        if not seen.any():
            return
        low = float(values[seen].min()) if is_left else 0.0
        high = float(values[seen].max())
        span = max(high - low, 1e-12)
        x = box.left() + box.width() * self.steps[seen] / max(self.steps[-1], 1)
        y = box.bottom() - box.height() * (values[seen] - low) / span
        every = max(1, x.size // MOST_POINTS)
        points = [QPointF(a, b) for a, b in zip(x[::every], y[::every], strict=True)]
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))
        title = "loss" if is_left else "windows/s"
        side = Qt.AlignmentFlag.AlignLeft if is_left else Qt.AlignmentFlag.AlignRight
        painter.drawText(self.rect().adjusted(2, 0, -2, 0), side, title)
        for value, at in ((high, box.top()), (low, box.bottom() - 12)):
            label = f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
            width = (_LEFT if is_left else _RIGHT) - 6
            left = 2.0 if is_left else self.width() - _RIGHT + 4.0
            painter.drawText(QRectF(left, at, width, 14), side, label)

    def _set(self, steps: object, loss: object, pace: object) -> None:
        self.steps, self.loss, self.pace = (np.asarray(v) for v in (steps, loss, pace))
        self.update()
