"""Hands on a timeline: events as the window system sends them."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_neuroembed.widgets.timeline.timeline import Timeline

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NONE = Qt.MouseButton.NoButton


class Mouse:
    """A mouse over a timeline.

    Parameters
    ----------
    timeline
        Shown before.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.at = QPointF()
        self.button = NONE

    def place(self, seconds: float, lane: int) -> QPointF:
        """Return where a moment of a lane is in the widget."""
        scene = self.timeline._scene
        layout = scene.layout
        y = layout.rows_top + layout.tops[lane] - scene.scroll + layout.row / 2
        return QPointF(scene.origin + scene.view.x(seconds), y)

    def axis(self, seconds: float) -> QPointF:
        """Return where a moment is on the axis."""
        scene = self.timeline._scene
        return QPointF(
            scene.origin + scene.view.x(seconds), scene.layout.axis_top + 10.0
        )

    def press(self, at: QPointF, button: Qt.MouseButton = LEFT) -> None:
        self.move(at)
        self.button = button
        self._send(QEvent.Type.MouseButtonPress, button)

    def move(self, at: QPointF) -> None:
        self.at = at
        self._send(QEvent.Type.MouseMove, NONE)

    def release(self) -> None:
        button, self.button = self.button, NONE
        self._send(QEvent.Type.MouseButtonRelease, button)

    def click(self, at: QPointF) -> None:
        self.press(at)
        self.release()

    def drag(
        self, start: QPointF, stop: QPointF, button: Qt.MouseButton = LEFT
    ) -> None:
        self.press(start, button)
        self.move((start + stop) / 2)
        self.move(stop)
        self.release()

    def double_click(self, at: QPointF) -> None:
        self.click(at)
        self.button = LEFT
        self._send(QEvent.Type.MouseButtonDblClick, LEFT)
        self.release()

    def wheel(self, at: QPointF, notches: float, *, shift: bool = False) -> None:
        modifiers = Qt.KeyboardModifier
        event = QWheelEvent(
            at,
            QPointF(self.timeline.mapToGlobal(at.toPoint())),
            QPoint(),
            QPoint(0, round(120 * notches)),
            NONE,
            modifiers.ShiftModifier if shift else modifiers.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.timeline, event)

    def _send(self, kind: QEvent.Type, button: Qt.MouseButton) -> None:
        event = QMouseEvent(
            kind,
            self.at,
            QPointF(self.timeline.mapToGlobal(self.at.toPoint())),
            button,
            self.button,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.timeline, event)
