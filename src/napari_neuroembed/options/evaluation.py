"""How embeddings are judged."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

MEAN = "mean"
"""Name in the columns `animal` and `held_out_animal` of the mean over animals."""

ProbeName = Literal["linear", "knn", "mlp"]
Profile = Literal["quick", "full"]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LabelOptions:
    """Whose bouts count as the truth."""

    raters: tuple[str, ...] | None = None
    """Raters whose bouts count; needed when raters disagree. Default: all."""

    sources: tuple[str, ...] = ("human", "imported")
    """Where bouts may come from; those a model proposed count only when named."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LinearOptions:
    """Logistic regression on standardised features (L-BFGS, float32)."""

    c: Annotated[float, Field(gt=0.0)] = 1.0
    """Inverse strength of the penalty."""

    max_iterations: Annotated[int, Field(ge=1)] = 300
    """Steps after which the fit stops even when it could still improve."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class KnnOptions:
    """Vote of the nearest windows by cosine similarity of standardised features."""

    k: Annotated[int, Field(ge=1, le=1000)] = 15
    """Number of neighbours; all windows when there are fewer."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class MlpOptions:
    """Network with one hidden layer on standardised features."""

    hidden: Annotated[int, Field(ge=1, le=4096)] = 128
    """Units of the hidden layer."""

    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    """Share of hidden units silenced in each step."""

    learning_rate: Annotated[float, Field(gt=0.0)] = 5e-3
    """Step size of Adam."""

    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-4
    """Decay of the weights per step, in units of the learning rate."""

    batch: Annotated[int, Field(ge=1)] = 256
    """Windows per step."""

    epochs: Annotated[int, Field(ge=1)] = 40
    """Most passes over the data."""

    patience: Annotated[int, Field(ge=1)] = 3
    """Passes without a better loss on the windows set aside before it stops."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EvaluationOptions:
    """How embeddings are judged.

    A field whose default is empty takes the value of the profile; :func:`resolved`
    fills them in.
    """

    profile: Profile = "quick"
    """`quick` for a look (all labels, fewer draws), `full` for a paper."""

    labels: LabelOptions = LabelOptions()
    """Whose bouts count."""

    probes: tuple[ProbeName, ...] = ("linear", "knn", "mlp")
    """Classifiers on frozen embeddings, for actions and identity."""

    side_probes: tuple[ProbeName, ...] | None = None
    """Classifiers that read the recording and the covariates."""

    linear: LinearOptions = LinearOptions()
    """Options of the linear probe."""

    knn: KnnOptions = KnnOptions()
    """Options of the neighbour probe."""

    mlp: MlpOptions = MlpOptions()
    """Options of the network probe."""

    fractions: tuple[Fraction, ...] | None = None
    """Shares of the labelled bouts that the action probes may see."""

    draws: Annotated[int, Field(ge=1)] | None = None
    """Random choices of bouts for every share below 1."""

    min_windows: Annotated[int, Field(ge=1)] = 5
    """An action with fewer labelled fit or fresh windows is left out and named."""

    decode: bool = True
    """Decode every scalar and pose stream."""

    baselines: bool = True
    """Read raw signals, the untrained encoder and guesses in the same way."""

    controls: bool = True
    """Read what must fail: shuffled labels, noise, clock, borders, motion, brightness,
    the anatomical channel, and warn where it does not."""

    within_actions: bool | None = None
    """Read the animal within every single action, too."""

    distances: bool | None = None
    """Say of every pair of animals how far their embeddings lie apart."""

    folds: Literal["grouped", "random_leaky"] = "grouped"
    """`random_leaky` mixes neighbouring windows; only to show how much that lies."""

    n_folds: Annotated[int, Field(ge=2, le=20)] = 4
    """Folds of the identity and covariate probes, by recording."""

    balance: Literal["auto", "action", "pose", "none"] = "auto"
    """What identity is balanced over; `auto`: actions, else poses, else nothing."""

    min_cell: Annotated[int, Field(ge=1)] = 3
    """Windows an animal must have of an action for it to count in the balance."""

    identity_windows: Annotated[int, Field(ge=1)] | None = None
    """Draw that many windows, equally over animals (the paper: 1000). Default: all."""

    permutations_linear: Annotated[int, Field(ge=0)] | None = None
    """Permutations of animal labels over recordings for the linear probe."""

    permutations_knn: Annotated[int, Field(ge=0)] | None = None
    """The same for the neighbour probe."""

    permutations_mlp: Annotated[int, Field(ge=0)] | None = None
    """The same for the network probe, which is fitted again for each."""

    leaks: Annotated[int, Field(ge=0)] | None = None
    """Leaks planted of every size, to find the smallest that these recordings could
    have shown; at least 4, or 0 for none. Into baselines in profile `full` only."""

    leak_to_show: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """How far from chance to certainty a leak may reach unseen; where a larger one
    could stay hidden, identity is called not testable."""

    shifts: Annotated[int, Field(ge=0)] | None = None
    """Circular shifts of actions and decoded signals against the predictions."""

    bootstraps: Annotated[int, Field(ge=0)] = 1000
    """Bootstrap draws over recordings for intervals."""


_PROFILES: dict[str, dict[str, Any]] = {
    "quick": {
        "side_probes": ("linear", "knn"),
        "fractions": (1.0,),
        "draws": 1,
        "permutations_linear": 200,
        "permutations_knn": 200,
        "permutations_mlp": 0,
        "leaks": 10,
        "shifts": 100,
        "within_actions": False,
        "distances": False,
    },
    "full": {
        "side_probes": ("linear", "knn", "mlp"),
        "fractions": (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0),
        "draws": 5,
        "permutations_linear": 1000,
        "permutations_knn": 1000,
        "permutations_mlp": 40,
        "leaks": 24,
        "shifts": 200,
        "within_actions": True,
        "distances": True,
    },
}


def resolved(options: EvaluationOptions) -> EvaluationOptions:
    """Return the options with every empty field filled in from the profile.

    Examples
    --------
    >>> resolved(EvaluationOptions(profile="full", draws=2)).draws
    2
    >>> resolved(EvaluationOptions(profile="full")).shifts
    200
    """
    missing = {
        name: value
        for name, value in _PROFILES[options.profile].items()
        if getattr(options, name) is None
    }
    return dataclasses.replace(options, **missing)
