"""Dock “Jobs”: what runs and ran in a project, its log, cancel, resume, its folder."""

from __future__ import annotations

import threading
from typing import Any

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QCloseEvent, QColor, QDesktopServices, QFontDatabase
from qtpy.QtWidgets import QHBoxLayout, QPlainTextEdit, QTreeWidget, QTreeWidgetItem

from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.jobs import Job, list_jobs
from napari_neuroembed.widgets.job_bar import AT_WORK
from napari_neuroembed.widgets.look import BAD, GOOD, WARN, Dock, Note, button
from napari_neuroembed.widgets.state import state_of

POLL_MS = 1000
LOG_LINES = 60
_COLORS = {"finished": GOOD, "stopped": WARN, "running": "#6EA8FE"}


class Jobs(Dock):
    """All jobs of the open project, whoever started them.

    Parameters
    ----------
    napari_viewer
        Whose project.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__("Whatever takes long runs as a job and outlives this window.")
        self.state = state_of(napari_viewer)
        self._jobs: list[Job] = []
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.state.project_changed.connect(self._on_project)
        self.look()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop looking; jobs go on."""
        self._timer.stop()
        self.state.project_changed.disconnect(self._on_project)
        super().closeEvent(event)

    def look(self) -> None:
        """Read the state of all jobs and show it."""
        project = self.state.project
        self._jobs = [] if project is None else list_jobs(project.path)[::-1]
        while self.list.topLevelItemCount() > len(self._jobs):
            self.list.takeTopLevelItem(self.list.topLevelItemCount() - 1)
        for number, job in enumerate(self._jobs):
            item = self.list.topLevelItem(number)
            if item is None:
                item = QTreeWidgetItem()
                self.list.addTopLevelItem(item)
            cells, status = _cells(job)
            for column, text in enumerate(cells):
                item.setText(column, text)
            item.setForeground(1, QColor(_COLORS.get(status, BAD)))
        for column in range(2):
            self.list.resizeColumnToContents(column)
        self._show()

    def job(self) -> Job | None:
        """Return the job that is chosen."""
        item = self.list.currentItem()
        number = -1 if item is None else self.list.indexOfTopLevelItem(item)
        return self._jobs[number] if 0 <= number < len(self._jobs) else None

    def _build(self) -> None:
        what = self.group("Jobs")
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["Job", "Status", "Progress"])
        self.list.setRootIsDecorated(False)
        self.list.setMinimumHeight(180)
        self.list.currentItemChanged.connect(lambda *_: self._show())
        what.addRow(self.list)
        do = self.group("The chosen job")
        self.cancel = button("Cancel", self._on_cancel, "Stop after its present batch.")
        self.resume = button("Resume", self._on_resume, "Go on where it stopped.")
        self.folder = button("Open folder", self._on_folder, "With its log and record.")
        row = QHBoxLayout()
        for one in (self.cancel, self.resume, self.folder):
            row.addWidget(one)
        self.note = Note()
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMinimumHeight(160)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self.log.setFont(fixed)
        self.log.setPlaceholderText("Choose a job to see the end of its log.")
        do.addRow(row)
        do.addRow(self.note)
        do.addRow(self.log)
        self.fill()

    def _show(self) -> None:
        job = self.job()
        status, lines = "", []
        if job is not None:
            try:
                status, lines = job.status(), job.log(LOG_LINES)
            except DataError as error:
                self.note.complain(error)
        self.cancel.setEnabled(status in AT_WORK)
        self.resume.setEnabled(bool(status) and status not in ("finished", *AT_WORK))
        self.folder.setEnabled(job is not None)
        text = "\n".join(lines)
        if text != self.log.toPlainText():
            self.log.setPlainText(text)
            bar = self.log.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _on_project(self, project: object) -> None:
        del project
        self.note.say("")
        self.look()

    def _on_cancel(self) -> None:
        job = self.job()
        if job is not None:
            self.note.say("Cancelling…")
            threading.Thread(target=_end, args=(job,), daemon=True).start()

    def _on_resume(self) -> None:
        job = self.job()
        try:
            if job is not None:
                self.note.say(f"Started {job.resume().id}")
        except (NeuroembedError, OSError) as error:
            self.note.complain(error)
        self.look()

    def _on_folder(self) -> None:
        job = self.job()
        if job is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(job.folder)))


def _cells(job: Job) -> tuple[tuple[str, str, str], str]:
    """Return the texts of a job's line, and its status."""
    try:
        facts, status = job.facts(), job.status()
    except DataError as error:
        return (job.id, "unreadable", str(error)), "unreadable"
    now = job.progress()
    how_far = "" if now is None else f"{now.stage} {now.done:,} of {now.total:,}"
    if status not in AT_WORK and facts.message:
        how_far = facts.message
    when = facts.created_utc[:16].replace("T", " ")
    return (f"{facts.verb}, {when}", status, how_far), status


def _end(job: Job) -> None:
    try:
        job.end()
    except DataError:
        return  # on another computer: its own files go on telling how it is
