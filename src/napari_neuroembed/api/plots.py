"""Figures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from napari_neuroembed.api.run import Run


class RunPlots:
    """Figures of a run: ``run.plot.embedding(color="action").show()``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def embedding(
        self, color: str = "action", *, stream: str = "neural", set_name: str = "eval"
    ) -> go.Figure:
        """Return the first principal components, coloured by a column.

        Parameters
        ----------
        color
            ``action``, ``animal``, ``recording``, ``center_s`` or a covariate.
        stream, set_name
            Which embedding.
        """
        from napari_neuroembed.plotting.embedding import embedding
        from napari_neuroembed.plotting.projection import pca

        windows, h = self._run.embedding(stream, set_name)
        covariates = self._run.project.covariates().drop(columns=["animal"])
        windows = windows.merge(covariates, on="recording", how="left", sort=False)
        points, labels = pca(h)
        title = f"{self._run.name}: {stream}"
        return embedding(windows, points, color, axis_labels=labels, title=title)

    def leakage(self, name: str | None = None) -> go.Figure:
        """Return how well probes tell which animal it was, beside chance."""
        from napari_neuroembed.plotting.leakage import leakage

        return leakage(self._run.scores(name))

    def actions(self, name: str | None = None) -> go.Figure:
        """Return action recognition within and across animals, beside chance."""
        from napari_neuroembed.plotting.actions import actions

        return actions(self._run.scores(name))

    def distances(
        self, value: str = "gap", *, transform: str = "none", name: str | None = None
    ) -> go.Figure:
        """Return how far animals lie apart, pair by pair.

        Parameters
        ----------
        value
            ``gap``, ``mmd2`` or ``transfer``.
        transform, name
            Which embedding of which evaluation.
        """
        from napari_neuroembed.plotting.distances import distances

        table = self._run.distances(name)
        return distances(table, value=value, transform=transform)

    def label_efficiency(self, name: str | None = None) -> go.Figure:
        """Return the score against the share of labelled bouts."""
        from napari_neuroembed.plotting.label_efficiency import label_efficiency

        return label_efficiency(self._run.scores(name))

    def frontier(self, name: str | None = None) -> go.Figure:
        """Return leakage against accuracy of the embedding, transforms, baselines."""
        from napari_neuroembed.plotting.frontier import frontier
        from napari_neuroembed.reports.summary import table_of

        scores = self._run.scores(name)
        table = table_of(scores.assign(row=scores["method"], seed_of_data=0))
        return frontier(table[table["stream"] == "neural"])

    def history(self) -> go.Figure:
        """Return loss and throughput by step."""
        from napari_neuroembed.plotting.history import history

        return history(self._run.history())
