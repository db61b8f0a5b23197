"""Short work beside the window: the only place that makes workers.

Long work is a job. This is for what takes seconds: looking at files, importing labels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from napari.qt.threading import GeneratorWorker
from qtpy.QtCore import QObject, Signal

from napari_neuroembed.errors import NeuroembedError, TrainingError

Work = Callable[[], Generator[Any, None, Any]]


class Worker(QObject):
    """One piece of work in a thread of its own.

    superqt's generator workers neither close the generator when they are stopped nor
    report a RuntimeError; so both are done here.

    Parameters
    ----------
    work
        Returns a generator that yields as often as it can be stopped; it is closed
        then. Must not touch windows or layers.

    Attributes
    ----------
    yielded, returned, failed, ended
        Emitted in the window's thread: with every value, with the result, with the
        exception, and last, whatever happened.
    """

    yielded = Signal(object)
    returned = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stop = False
        self._error: Exception | None = None
        self._worker = GeneratorWorker(self._guarded, work)
        self._worker.yielded.connect(self.yielded)
        self._worker.returned.connect(self._on_return)
        self._worker.finished.connect(self.ended)

    def start(self) -> Worker:
        """Begin; returns at once."""
        self._worker.start()
        return self

    def cancel(self) -> None:
        """Ask it to stop; it ends at its next yield."""
        self._stop = True

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return bool(self._worker.is_running)

    def _guarded(self, work: Work) -> Generator[Any, None, Any]:
        try:
            steps = work()
            while not self._stop:
                try:
                    value = next(steps)
                except StopIteration as end:
                    return end.value
                yield value
            steps.close()
        except NeuroembedError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - it reaches the user, not a log
            self._error = TrainingError(f"{type(error).__name__}: {error}")
            self._error.__cause__ = error
        return None

    def _on_return(self, value: Any) -> None:
        if self._error is not None:
            self.failed.emit(self._error)
        elif not self._stop:
            self.returned.emit(value)
