"""How all widgets look: three groups, one primary button, one line of status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QGroupBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

NARROW, WIDE = 320, 420
"""Widths in pixels between which a dock is comfortable."""

GOOD, BAD, WARN = "#3FA66B", "#E5484D", "#D99A2B"
"""Marks of state that read on napari's dark and light themes."""

SPACE = 8


class Dock(QWidget):
    """A dock widget's page: groups from top to bottom, scrolled when it is low.

    Parameters
    ----------
    about
        One sentence that says what the widget is for.
    """

    def __init__(self, about: str) -> None:
        super().__init__()
        self.setMinimumWidth(NARROW)
        inner = QWidget()
        self.page = QVBoxLayout(inner)
        self.page.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        self.page.setSpacing(SPACE)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.page.addWidget(muted(about))

    def group(self, title: str) -> QFormLayout:
        """Add a group and return the form in it."""
        box = QGroupBox(title)
        form = QFormLayout(box)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setSpacing(SPACE)
        self.page.addWidget(box)
        return form

    def fill(self) -> None:
        """End the page: what follows is empty."""
        self.page.addStretch(1)


class Note(QLabel):
    """A line that says how things stand, or what is wrong and what to do."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setVisible(bool(text))
        # Long file names may break anywhere rather than widen the dock.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)

    def say(self, text: str, *, color: str = "") -> None:
        """Show a sentence; an empty one hides the line."""
        self.setStyleSheet(f"color: {color};" if color else "")
        self.setText(text)
        self.setVisible(bool(text))

    def complain(self, text: object) -> None:
        """Show what is wrong."""
        self.say(str(text), color=BAD)

    def warn(self, text: object) -> None:
        """Show what deserves a look."""
        self.say(str(text), color=WARN)


def muted(text: str) -> QLabel:
    """Return a quiet explanation that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setStyleSheet("color: #8A94A0;")
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def button(
    text: str, clicked: Callable[[], Any], about: str = "", *, primary: bool = False
) -> QPushButton:
    """Return a button; `about` is its tooltip, one `primary` button per widget."""
    made = QPushButton(text)
    made.setToolTip(about)
    made.clicked.connect(lambda _=False: clicked())
    if primary:
        made.setStyleSheet(
            "QPushButton { background: #2F6FDE; color: white; font-weight: 600; "
            "padding: 6px 12px; border-radius: 4px; }"
            "QPushButton:hover { background: #3D7BE8; }"
            "QPushButton:disabled { background: #59626D; color: #B6BEC7; }"
        )
    return made
