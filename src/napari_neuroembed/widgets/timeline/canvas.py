"""The timeline as a picture: what is shown, in which view, drawn from memory."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent, QPalette, QResizeEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_neuroembed.data.palette import Theme
from napari_neuroembed.widgets.timeline.frame import gutter_width, text_font
from napari_neuroembed.widgets.timeline.gestures import Gesture, Resize, Select
from napari_neuroembed.widgets.timeline.layout import natural_height
from napari_neuroembed.widgets.timeline.overlay import paint_marks
from napari_neuroembed.widgets.timeline.paint import paint_scene
from napari_neuroembed.widgets.timeline.rows import Action, Row, lanes_of
from napari_neuroembed.widgets.timeline.scene import Marks, Scene, styles_of
from napari_neuroembed.widgets.timeline.trace import Trace
from napari_neuroembed.widgets.timeline.view import View, whole_recording


class Canvas(QWidget):
    """Shows bouts of one recording as rows in time; knows no mouse.

    Attributes
    ----------
    follows
        Whether the view turns a page when the play head leaves it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.follows = True
        self._scene = Scene()
        self._marks = Marks()
        self._rows: list[Row] = []
        self._ghosts: Row | None = None
        self._gesture: Gesture | None = None
        self._image: QImage | None = None
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Preferred)
        self.setAccessibleName("Timeline of bouts")

    @property
    def view(self) -> View:
        """The visible span and the pixels it is drawn on."""
        return self._scene.view

    @property
    def is_dragging(self) -> bool:
        """Whether the mouse is changing something right now."""
        return self._gesture is not None

    @property
    def theme(self) -> Theme:
        """Light or dark, by the widget's own background."""
        background = self.palette().color(QPalette.ColorRole.Window)
        return "dark" if background.lightnessF() < 0.5 else "light"

    def setExtent(self, start_s: float, stop_s: float, frame_s: float) -> None:
        """Show the whole of a recording.

        Parameters
        ----------
        start_s, stop_s
            First and last moment in seconds.
        frame_s
            Length of a frame: the shortest bout, and the closest zoom.

        Raises
        ------
        ValueError
            When they are no span of time.
        """
        width = self._scene.view.width_px
        self._scene.view = whole_recording(start_s, stop_s, frame_s).resized(width)
        self._scene.is_known = True
        self.cancelGesture()
        self._marks.selection = None
        self._redraw()

    def setRows(self, rows: Sequence[Row], actions: Sequence[Action]) -> None:
        """Show other bouts; the view stays.

        An edge on its way goes on if its bout is still there, else it is put back.
        """
        self._rows = list(rows)
        self._scene.actions = list(actions)
        self._marks.open = [o for o in self._marks.open if o[0] < len(actions)]
        self._lay()

    def setProposals(self, ghosts: Row | None) -> None:
        """Show proposals among the bouts, from :func:`~.tables.ghost_row`."""
        self._ghosts = ghosts
        self._lay()

    def setTrace(self, trace: Trace | None) -> None:
        """Show a signal above the rows, or none."""
        self._scene.trace = trace
        self.updateGeometry()
        self._redraw()

    def setTime(self, seconds: float) -> None:
        """Move the play head."""
        if seconds == self._marks.time_s:
            return
        self._marks.time_s = float(seconds)
        if self.follows and not self.is_dragging:
            self._show(self._scene.view.following(seconds))
        self.update()

    def setSpan(self, start_s: float, stop_s: float) -> None:
        """Bring a span into view."""
        self._show(self._scene.view.shown(start_s, stop_s))

    def fit(self) -> None:
        """Bring the whole recording into view."""
        self._show(self._scene.view.whole())

    def setSelection(self, span: tuple[float, float] | None) -> None:
        """Mark a span as selected, or none."""
        self._marks.selection = span
        self.update()

    def setOpen(self, bouts: Sequence[tuple[str, float]]) -> None:
        """Show bouts that are being drawn.

        Parameters
        ----------
        bouts
            Action and start of each; they reach to the play head. Actions that have
            no row of one's own are left out.
        """
        index = {action.name: i for i, action in enumerate(self._scene.actions)}
        self._marks.open = [(index[name], at) for name, at in bouts if name in index]
        self.update()

    def cancelGesture(self) -> bool:
        """Put back what the mouse is changing; return whether there was anything."""
        if self._gesture is None:
            return False
        if isinstance(self._gesture, Select):
            self._marks.selection = self._gesture.before
        self._gesture = None
        self._marks.drag = self._marks.dragged = None
        self.update()
        return True

    def sizeHint(self) -> QSize:
        """Return the size at which every row has its full height."""
        has_trace = self._scene.trace is not None
        return QSize(600, natural_height(self._scene.lanes, has_trace))

    def minimumSizeHint(self) -> QSize:
        """Return the smallest size that is of use."""
        return QSize(240, 50)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the scene, from memory if it is the same, and what lies over it."""
        del event
        ratio = self.devicePixelRatioF()
        if self._image is None or self._image.devicePixelRatio() != ratio:
            self._image = self._drawn(ratio)
        painter = QPainter(self)
        painter.drawImage(0, 0, self._image)
        paint_marks(painter, self._scene, self._marks, self.font())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the rows out anew."""
        super().resizeEvent(event)
        self._redraw()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme and the size of another font."""
        kinds = QEvent.Type
        if event.type() in (kinds.PaletteChange, kinds.FontChange, kinds.StyleChange):
            self._redraw()
        super().changeEvent(event)

    def _lay(self) -> None:
        """Take up new rows, and find again what the mouse holds."""
        scene, gesture = self._scene, self._gesture
        scene.lanes = lanes_of(self._rows, self._ghosts)
        scene.styles = styles_of(scene.lanes)
        self._marks.hover = None
        if isinstance(gesture, Resize):
            kept = gesture.found_again(scene.lanes)
            if kept is None:
                self.cancelGesture()
            else:
                self._gesture = kept
                self._marks.drag = kept.drag
        self.updateGeometry()
        self._redraw()

    def _show(self, view: View) -> None:
        if view != self._scene.view:
            self._scene.view = view
            self._marks.hover = None
            self._redraw()

    def _redraw(self) -> None:
        """Draw the scene anew with the next painting."""
        scene = self._scene
        scene.gutter = gutter_width(scene, text_font(self.font()))
        scene.place(self.width(), self.height())
        self._image = None
        self.update()

    def _drawn(self, ratio: float) -> QImage:
        self._scene.color(self.theme)
        size = self.size() * ratio
        image = QImage(size, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        paint_scene(self._scene, image, self.font())
        return image
