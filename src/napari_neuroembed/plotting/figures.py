"""All figures by name."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go

from napari_neuroembed.plotting.actions import actions
from napari_neuroembed.plotting.confusion import confusion
from napari_neuroembed.plotting.distances import distances
from napari_neuroembed.plotting.embedding import embedding
from napari_neuroembed.plotting.frontier import frontier
from napari_neuroembed.plotting.history import history
from napari_neuroembed.plotting.label_efficiency import label_efficiency
from napari_neuroembed.plotting.leakage import leakage

FIGURES: dict[str, Callable[..., go.Figure]] = {
    "embedding": embedding,
    "leakage": leakage,
    "actions": actions,
    "confusion": confusion,
    "frontier": frontier,
    "distances": distances,
    "label_efficiency": label_efficiency,
    "history": history,
}
"""Builders of figures: pure functions from tables to a plotly figure."""
