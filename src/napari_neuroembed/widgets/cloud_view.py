"""The point cloud of a run: a click goes to that moment, the moment is marked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_neuroembed.data.palette import UNLABELLED, action_mark, animal_mark
from napari_neuroembed.widgets.point_cloud import PointCloud

SIZE = 300
_EDGE = 12
UNKNOWN = ("", "unlabelled")


class CloudView(QWidget):
    """Points coloured by action or animal.

    Attributes
    ----------
    chosen
        Emitted with the number of the window that was clicked.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(SIZE)
        self.setToolTip("Click a point to go to its moment.")
        self.cloud: PointCloud | None = None
        self._colors = np.empty((0, 3), np.uint8)
        self._mark: int | None = None
        self._legend: list[tuple[str, str]] = []
        self._image: QImage | None = None

    def set_cloud(self, cloud: PointCloud | None, column: str = "action") -> None:
        """Show another cloud, or colour it by another column (action or animal)."""
        self.cloud, self._mark = cloud, None
        if cloud is None:
            self._legend = []
        else:
            self._colors, self._legend = colors_of(cloud, column)
        self._image = None
        self.update()

    def mark(self, window: int | None) -> None:
        """Mark the window of the present moment."""
        if window != self._mark:
            self._mark = window
            self.update()

    def place(self, window: int) -> QPointF:
        """Return where a window's point is drawn."""
        assert self.cloud is not None
        x, y = self.cloud.places[window]
        box = self._box()
        half = min(box.width(), box.height()) / 2
        return box.center() + QPointF(float(x) * half, -float(y) * half)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the point nearest to a click."""
        if self.cloud is None or event.button() != Qt.MouseButton.LeftButton:
            return
        box = self._box()
        half = min(box.width(), box.height()) / 2
        off = event.position() - box.center()
        self.chosen.emit(self.cloud.nearest(off.x() / half, -off.y() / half))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the points from their picture, the mark, and the legend."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        text = self.palette().text().color()
        if self.cloud is None:
            painter.setPen(text)
            painter.drawText(
                self.rect(), Qt.AlignmentFlag.AlignCenter, "Choose a run to see it here"
            )
            return
        if self._image is None or self._image.size() != self.size():
            self._image = self._draw_points()
        painter.drawImage(0, 0, self._image)
        if self._mark is not None:
            at = self.place(self._mark)
            painter.setPen(QPen(text, 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, 7, 7)
        y = 14.0
        for name, color in self._legend:
            painter.setPen(QPen(text, 0.8))
            painter.setBrush(QColor(color))
            painter.drawEllipse(QPointF(8, y - 4), 4, 4)
            painter.setPen(text)
            painter.drawText(QPointF(17, y), name)
            y += 16
        share = f"{self.cloud.explained:.0%} of the variance"
        note = f"PCA, {share}, n = {len(self._colors):,}"
        quiet = QColor(text)
        quiet.setAlpha(150)
        painter.setPen(quiet)
        corner = Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight
        painter.drawText(self.rect().adjusted(0, 0, -4, -2), corner, note)

    def _draw_points(self) -> QImage:
        image = QImage(self.size(), QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        assert self.cloud is not None
        n = len(self._colors)
        radius = 2.5 if n < 3000 else 1.6 if n < 30_000 else 1.0
        outline = QColor(self.palette().text().color())
        outline.setAlpha(110)
        for color in np.unique(self._colors, axis=0):
            mine = np.flatnonzero((self._colors == color).all(axis=1))
            painter.setBrush(QColor(*(int(c) for c in color)))
            pen = QPen(outline, 0.6) if n < 3000 else QPen(Qt.PenStyle.NoPen)
            painter.setPen(pen)
            for window in mine:
                painter.drawEllipse(self.place(int(window)), radius, radius)
        painter.end()
        return image

    def _box(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)


def colors_of(
    cloud: PointCloud, column: str
) -> tuple[NDArray[np.uint8], list[tuple[str, str]]]:
    """Return a colour per window, shape (n, 3), and the legend: names and colours."""
    colors = np.zeros((len(cloud.places), 3), np.uint8)
    legend = []
    number = 0
    for name, windows in cloud.groups(column).items():
        if name in UNKNOWN:
            color, shown = UNLABELLED, "unlabelled"
        else:
            mark = (animal_mark if column == "animal" else action_mark)(number)
            color, shown = mark.color, name
            number += 1
        colors[windows] = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        legend.append((shown, color))
    return colors, sorted(legend, key=lambda pair: pair[0] == "unlabelled")
