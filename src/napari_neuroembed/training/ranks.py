"""Several processes that share one training on one computer.

The process of the job is rank 0: it alone writes, reports and can be cancelled. The
others help: each builds the same training, computes its share of every batch and
writes nothing, so that ending a helper at any moment loses nothing. They talk through
torch.distributed (gloo on CPUs, NCCL on GPUs).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor

from napari_neuroembed.errors import Cancelled, NeuroembedError, TrainingError
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.progress import Report

READY = "ready"
HELPER = "napari_neuroembed.training.rank_process"
GRACE_S = 10.0
"""Seconds in which a process that ended may be noticed, and one may end by itself."""

LOG_BYTES = 4000


@dataclass(frozen=True)
class Place:
    """One process among those that train together.

    Parameters
    ----------
    rank, size
        Its number, from 0, and how many there are.
    port
        Port on this computer where they meet.
    """

    rank: int = 0
    size: int = 1
    port: int = 0


class Meeting(LightningEnvironment):
    """Tells Fabric where a process stands, instead of environment variables."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    @property
    def creates_processes_externally(self) -> bool:
        """The processes are there already."""
        return True

    @property
    def main_address(self) -> str:
        """Where they meet: on this computer, not seen from others."""
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        """Where rank 0 listens."""
        return self._place.port

    def local_rank(self) -> int:
        """Return the rank, which is also the number of the GPU."""
        return self._place.rank

    def teardown(self) -> None:
        """Nothing was put into the environment."""


def ranks_of(fabric: Fabric) -> Ranks:
    """Return this process's share, and how rows of all processes are joined.

    Notes
    -----
    Every process computes the loss of the whole batch on joined rows. Going back, a
    row's gradient is that of its own process times `size`, and the mean over processes
    that follows in the parameters divides by it: together they are the gradient of one
    process with the whole batch.
    """
    if fabric.world_size == 1:
        return Ranks()
    return Ranks(fabric.global_rank, fabric.world_size, _Join.apply)


class _Join(torch.autograd.Function):
    """Put the rows of all processes one after the other."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        size = torch.distributed.get_world_size()
        first = torch.distributed.get_rank() * len(values)
        ctx.own, ctx.size = slice(first, first + len(values)), size
        every = [torch.empty_like(values) for _ in range(size)]
        torch.distributed.all_gather(every, values.contiguous())
        return torch.cat(every)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        own: Tensor = gradient[ctx.own] * ctx.size
        return own


@dataclass
class Helpers:
    """The other processes, as rank 0 sees them; none when it trains alone."""

    place: Place = field(default_factory=Place)
    processes: list[_Helper] = field(default_factory=list)

    def meet(self, fabric: Fabric, report: Report) -> None:
        """Wait until every helper is ready, then connect.

        Raises
        ------
        TrainingError
            When one of them has ended.
        Cancelled
            From `report`, which is asked meanwhile.
        """
        n = len(self.processes)
        while n:
            for helper in self.processes:
                helper.refuse_ended(self.place.size)
            ready = sum(helper.ready.is_set() for helper in self.processes)
            report("prepare", ready, n, f"{n + 1} processes")
            if ready == n:
                break
            time.sleep(0.1)
        connect(fabric)

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn what a lost connection looks like into who has ended.

        Raises
        ------
        TrainingError
            When the training broke because a helper had ended.
        """
        try:
            yield
        except (NeuroembedError, Cancelled, KeyboardInterrupt):
            raise
        except Exception as error:
            until_s = time.monotonic() + GRACE_S
            while self.processes and time.monotonic() < until_s:
                try:
                    for helper in self.processes:
                        helper.refuse_ended(self.place.size)
                except TrainingError as ended:
                    raise ended from error
                time.sleep(0.05)
            raise


class _Helper:
    """One helping process."""

    def __init__(self, place: Place, project: Path, run: str) -> None:
        self.place = place
        self.ready = threading.Event()
        told = {"project": str(project), "run": run, "rank": place.rank}
        told |= {"size": place.size, "port": place.port}
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end
        self.process = subprocess.Popen(
            [sys.executable, "-m", HELPER, json.dumps(told)],
            stdin=subprocess.PIPE,  # its end tells the helper that rank 0 has ended
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == READY.encode():
                self.ready.set()

    def refuse_ended(self, size: int) -> None:
        code = self.process.poll()
        if code is None or code == 0:
            return
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - LOG_BYTES))
        lines = self.log.read().decode("utf-8", "replace").strip().splitlines()
        said = f" It said: {lines[-1]}" if lines else ""
        raise TrainingError(
            f"Process {self.place.rank + 1} of {size} that train together has ended "
            f"(exit code {code}).{said} The last checkpoint is kept: go on with "
            "--resume, or train on one with --set training.devices=1."
        )

    def end(self) -> None:
        """Let it end by itself for a moment, then end it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._listener.join(GRACE_S)
        self.process.stdout.close()
        self.log.close()


@contextlib.contextmanager
def helpers(project: Path, run: str, devices: int) -> Iterator[Helpers]:
    """Start the processes that train together with this one, and end them at the end.

    Parameters
    ----------
    project
        The project's folder.
    run
        Name of a run whose folder is made.
    devices
        How many processes, this one included; 1 starts none.

    """
    if devices == 1:
        yield Helpers()
        return
    port = free_port()
    team = Helpers(Place(0, devices, port))
    try:
        for rank in range(1, devices):
            team.processes.append(_Helper(Place(rank, devices, port), project, run))
        yield team
    finally:
        leave()
        for helper in team.processes:
            helper.end()


def connect(fabric: Fabric) -> None:
    """Meet the other processes, without telling the user how."""
    with quiet_advice():
        fabric.launch()


@contextlib.contextmanager
def quiet_advice() -> Iterator[None]:
    """Keep what Fabric says about hardware and processes from the user's screen."""
    logger = logging.getLogger("lightning_fabric")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def free_port() -> int:
    """Return a port of this computer that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def leave() -> None:
    """Take this process out of those that train together."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def same_everywhere(fabric: Fabric, step: int) -> None:
    """Refuse to begin when the processes stand at different steps.

    Raises
    ------
    TrainingError
        Listing the step of every process.
    """
    if fabric.world_size == 1:
        return
    own = torch.tensor([step], device=fabric.device)
    every = [torch.empty_like(own) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(every, own)
    steps = [int(other) for other in every]
    if len(set(steps)) > 1:
        raise TrainingError(
            f"The processes that train together stand at steps {steps}; "
            "expected the same one. Resume the run again."
        )
