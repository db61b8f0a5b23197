"""Tell when a training has gone blind: a constant embedding, a decided contest."""

from __future__ import annotations

from collections.abc import Mapping

from napari_neuroembed.methods.base import StepReport

CONSTANT = 1e-3
"""Standard deviation of embeddings below which they are one point."""
DECIDED = 0.01
"""Loss of a discriminator below which nothing misleads it any more."""


class CollapseWatch:
    """Look at logged steps; a state that lasts for an epoch is told once.

    Parameters
    ----------
    epoch
        Steps in which every window is seen once.

    Notes
    -----
    Watched are ``spread`` (all methods) and the discriminators of an adversarial term:
    at an accuracy of 1 and a loss below 0.01 the reversed gradient carries nothing.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = max(1, epoch)
        self._since: dict[str, int] = {}
        self._told: set[str] = set()

    def look(self, done: StepReport) -> list[str]:
        """Return what is to be told after a logged step."""
        found = _states(done.terms)
        self._since = {name: self._since.get(name, done.step) for name in found}
        new = [
            name
            for name, since in self._since.items()
            if done.step - since >= self.epoch and name not in self._told
        ]
        self._told.update(new)
        return [
            f"from step {self._since[name]} to {done.step} {found[name]}"
            for name in new
        ]


def _states(terms: Mapping[str, float]) -> dict[str, str]:
    """Return name -> what is wrong at this step."""
    found = {}
    if "spread" in terms and terms["spread"] < CONSTANT:
        found["spread"] = (
            "embeddings are the same for all windows (standard deviation "
            f"{terms['spread']:.1g}); lower method_options.domain_weight or "
            "training.learning_rate."
        )
    for name, accuracy in terms.items():
        stem, _, of = name.partition("_accuracy_")
        loss = terms.get(f"{stem}_{of}", 1.0)
        if stem == "discriminator" and of and accuracy >= 1 and loss < DECIDED:
            found[name] = (
                f"the discriminator names every animal from the {of} embedding (loss "
                f"{loss:.1g}), so that it no longer teaches anything; raise "
                "method_options.domain_weight or begin earlier "
                "(method_options.domain_from)."
            )
    return found
