"""Beside an identity score: the smallest leak that the recordings could show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_neuroembed.evaluation.audit import Audit
from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.intervals import ALPHA, p_value
from napari_neuroembed.evaluation.leaks import without_animals
from napari_neuroembed.evaluation.power import Plan, smallest_leak
from napari_neuroembed.evaluation.relabel import n_relabellings, smallest_p
from napari_neuroembed.evaluation.sample import Representation
from napari_neuroembed.evaluation.scaling import Array
from napari_neuroembed.evaluation.significance import (
    Null,
    layout_of,
    n_permutations,
    read_leak,
    statistic_of,
)
from napari_neuroembed.evaluation.testable import (
    fewest_fresh,
    fresh_needed,
    untestable,
)

READ = 3
"""Leaks of the smallest size that the probe itself reads."""
DRAWS = 39
"""Permutations that a planted leak is held against."""
ENOUGH = 19
"""Permutations without which no p is 0.05."""


@dataclass(frozen=True)
class Power:
    """What can be said of an identity score.

    Parameters
    ----------
    detectable
        Balanced accuracy of the smallest leak found 95 times in 100, NaN without.
    verdict
        ``leak``, ``none found``, ``not testable``, or '' without p.
    note
        The same in words.
    """

    detectable: float = np.nan
    verdict: str = ""
    note: str = ""


def power_of(
    context: Context, audit: Audit, one: Representation, probe: str, null: Null
) -> Power:
    """Say what the recordings can show, by leaks planted into the embedding.

    Parameters
    ----------
    context, audit
        The evaluation and the plan.
    one, probe
        What is read and what reads it.
    null
        The probe's null on the data.
    """
    if audit.kind == "random_leaky":
        return Power()
    if not audit.can_permute or smallest_p(audit.of_recording, audit.group) > ALPHA:
        note = untestable(context, audit, np.nan)
        return Power(verdict="not testable", note=note)
    draws = null.draws[np.isfinite(null.draws)]
    if null.observed is None or draws.size < ENOUGH:
        return Power()
    is_found = p_value(null.observed, draws) <= ALPHA
    if not _is_planted(context, one):
        return Power(verdict="leak" if is_found else "")
    plan = leak_plan(context, audit, one.values[audit.rows], probe, one.key)
    size, detectable = smallest_leak(plan), float("nan")
    if np.isfinite(size):
        detectable = read_smallest(context, audit, plan, size, probe)
    needed = fresh_needed(context, audit, detectable)
    if needed > fewest_fresh(audit) and not is_found:
        note = untestable(context, audit, detectable)
        return Power(detectable, "not testable", note)
    note = "no planted leak was found 95 times in 100"
    if np.isfinite(detectable):
        note = f"planted leaks read at {detectable:.2f} are found 95 times in 100"
    return Power(detectable, "leak" if is_found else "none found", note)


def _is_planted(context: Context, one: Representation) -> bool:
    if context.options.leaks == 0:
        return False
    return context.options.profile == "full" or not one.is_baseline


def read_smallest(
    context: Context, audit: Audit, plan: Plan, size: float, probe: str
) -> float:
    """Return the balanced accuracy that a probe reads from leaks of one size."""
    leaks = [plan.leak(size, number) for number in range(READ)]
    read = [read_leak(context, audit, x, labels[0], probe) for x, labels in leaks]
    return float(np.nanmean(read))


def leak_plan(context: Context, audit: Audit, x: Array, probe: str, key: str) -> Plan:
    """Return what leaks are planted into, and how they are looked for.

    Parameters
    ----------
    context, audit
        The evaluation and the plan of the audit.
    x
        Embedding of the audited windows, shape (n, dim).
    probe, key
        What reads it, and its name.
    """
    layout, known = layout_of(context, audit)
    is_slow = probe == "mlp"
    generator = context.generator("leaks", key, probe)
    n_draws = n_permutations(context, probe)
    if n_relabellings(audit.of_recording, audit.group) > n_draws:
        n_draws = min(n_draws, ENOUGH if is_slow else DRAWS)
    return Plan(
        without_animals(x[known], layout, audit.of_recording),
        layout.recording,
        audit.of_recording,
        statistic_of(context, audit, layout, probe),
        context.options.leaks or 0,
        n_draws,
        (int(generator.integers(2**62)),),
        is_slow,
    )
