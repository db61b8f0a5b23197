"""A table of recordings to add: typed, pasted from a spreadsheet, or filled down."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from napari_neuroembed.widgets.look import BAD, GOOD, WARN

COLUMNS = (
    "animal",
    "neural",
    "neural_rate_hz",
    "pose",
    "pose_rate_hz",
    "pose_start_s",
    "video",
    "labels",
    "rater",
    "recording",
)
"""Columns that are there at first, as the import of tables knows them."""

HELP = {
    "animal": "Whose recording it is. Never guessed.",
    "neural": "Stack, or folder of single frames.",
    "neural_rate_hz": "Frames per second of the stack; empty where the file has it.",
    "pose": "File of poses (DeepLabCut, SLEAP, DeepFly3D, csv, npz ...).",
    "pose_rate_hz": "Frames per second of the camera; empty where the file has it.",
    "pose_start_s": "When the camera started, in seconds after the stack did.",
    "video": "Film of the animal, on the clock of the poses.",
    "labels": "File of labelled actions.",
    "rater": "Who labelled, where the file does not say.",
    "recording": "Its name; empty: the animal and a number.",
}
PATHS = ("neural", "pose", "video", "labels", "trace", "scalar")
"""Columns that hold a file or folder."""

_MARKS = {"new": GOOD, "present": "#8A94A0", "missing": WARN, "doubtful": WARN}


class ImportTable(QTableWidget):
    """Rows of recordings; any column that is not known holds a covariate.

    Attributes
    ----------
    edited
        Emitted after every change; what was found before is then forgotten.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__(3, 0)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setMinimumHeight(140)
        self.verticalHeader().setDefaultSectionSize(24)
        for name in COLUMNS:
            self.add_column(name)
        self.itemChanged.connect(lambda _: self.edited.emit())

    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""
        headers = map(self.horizontalHeaderItem, range(self.columnCount()))
        return tuple("" if header is None else header.text() for header in headers)

    def add_column(self, name: str) -> None:
        """Add a column at the end; one that is there stays as it is."""
        if name in self.names() or not name.strip():
            return
        column = self.columnCount()
        self.insertColumn(column)
        header = QTableWidgetItem(name)
        header.setToolTip(HELP.get(name, "A covariate: any fact about the recording."))
        self.setHorizontalHeaderItem(column, header)

    def rows(self) -> list[dict[str, str]]:
        """Return the rows that say anything, cells by column."""
        names = self.names()
        found = []
        for row in range(self.rowCount()):
            cells = {name: self._cell(row, i) for i, name in enumerate(names)}
            if any(cells.values()):
                found.append(cells)
        return found

    def set_rows(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Show other rows, with columns for all that they say."""
        self.blockSignals(True)
        for name in dict.fromkeys(name for row in rows for name in row):
            self.add_column(name)
        self.setRowCount(max(3, len(rows)))
        names = self.names()
        for number in range(self.rowCount()):
            for column, name in enumerate(names):
                text = rows[number].get(name, "") if number < len(rows) else ""
                self._set(number, column, text)
        self.blockSignals(False)
        self.edited.emit()

    def paste(self, text: str) -> None:
        """Put cells of a spreadsheet at the cursor, rows and columns as they come.

        A first line of column names says which column is which, and nothing else moves.
        """
        cells = list(csv.reader(io.StringIO(text.strip("\n")), delimiter=_cut(text)))
        if not cells:
            return
        top, left = max(self.currentRow(), 0), max(self.currentColumn(), 0)
        header = [word.strip() for word in cells[0]]
        self.blockSignals(True)
        if "animal" in header or len(set(header) & set(self.names())) >= 2:
            for name in header:
                self.add_column(name)
            columns = [self.names().index(name) for name in header if name]
            cells = cells[1:]
        else:
            columns = list(range(left, self.columnCount()))
        self.setRowCount(max(self.rowCount(), top + len(cells)))
        for down, row in enumerate(cells):
            for column, word in zip(columns, row, strict=False):
                self._set(top + down, column, word.strip())
        self.blockSignals(False)
        self.edited.emit()

    def fill_down(self) -> None:
        """Copy the top cell of every selected column into the cells below it."""
        for area in self.selectedRanges():
            last = area.bottomRow()
            if area.rowCount() == 1:
                last = self.rowCount() - 1
            for column in range(area.leftColumn(), area.rightColumn() + 1):
                text = self._cell(area.topRow(), column)
                for row in range(area.topRow() + 1, last + 1):
                    self._set(row, column, text)

    def clear_selected(self) -> None:
        """Empty the selected cells."""
        for index in self.selectedIndexes():
            self._set(index.row(), index.column(), "")

    def mark(self, row: int, status: str, why: str) -> None:
        """Colour the row's header by what a look at its files found."""
        header = QTableWidgetItem(f"{row + 1}")
        header.setForeground(QColor(_MARKS.get(status, BAD)))
        header.setToolTip(f"{status}: {why}" if why else status)
        self.setVerticalHeaderItem(row, header)

    def as_csv(self, base: Path) -> str:
        """Return the table as the import reads it; relative paths start at `base`."""
        names = self.names()
        out = io.StringIO()
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        for row in self.rows():
            for name in names:
                is_path = name.partition("_")[0] in PATHS and "_" not in name
                if is_path and row[name] and ":" not in row[name][2:]:
                    row[name] = str(base / Path(row[name]).expanduser())
            writer.writerow(row)
        return out.getvalue()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste, fill down and delete by the usual keys."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste(QGuiApplication.clipboard().text())
        elif event.key() == Qt.Key.Key_D and event.modifiers() == _CONTROL:
            self.fill_down()
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear_selected()
        else:
            super().keyPressEvent(event)

    def _cell(self, row: int, column: int) -> str:
        item = self.item(row, column)
        return "" if item is None else item.text().strip()

    def _set(self, row: int, column: int, text: str) -> None:
        item = self.item(row, column)
        if item is None:
            self.setItem(row, column, QTableWidgetItem(text))
        else:
            item.setText(text)


_CONTROL = Qt.KeyboardModifier.ControlModifier


def _cut(text: str) -> str:
    """Return what stands between the cells of pasted text."""
    first = text.strip("\n").partition("\n")[0]
    return next((cut for cut in ("\t", ";", ",") if cut in first), "\t")
