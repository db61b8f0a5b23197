"""Run a job from a widget: one button, how far it is, how long still, cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.jobs import Job, Progress, list_jobs, start
from napari_neuroembed.progress import time_left
from napari_neuroembed.widgets.look import GOOD, Note, button

POLL_MS = 300
"""How often the job's files are looked at."""

AT_WORK = ("created", "running")
_ENDS = {
    "finished": "Done",
    "stopped": "Stopped; it can be resumed",
    "failed": "Failed",
}


class Pace:
    """How long a job will still take, from the rows of its present stage."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage = ""
        self._first = (0, 0.0)

    def sentence(self, now: Progress) -> str:
        """Return one line: what is done, how far, how long still."""
        if now.stage != self._stage:
            self._stage, self._first = now.stage, (now.done, self._clock())
        done0, at = self._first
        left = time_left(self._clock() - at, now.done - done0, now.total - done0)
        how_far = f"{now.stage} {now.done:,} of {now.total:,}"
        parts = [how_far, now.message, f"{left} left" if left else ""]
        return ", ".join(part for part in parts if part)


class JobBar(QWidget):
    """One primary button that starts a verb as a job and shows it until it ends.

    Parameters
    ----------
    verb
        The verb it shows jobs of.
    label
        Of the button, e.g. "Train".
    command
        Returns the project folder and the arguments after ``neuroembed``; may raise
        `NeuroembedError`, which is shown beneath.

    Attributes
    ----------
    started, progressed, ended
        Emitted with the job; with its progress; with the job and its status.
    """

    started = Signal(object)
    progressed = Signal(object)
    ended = Signal(object, str)

    def __init__(
        self, verb: str, label: str, command: Callable[[], tuple[Path, Sequence[str]]]
    ) -> None:
        super().__init__()
        self.verb, self._label, self._command = verb, label, command
        self.job: Job | None = None
        self._pace = Pace()
        self._may_run, self._why = True, ""
        self._is_cancelling = False
        self.button = button(label, self._on_click, primary=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.note = Note()
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.bar, self.note):
            page.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look)
        self._draw()

    def set_ready(self, ready: bool, why: str = "") -> None:
        """Let the job be started, or say why it cannot be."""
        self._may_run = ready
        self.button.setToolTip(why)
        # How the last job ended stays until there is something else to say.
        if self.job is None and (why or self.note.text() == self._why):
            self.note.say(why)
        self._why = why
        self._draw()

    def run(self) -> None:
        """Start the job, as a click on the button does."""
        try:
            folder, words = self._command()
            self.watch(start(folder, list(words)))
        except (NeuroembedError, OSError) as error:
            self.note.complain(error)

    def watch(self, job: Job) -> None:
        """Show a job that is running, whoever started it."""
        self.job, self._pace, self._is_cancelling = job, Pace(), False
        self.note.say("Starting")
        self.bar.setRange(0, 0)
        self._timer.start()
        self._draw()
        self.started.emit(job)

    def take_up(self, project: Path | None) -> None:
        """Take up the running job of this verb in a project, or drop the one shown."""
        if self.job is not None and (
            project is None or project not in self.job.folder.parents
        ):
            self._timer.stop()
            self.job = None
            self.note.say("")
            self._draw()
        if project is None or self.job is not None:
            return
        for job in reversed(list_jobs(project)):
            try:
                if job.facts().verb == self.verb and job.status() in AT_WORK:
                    self.watch(job)
                    return
            except DataError:
                continue  # shown as unreadable in the list of jobs

    def cancel(self) -> None:
        """Ask the job to stop; ended after 10 s if it does not react."""
        if self.job is None or self._is_cancelling:
            return
        self._is_cancelling = True
        self._draw()
        ending = threading.Thread(target=_end, args=(self.job,), daemon=True)
        ending.start()

    def look(self) -> None:
        """Read the job's files and show them."""
        if self.job is None:
            return
        try:
            status, now = self.job.status(), self.job.progress()
        except DataError as error:
            self._close("failed", str(error))
            return
        if now is not None and status in AT_WORK:
            self.bar.setRange(0, max(1, now.total))
            self.bar.setValue(now.done)
            self.note.say(self._pace.sentence(now))
            self.progressed.emit(now)
        if status not in AT_WORK:
            self._close(status, self.job.facts().message)

    def _close(self, status: str, message: str) -> None:
        job = self.job
        self._timer.stop()
        self.job, self._is_cancelling = None, False
        text = ". ".join(part for part in (_ENDS.get(status, status), message) if part)
        if status == "finished":
            self.note.say(text, color=GOOD)
        elif status == "stopped":
            self.note.warn(text)
        else:
            self.note.complain(text)
        self._draw()
        self.ended.emit(job, status)

    def _on_click(self) -> None:
        if self.job is None:
            self.run()
        else:
            self.cancel()

    def _draw(self) -> None:
        running = self.job is not None
        self.bar.setVisible(running)
        if self._is_cancelling:
            self.button.setText("Cancelling…")
        else:
            self.button.setText("Cancel" if running else self._label)
        self.button.setEnabled(not self._is_cancelling and (running or self._may_run))


def _end(job: Job) -> None:
    """Wait for a job that was asked to stop, and end it if it must be."""
    try:
        job.end()
    except DataError:
        return  # on another computer: its own files go on telling how it is
