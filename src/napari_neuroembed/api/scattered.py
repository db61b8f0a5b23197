"""Runs of a comparison on the workers of a dask scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.progress import Report, silent

if TYPE_CHECKING:
    from distributed import Client

    from napari_neuroembed.api.compare_tasks import Plan, Task
    from napari_neuroembed.api.project import Project

LISTEN_S = 0.5
"""Longest time between two looks at whether the work should stop."""


def scattered(
    project: Project,
    plan: Plan,
    tasks: Sequence[Task],
    scheduler: str,
    report: Report,
) -> Iterator[tuple[Task, str]]:
    """Yield runs as they end, with the reason where one could not be done.

    Workers need the project folder under the same path. A run is trained by one
    process at a time, whoever asks for it.

    Raises
    ------
    ConfigError
        When there is no scheduler at that address.
    """
    from distributed import wait

    n = len(tasks)
    with _client(scheduler) as client:
        futures = {
            client.submit(_on_worker, str(project.path), plan, task, pure=False): task
            for task in tasks
        }
        open_ones = set(futures)
        try:
            while open_ones:
                report("compare", n - len(open_ones), n, f"{len(open_ones)} on workers")
                try:
                    done = wait(  # type: ignore[no-untyped-call]
                        open_ones, LISTEN_S, return_when="FIRST_COMPLETED"
                    ).done
                except TimeoutError:
                    continue
                for future in done:
                    open_ones.discard(future)
                    lost = future.exception()  # of the worker, not of the row
                    why = f"the worker was lost: {lost}" if lost else future.result()
                    yield futures[future], str(why)
        finally:
            for future in open_ones:
                future.cancel(force=True)  # type: ignore[no-untyped-call]


def _on_worker(path: str, plan: Plan, task: Task) -> str:
    """Do one run; return why it cannot be done, or nothing."""
    from napari_neuroembed.api.compare_tasks import FAILURES, run_task, said
    from napari_neuroembed.api.project import Project

    try:
        run_task(Project.open(path), plan, task, silent)
    except FAILURES as error:
        return said(error)
    return ""


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """Give the client of a scheduler; processes that were started here end with it."""
    from distributed import Client, LocalCluster

    kind, _, count = scheduler.partition(":")
    if kind == "local":
        if not count.isdigit() or not int(count):
            raise ConfigError(
                f"--scheduler {scheduler}: expected local:N with N processes, e.g. "
                "local:2, or an address such as tcp://host:8786."
            )
        with (
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=int(count),
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            yield client
        return
    try:
        found = Client(scheduler, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"There is no dask scheduler at {scheduler} ({error}). Start one with "
            "'dask scheduler', or use --scheduler local:2."
        ) from error
    with found:
        yield found
