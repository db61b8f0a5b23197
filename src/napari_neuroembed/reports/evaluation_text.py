"""The methods text about an evaluation: probes, folds, nulls, controls, exclusions."""

from __future__ import annotations

from typing import Any

from napari_neuroembed.data.problems import counted
from napari_neuroembed.methods.references import (
    CONTROL_REFERENCES,
    DOMAIN_REFERENCES,
)
from napari_neuroembed.reports.citations import cited
from napari_neuroembed.reports.run_facts import Judged
from napari_neuroembed.store.main_scores import main_scores


def evaluation_text(judged: Judged | None) -> list[str]:
    """Return how embeddings were judged, as sentences; none when they were not."""
    if judged is None:
        return ["The embedding was not evaluated"]
    scores, options = judged.scores, judged.options
    sentences = [
        (
            f"Evaluation {judged.name} (profile {options.profile}, "
            f"{counted(judged.n_bouts, 'bout')}{_raters(judged)}) read frozen "
            "embeddings "
            f"by probes: {_probes(judged)}"
        ),
        (
            f"Action probes saw {_shares(judged)} of the labelled bouts, actions with "
            "fewer "
            f"than {options.min_windows} fit or fresh windows left out"
        ),
        _identity(judged),
        (
            "Intervals (95 %) come from "
            f"{counted(options.bootstraps, 'bootstrap draw')} "
            f"over recordings; p of actions and decoding from "
            f"{counted(options.shifts or 0, 'circular shift')}; chance was computed "
            "from "
            "the data"
        ),
    ]
    if options.within_actions:
        sentences.append("Identity was read within every single action as well")
    if options.distances:
        sentences.append(
            "Every pair of animals was compared by squared maximum mean discrepancy "
            f"(unbiased{cited(DOMAIN_REFERENCES['mmd']).replace(' (', '; ')}, a probe "
            "that tells the two apart, and probes of actions from one to the other"
        )
    if options.baselines:
        sentences.append(
            "Raw signals, an untrained encoder and guesses were read in the same way"
        )
    if (scores["control"] != "none").any():
        names = sorted({c for c in scores["control"] if c != "none"})
        sentences.append(
            f"Controls: {', '.join(names).replace('_', ' ')}; those with a p were "
            "judged "
            f"at 5 % over all of them{cited(CONTROL_REFERENCES)}"
        )
    return [*sentences, *_exclusions(judged)]


def _probes(judged: Judged) -> str:
    options = judged.options
    about = {
        "linear": f"linear (logistic regression, C {options.linear.c:g}, at most "
        f"{options.linear.max_iterations} iterations)",
        "knn": f"neighbours (k {options.knn.k}, cosine)",
        "mlp": f"network ({options.mlp.hidden} hidden units, dropout "
        f"{options.mlp.dropout:g}, Adam at {options.mlp.learning_rate:g}, weight decay "
        f"{options.mlp.weight_decay:g}, batches of {options.mlp.batch}, at most "
        f"{options.mlp.epochs} epochs, patience {options.mlp.patience})",
    }
    read = "; ridge regression decoded scalars and poses" if options.decode else ""
    return "; ".join(about[name] for name in options.probes) + read


def _identity(judged: Judged) -> str:
    options = judged.options
    permuted = [
        f"{probe} {n}"
        for probe, n in (
            ("linear", options.permutations_linear),
            ("neighbours", options.permutations_knn),
            ("network", options.permutations_mlp),
        )
        if n
    ]
    planted = (
        f"the smallest detectable leak by {options.leaks} planted leaks of every size, "
        f"{100 * options.leak_to_show:g} % of the way to certainty deciding what is "
        "testable"
        if options.leaks
        else "no leaks were planted"
    )
    drawn = options.identity_windows
    return (
        f"Identity and covariates were read from fresh windows in {options.n_folds} "
        f"folds by recording ({options.folds}), balanced over {options.balance} with "
        "at "
        f"least {options.min_cell} windows in a cell"
        f"{f', {drawn:,} windows drawn' if drawn else ''}; p by permuting animals over "
        f"recordings ({', '.join(permuted) or 'none'}); {planted}"
    )


def _shares(judged: Judged) -> str:
    fractions = judged.options.fractions or (1.0,)
    shares = ", ".join(f"{100 * f:g} %" for f in fractions)
    if min(fractions) == 1.0:
        return shares
    return (
        f"{shares} ({counted(judged.options.draws or 1, 'draw')} of each below 100 %)"
    )


def _raters(judged: Judged) -> str:
    labels = judged.options.labels
    whose = f" of {', '.join(labels.raters)}" if labels.raters else ""
    return f"{whose}, origin {', '.join(labels.sources)}"


def _exclusions(judged: Judged) -> list[str]:
    """Return what the rows of the table say was left out or could not be done."""
    main = main_scores(judged.scores)
    sizes = [
        f"{str(task).replace('_', ' ')} {int(own['n_fit'].max()):,} and "
        f"{int(own['n_test'].max()):,}"
        for task, own in main[~main["is_baseline"]].groupby("task", sort=False)
    ]
    told = [f"Windows to fit and to test: {'; '.join(sizes)}"] if sizes else []
    return told + _left_out(judged)


def _left_out(judged: Judged) -> list[str]:
    """Return which actions and windows were left out, and of whom."""
    scores = judged.scores
    own = scores[
        (scores["control"] == "none")
        & ~scores["is_baseline"]
        & (scores["fraction"] == 1.0)
        & ~scores["animal"].isin(["mean"])
        & ~scores["held_out_animal"].isin(["mean"])
    ]
    found: dict[str, None] = {}
    rows: Any = own.to_dict("records")
    for row in rows:
        animal = row["held_out_animal"] or row["animal"]
        where = f"{row['task'].replace('_', ' ')}{f', {animal}' if animal else ''}"
        parts = [p.strip() for p in str(row["note"]).split(";") if "left out" in p]
        if parts:
            found[f"{where}: {', '.join(parts)}"] = None
    return [f"Left out by the evaluation: {'; '.join(found)}"] if found else []
