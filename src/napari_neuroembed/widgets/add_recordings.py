"""Add recordings from files: a table, a look at the files, then the import as a job."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QInputDialog, QVBoxLayout, QWidget

from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError
from napari_neuroembed.files import utc_now, write_text
from napari_neuroembed.widgets.import_table import PATHS, ImportTable
from napari_neuroembed.widgets.job_bar import JobBar
from napari_neuroembed.widgets.look import SPACE, Note, button, muted
from napari_neuroembed.widgets.state import ProjectState
from napari_neuroembed.widgets.workers import Worker

Row = tuple[int, str, str]
"""Number of a row, its status and why."""


class AddRecordings(QWidget):
    """The table of what to add and what becomes of it.

    Parameters
    ----------
    state
        Where the recordings go.
    ask_path, ask_text
        Ask the user; replaced in tests, so that no dialog hangs them.
    """

    def __init__(
        self,
        state: ProjectState,
        *,
        ask_path: Callable[[QWidget], str] | None = None,
        ask_text: Callable[[QWidget, str], str] | None = None,
    ) -> None:
        super().__init__()
        self.state = state
        self._ask_path = ask_path or _ask_path
        self._ask_text = ask_text or _ask_text
        self._worker: Worker | None = None
        self.table = ImportTable()
        self.note = Note()
        self.bar = JobBar("import", "Import", self._command)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(SPACE)
        page.addWidget(
            muted(
                "One row per recording. Paste from a spreadsheet (Ctrl+V), fill down "
                "(Ctrl+D). Unknown columns are covariates. Rates are never guessed."
            )
        )
        page.addWidget(self.table)
        page.addLayout(self._buttons())
        page.addWidget(self.note)
        page.addWidget(self.bar)
        self.table.edited.connect(self._on_edit)
        self.bar.ended.connect(self._on_end)
        self._on_edit()

    def check(self) -> None:
        """Look at every row's files without writing anything."""
        try:
            project = self.state.need_project()
            path = self._write_table(project.path)
        except (DataError, OSError) as error:
            self.note.complain(error)
            return
        self.stop()
        self.note.say("Looking at the files")
        numbers = [n for n, row in enumerate(_all_rows(self.table)) if row]
        self._worker = Worker(_looking(project, path, numbers), self)
        self._worker.yielded.connect(lambda row: self.table.mark(*row))
        self._worker.returned.connect(self._on_checked)
        self._worker.failed.connect(self.note.complain)
        self._worker.start()

    def stop(self) -> None:
        """End a look that is going on."""
        if self._worker is not None:
            self._worker.cancel()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        for text, clicked, about in (
            ("File…", self._choose_file, "Choose the file or folder of this cell."),
            ("Row", self._add_row, "Add an empty row."),
            ("Column…", self._add_column, "Add a covariate or another stream."),
            ("Fill down", self.table.fill_down, "Copy the top cell to those below."),
            ("Check", self.check, "Look at all files; nothing is written."),
        ):
            row.addWidget(button(text, clicked, about))
        return row

    def _choose_file(self) -> None:
        column = max(self.table.currentColumn(), 0)
        if self.table.names()[column].partition("_")[0] not in PATHS:
            self.note.warn("Choose a cell of a column that holds files first.")
            return
        path = self._ask_path(self)
        if path:
            self.table._set(max(self.table.currentRow(), 0), column, path)

    def _add_row(self) -> None:
        self.table.insertRow(self.table.rowCount())

    def _add_column(self) -> None:
        self.table.add_column(self._ask_text(self, "Name of the column").strip())

    def _write_table(self, folder: Path) -> Path:
        if not self.table.rows():
            raise DataError("The table is empty. Fill in one row per recording.")
        name = f"import-{utc_now().replace(':', '')}.csv"
        path = folder / ".neuroembed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, self.table.as_csv(folder))
        return path

    def _command(self) -> tuple[Path, Sequence[str]]:
        project = self.state.need_project()
        table = self._write_table(project.path)
        return project.path, ["import", str(project.path), "--table", str(table)]

    def _on_edit(self) -> None:
        n = len(self.table.rows())
        self.note.say("")
        self.bar.set_ready(n > 0, "" if n else "Fill in at least one row.")

    def _on_checked(self, rows: list[Row]) -> None:
        bad = [row for row in rows if row[1] not in ("new", "present")]
        for row in rows:
            self.table.mark(*row)
        if bad:
            lines = [f"Row {row + 1}: {why or status}" for row, status, why in bad]
            self.note.complain("\n".join(lines))
        else:
            new = sum(status == "new" for _, status, _ in rows)
            self.note.say(f"{counted(new, 'recording')} can be imported.")

    def _on_end(self, job: Any, status: str) -> None:
        del job
        if status == "finished":
            self.table.set_rows([])
        self.state.reload()


def _all_rows(table: ImportTable) -> list[bool]:
    columns = range(table.columnCount())
    return [
        any(table._cell(row, column) for column in columns)
        for row in range(table.rowCount())
    ]


def _looking(project: Project, table: Path, numbers: list[int]) -> Any:
    """Return work that plans the import and tries it without writing."""

    def work() -> Generator[Row, None, list[Row]]:
        from napari_neuroembed.data.importing.plan import run_plans
        from napari_neuroembed.data.importing.table import plan_table

        found: list[Row] = []
        for number, plan in zip(numbers, plan_table(project, table), strict=True):
            status, why = str(plan.status), plan.why
            if status == "new":
                result = run_plans(project, [plan], dry_run=True)[0]
                if result.error:
                    status, why = "wrong", result.error
            found.append((number, status, why))
            yield found[-1]
        return found

    return work


def _ask_path(parent: QWidget) -> str:
    return str(QFileDialog.getOpenFileName(parent, "File of this cell")[0])


def _ask_text(parent: QWidget, question: str) -> str:
    text, is_given = QInputDialog.getText(parent, "NeuroEmbed", question)
    return str(text) if is_given else ""
