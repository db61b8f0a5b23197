"""The timeline widget: seeks, selects spans, drags edges, zooms."""

from __future__ import annotations

import html

from qtpy.QtCore import QEvent, QPoint, Qt, Signal
from qtpy.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QToolTip, QWidget

from napari_neuroembed.widgets.timeline.canvas import Canvas
from napari_neuroembed.widgets.timeline.gestures import (
    CLICK_PX,
    Gesture,
    Pan,
    Press,
    Resize,
    Scrub,
    Select,
)
from napari_neuroembed.widgets.timeline.hit import Hit, drag_of, row_of

ZOOM = 1.25
"""How much a notch of the wheel zooms."""

_NOTCH = 120
_ROOM = 0.15


class Timeline(Canvas):
    """Bouts of one recording as rows in time.

    A click seeks, and so does a drag along the axis or the trace; a drag in the rows
    selects a span; an edge of one's own bout or of a proposal can be dragged, Esc puts
    it back. The wheel zooms at the pointer; with Shift, or the middle button, the view
    is moved. A double click on a bout fills the view with it, elsewhere the recording.

    Attributes
    ----------
    seeked
        A moment was clicked, in seconds.
    edgeDragged, ghostDragged
        An edge of a bout, or of a proposal, was let go: its number, start, stop.
    spanSelected
        A span was selected: start and stop in seconds.
    selectionCleared
        A click elsewhere took the selection away.
    boutActivated, ghostActivated
        A bout, or a proposal, was double clicked: its number.
    follows
        Whether the view turns a page when the play head leaves it.
    """

    seeked = Signal(float)
    edgeDragged = Signal(int, float, float)
    ghostDragged = Signal(int, float, float)
    spanSelected = Signal(float, float)
    selectionCleared = Signal()
    boutActivated = Signal(int)
    ghostActivated = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = Qt.MouseButton.NoButton

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        at = event.position()
        x, y = at.x() - self._scene.origin, at.y()
        if self._gesture is not None:
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._gesture = Pan(x, self._scene.view)
        elif event.button() == Qt.MouseButton.LeftButton and x >= 0:
            self._gesture = self._taken(x, y)
        else:
            event.ignore()
            return
        self._button = event.button()
        self._point(x, y)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a gesture, or tell by the pointer what a press would do."""
        at = event.position()
        x, y = at.x() - self._scene.origin, at.y()
        if not event.buttons() & self._button:
            # The release went elsewhere, as to a dialog that came up.
            self.cancelGesture()
        gesture = self._gesture
        if isinstance(gesture, Press) and abs(x - gesture.x) >= CLICK_PX:
            self._gesture = Select(gesture.seconds, self._marks.selection)
        if isinstance(gesture, Pan):
            self._show(gesture.view.panned(x - gesture.x))
        self._point(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a gesture and tell what came of it."""
        if event.button() != self._button:
            return
        self._button = Qt.MouseButton.NoButton
        gesture, self._gesture = self._gesture, None
        x = event.position().x() - self._scene.origin
        dragged = self._marks.dragged
        self._marks.drag = self._marks.dragged = None
        if isinstance(gesture, Resize) and dragged is not None:
            drag = gesture.drag
            if dragged != (drag.start_s, drag.stop_s):
                told = self.ghostDragged if drag.hit.is_ghost else self.edgeDragged
                told.emit(drag.id, *dragged)
        elif isinstance(gesture, Select) and self._marks.selection is not None:
            self.spanSelected.emit(*self._marks.selection)
        elif isinstance(gesture, Press):
            if self._marks.selection is not None:
                self._marks.selection = None
                self.selectionCleared.emit()
            self.seeked.emit(self._scene.view.seconds(x))
        self._point(x, event.position().y())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fill the view with the bout under the pointer, elsewhere the recording."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        at = event.position()
        found = self._scene.hit(at.x() - self._scene.origin, at.y())
        if found is None:
            self.fit()
            return
        row = row_of(found, self._scene.lanes)
        start, stop = float(row.start_s[found.index]), float(row.stop_s[found.index])
        room = _ROOM * (stop - start)
        self.setSpan(start - room, stop + room)
        told = self.ghostActivated if found.is_ghost else self.boutActivated
        told.emit(int(row.id[found.index]))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer; pan with Shift or sideways; scroll over the labels."""
        event.accept()
        down, sideways = event.angleDelta().y(), event.angleDelta().x()
        x = event.position().x() - self._scene.origin
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if x < 0:
            self._scene.scroll -= round(down / _NOTCH * (self._scene.layout.row + 2))
            self._redraw()
        elif is_shifted or abs(sideways) > abs(down):
            self._show(self._scene.view.panned(down or sideways))
        elif down:
            self._show(self._scene.view.zoomed(x, ZOOM ** (-down / _NOTCH)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Put back what is being dragged on Esc; leave all other keys to others."""
        if event.key() != Qt.Key.Key_Escape or not self.cancelGesture():
            event.ignore()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget what was under the pointer."""
        self._hover(None)
        super().leaveEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tell about the bout under the pointer."""
        if event.type() != QEvent.Type.ToolTip or not isinstance(event, QHelpEvent):
            return bool(super().event(event))
        lines = self.about(event.pos())
        if lines and self._gesture is None:
            # Names are a user's: they must not be taken for markup.
            text = "<br>".join(html.escape(line) for line in lines)
            QToolTip.showText(event.globalPos(), f"<qt><nobr>{text}</nobr></qt>", self)
        else:
            QToolTip.hideText()
            event.ignore()
        return True

    def about(self, position: QPoint) -> list[str]:
        """Return the lines about the bout at a place of the widget, if there is one."""
        found = self._scene.hit(position.x() - self._scene.origin, position.y())
        return [] if found is None else self._scene.about(found)

    def _taken(self, x: float, y: float) -> Gesture:
        """Return the gesture that a press at a place begins."""
        layout, view = self._scene.layout, self._scene.view
        seconds = view.seconds(x)
        if not layout.rows_top <= y < layout.axis_top:
            return Scrub()
        found = self._scene.hit(x, y)
        if found is None or not self._scene.is_grip(found):
            return Press(x, seconds)
        pointer_s = view.start_s + x / view.width_px * view.span_s
        scene = self._scene
        return Resize(drag_of(found, pointer_s, scene.lanes, scene.actions, view))

    def _point(self, x: float, y: float) -> None:
        """Bring gesture, pointer and hover up to date with where the pointer is."""
        view, gesture = self._scene.view, self._gesture
        if isinstance(gesture, Resize):
            self._marks.drag = gesture.drag
            pointer_s = view.start_s + x / view.width_px * view.span_s
            self._marks.dragged = gesture.drag.at(pointer_s)
        elif isinstance(gesture, Select):
            self._marks.selection = gesture.span(view.seconds(x))
        elif isinstance(gesture, Scrub):
            self.seeked.emit(view.seconds(x))
        elif gesture is None:
            self._hover(self._scene.hit(x, y))
        shapes = Qt.CursorShape
        edge = self._scene.is_grip(self._marks.hover)
        if isinstance(gesture, Pan):
            self.setCursor(shapes.ClosedHandCursor)
        elif isinstance(gesture, Resize) or (gesture is None and edge):
            self.setCursor(shapes.SizeHorCursor)
        else:
            self.setCursor(shapes.ArrowCursor)
        self.update()

    def _hover(self, found: Hit | None) -> None:
        if found != self._marks.hover:
            self._marks.hover = found
            self.update()
