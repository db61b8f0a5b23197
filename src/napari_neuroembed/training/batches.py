"""Which windows, donors and swapped poses make each batch: a function of (seed, step).

Nothing is kept from step to step, so an interrupted training resumes exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_neuroembed.augmentation.swap import build_swap_table, draw_swaps
from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.splits import Split
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import Batch, Method
from napari_neuroembed.methods.randomness import generator
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.training.data import (
    TrainingData,
    WindowFrames,
    fit_frames,
    stretches,
)
from napari_neuroembed.training.frames import FrameBank
from napari_neuroembed.training.normalise import sample_frames
from napari_neuroembed.training.poses import fit_poses

MEDIAN_FRAMES = 200


class Batches:
    """Draw the batch of any step.

    Parameters
    ----------
    data
        Windows of fit recordings and their frames.
    method
        Decides whether views are needed.
    config
        Batch size, balance, calcium and swapping.
    split
        Who is fit: donors and neighbours come from nowhere else.
    ranks
        Which share of every batch is wanted. Rows, donors and swapped poses are drawn
        for the whole batch, so that they are the same for any number of processes.
    """

    def __init__(
        self,
        data: TrainingData,
        method: Method,
        config: RunConfig,
        split: Split,
        ranks: Ranks | None = None,
    ) -> None:
        self.data, self.config = data, config
        self.method, self.split = method, split
        self.n = len(data.windows)
        self.size = min(config.training.batch_size, self.n)
        self.is_balanced = config.training.balanced
        self.ranks = ranks or Ranks()
        self._check_shares()
        self.views = Views(data, config, split) if method.needs.views else None
        self.donors = None
        self.swaps = None
        scaler = data.fitted.scaler
        self.pose_mean = None if scaler is None else scaler.mean.to(data.neural.device)
        if config.augmentation.calcium_decay.p > 0:
            self.donors = Donors(data, config, split)
        if method.needs.pose and config.augmentation.pose_swap.p > 0:
            self.swaps = Swaps(data, config)

    @cached_property
    def targets(self) -> Tensor | None:
        """What the method asks of every window, once its buffers are there."""
        if not self.method.has_targets:
            return None
        return self.method.targets(fit_poses(self.data, self.split))

    def draw(self, step: int) -> Batch:
        """Return the batch of one step."""
        rows = self.rows(step)
        own = self.ranks.share(len(rows))
        windows, bank = self.data.windows, self.data.neural
        recording, seed = windows.recording[rows[own]], self.config.seed
        neural_frames = windows.neural[rows[own]]
        neural = bank.gather(recording, neural_frames)
        pose = swapped = mask = view = None
        if windows.pose is not None and self.data.pose is not None:
            pose = self.data.pose.gather(recording, windows.pose[rows[own]])
        if self.swaps is not None:
            swapped, mask = self.swaps.draw(rows, generator(seed, step, "swap"))
        if self.views is not None:
            shift = self.views.draw(rows, generator(seed, step, "view"))
            view = bank.gather(recording, neural_frames + shift[own])
        donors = None
        if self.donors is not None:
            donors = self.donors.draw(rows, generator(seed, step, "donor"))
        target = None
        if self.targets is not None:
            target = self.targets[rows[own]].to(bank.device)
        return Batch(
            neural,
            pose,
            windows.animal[rows[own]].to(bank.device),
            target=target,
            neural_view=view,
            donors=donors,
            swapped=swapped,
            swap_mask=mask,
            pose_mean=self.pose_mean,
        )

    def _check_shares(self) -> None:
        n, size = self.ranks.size, len(self.rows(0)) if self.ranks.size > 1 else 0
        if size % n:
            raise TrainingError(
                f"{n} processes cannot share a batch of {size} windows equally "
                f"(training.batch_size={self.config.training.batch_size}; "
                f"{self.n:,} windows to train on). Set training.batch_size to "
                f"{max(1, size // n) * n}, or training.devices to a divisor."
            )

    def rows(self, step: int) -> Tensor:
        """Return the rows of the fit windows in one batch, without repeats."""
        seed = self.config.seed
        if not self.is_balanced:
            return _slice(torch.arange(self.n), self.size, step, seed, "order")
        animals = torch.unique(self.data.windows.animal)
        shares = [
            self.size // len(animals) + (i < self.size % len(animals))
            for i in range(len(animals))
        ]
        parts = []
        for animal, share in zip(animals.tolist(), shares, strict=True):
            own = torch.nonzero(self.data.windows.animal == animal)[:, 0]
            parts.append(_slice(own, share, step, seed, f"order/{animal}"))
        return torch.cat(parts)


class Views:
    """How far the second view of a window may lie from it: never off usable frames.

    Parameters
    ----------
    data
        Windows of fit recordings.
    config
        ``method_options.view_shift_s`` is the largest shift.
    split
        Frames of fresh blocks are never shown.
    """

    def __init__(self, data: TrainingData, config: RunConfig, split: Split) -> None:
        name = data.index.streams["neural"]
        period = data.recordings[0].streams[name].time.period_s
        most = round(config.method_options.view_shift_s / period)
        windows = data.windows
        first, last = windows.neural[:, 0], windows.neural[:, -1]
        self.low = torch.zeros(len(windows), dtype=torch.long)
        self.high = torch.zeros(len(windows), dtype=torch.long)
        for r, recording in enumerate(data.recordings):
            here = torch.nonzero(windows.recording == r)[:, 0]
            if not len(here):
                continue
            start, stop = stretches(
                recording.streams[name], fit_frames(recording, name, split)
            )
            inner_first, inner_last = (
                first[here].clamp(min=0),
                last[here].clamp(max=len(stop) - 1),
            )
            self.low[here] = (start[inner_first] - first[here]).clamp(-most, 0)
            self.high[here] = (stop[inner_last] - 1 - last[here]).clamp(0, most)

    def draw(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Draw the shift of each second view in frames, shape (batch, 1)."""
        low, high = self.low[rows], self.high[rows]
        u = torch.rand(len(rows), generator=rng, dtype=torch.float64)
        return (low + (u * (high - low + 1)).long()).unsqueeze(1)


class Donors:
    """Calcium donor frames: other moments of the same animal's fit recordings."""

    def __init__(self, data: TrainingData, config: RunConfig, split: Split) -> None:
        self.data, self.options = data, config.augmentation.calcium_decay
        self.name = data.index.streams["neural"]
        self.usable: list[NDArray[np.int64]] = [
            np.flatnonzero(fit_frames(r, self.name, split)) for r in data.recordings
        ]
        self.animals = [data.shapes.animals.index(r.animal) for r in data.recordings]
        self.medians = self._medians() if self.options.subtract_median else None
        self.pools = self._pools(split)

    def draw(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Return one donor frame per window, shape (batch, ...)."""
        windows = self.data.windows
        animal = windows.animal[rows]
        recording = torch.empty(len(rows), dtype=torch.long)
        frame = torch.empty(len(rows), dtype=torch.long)
        pick = torch.rand(len(rows), generator=rng, dtype=torch.float64)
        for a in torch.unique(animal).tolist():
            here = torch.nonzero(animal == a)[:, 0]
            pool_recording, pool_frame = self.pools[a]
            chosen = (pick[here] * len(pool_frame)).long()
            recording[here], frame[here] = pool_recording[chosen], pool_frame[chosen]
        recording, frame = self._away(rows, recording, frame, rng)
        donors = self.data.neural.gather(recording, frame.unsqueeze(1))[:, 0]
        if self.medians is not None:
            donors = donors - self.medians[recording.to(donors.device)]
        # An animal with hardly more frames than one window has no donor for it.
        lacking = self._is_close(rows, recording, frame).to(donors.device)
        donors[lacking] = 0.0
        return donors

    def _away(
        self, rows: Tensor, recording: Tensor, frame: Tensor, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw again, a few times, donors that fall into the window or its guard."""
        windows = self.data.windows
        for _ in range(8):
            close = self._is_close(rows, recording, frame)
            again = torch.nonzero(close)[:, 0]
            if not len(again):
                break
            pick = torch.rand(len(again), generator=rng, dtype=torch.float64)
            for i, p in zip(again.tolist(), pick.tolist(), strict=True):
                pool = self.pools[int(windows.animal[rows[i]])]
                chosen = int(p * len(pool[1]))
                recording[i], frame[i] = pool[0][chosen], pool[1][chosen]
        return recording, frame

    def _is_close(self, rows: Tensor, recording: Tensor, frame: Tensor) -> Tensor:
        windows = self.data.windows
        period = self.data.recordings[0].streams[self.name].time.period_s
        guard = round(self.options.guard_s / period)
        frames = windows.neural[rows]
        inside = (frame >= frames[:, 0] - guard) & (frame <= frames[:, -1] + guard)
        return inside & (recording == windows.recording[rows])

    def _pools(self, split: Split) -> dict[int, tuple[Tensor, Tensor]]:
        pools = {}
        for a, animal in enumerate(self.data.shapes.animals):
            if animal in split.held_out:
                continue
            parts = [
                (np.full(len(frames), r), frames)
                for r, frames in enumerate(self.usable)
                if self.animals[r] == a and len(frames)
            ]
            if parts:
                pools[a] = (
                    torch.as_tensor(np.concatenate([p[0] for p in parts])),
                    torch.as_tensor(np.concatenate([p[1] for p in parts])),
                )
        return pools

    def _medians(self) -> Tensor:
        """Return the temporal median of each recording's fit frames."""
        bank, medians = self.data.neural, []
        for r, frames in enumerate(self.usable):
            valid = np.zeros(int(bank.lengths[r]), dtype=bool)
            valid[frames] = True
            chosen = torch.as_tensor(sample_frames(valid, MEDIAN_FRAMES))
            if not len(chosen):
                medians.append(torch.zeros(bank.frame_shape, device=bank.device))
                continue
            index = torch.tensor([r])
            medians.append(bank.gather(index, chosen.unsqueeze(0))[0].median(0).values)
        return torch.stack(medians)


class Swaps:
    """Poses of other animals to swap in (Eq. 2), from fit windows only.

    Parameters
    ----------
    data
        Windows of fit recordings; their pose frames (or whole pose windows) are the
        queries and the candidates.
    config
        The options of pose swapping.
    """

    def __init__(self, data: TrainingData, config: RunConfig) -> None:
        if data.pose is None or data.windows.pose is None:
            raise TrainingError(
                "Swapping needs poses or scalars beside the neural data."
            )
        self.options = config.augmentation.pose_swap
        animals = torch.unique(data.windows.animal)
        self.number = torch.full((len(data.shapes.animals),), -1)
        self.number[animals] = torch.arange(len(animals))
        self.animal = self.number[data.windows.animal]
        self.units = _units(data.windows, data.pose, self.animal, self.options.unit)
        flat = self.units.values.reshape(len(self.units.values), -1).cpu().numpy()
        stops = [*self.units.first[1:].tolist(), len(flat)]
        self.table = build_swap_table(
            [flat[a:b] for a, b in zip(self.units.first.tolist(), stops, strict=True)],
            [data.shapes.animals[int(a)] for a in animals],
            self.options.neighbours,
        )
        self.temperature = self.table.temperature(self.options.temperature)

    def draw(self, rows: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return a donor for every pose, and where it is of another animal."""
        own, animal = self.units.row_of[rows], self.animal[rows]
        donor, row = draw_swaps(
            self.table,
            own,
            animal,
            rng,
            temperature=self.temperature,
            include_own=self.options.include_own,
        )
        values = self.units.values
        chosen = values[(self.units.first[donor] + row).to(values.device)]
        mask = donor != animal.unsqueeze(1)
        if self.options.unit == "window":
            chosen = chosen[:, 0]
            mask = mask.expand(len(rows), chosen.shape[1])
        return chosen, mask.to(values.device)


@dataclass(frozen=True)
class _Units:
    """What can be swapped: poses of member frames, or whole pose windows.

    Parameters
    ----------
    values
        All units, those of one animal together, shape (n_units, [time,] feature).
    first
        First unit of each animal.
    row_of
        Row within its animal of each window's units, shape (n_windows, time or 1).
    """

    values: Tensor
    first: Tensor
    row_of: Tensor


def _units(
    windows: WindowFrames,
    bank: FrameBank,
    animal: Tensor,
    unit: Literal["frame", "window"],
) -> _Units:
    assert windows.pose is not None
    n, time = windows.pose.shape
    if unit == "window":
        recording, frames, owner = windows.recording, windows.pose, animal
        inverse = torch.arange(n).unsqueeze(1)
    else:
        stride = int(bank.lengths.max()) + 1
        inner = torch.minimum(
            windows.pose.clamp(min=0), bank.lengths[windows.recording].unsqueeze(1) - 1
        )
        flat = windows.recording.unsqueeze(1) * stride + inner
        key, inverse = torch.unique(flat, return_inverse=True)
        recording, frames = key // stride, (key % stride).unsqueeze(1)
        owner = torch.empty(len(key), dtype=torch.long)
        owner[inverse.reshape(-1)] = animal.unsqueeze(1).expand(n, time).reshape(-1)
    order = torch.argsort(owner, stable=True)
    values = bank.gather(recording[order], frames[order])
    if unit == "frame":
        values = values[:, 0]
    counts = torch.bincount(owner)
    first = torch.cumsum(counts, 0) - counts
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    row = place - first[owner]
    return _Units(values, first, row[inverse])


def _slice(own: Tensor, share: int, step: int, seed: int, purpose: str) -> Tensor:
    """Return batch `step` of an endless sequence of epochs over `own`."""
    share = min(share, len(own))
    per_epoch = len(own) // share
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(len(own), generator=generator(seed, epoch, purpose))
    return own[order[place * share : (place + 1) * share]]
