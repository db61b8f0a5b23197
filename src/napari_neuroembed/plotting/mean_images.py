"""The mean images of all animals on one scale (Guenel et al., Figure S3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.plotting.theme import SMALL, empty, figure

TITLE = "Mean images"
NOTHING = "No pre-processed images here: neuroembed preprocess PROJECT makes them."
COLUMNS = 4


def mean_images(
    images: Mapping[str, NDArray[np.floating]], *, theme: Theme = "light"
) -> go.Figure:
    """Draw one panel per animal; grey values mean the same in all of them.

    Parameters
    ----------
    images
        Mean image of each animal in raw counts, shape (y, x); sizes may differ.
    theme
        ``light`` or ``dark``.
    """
    shown = {name: image for name, image in images.items() if np.isfinite(image).any()}
    if not shown:
        return empty(NOTHING, theme=theme, title=TITLE)
    values = np.concatenate([image[np.isfinite(image)] for image in shown.values()])
    low, high = (float(q) for q in np.quantile(values, [0.005, 0.995]))
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    drawn = figure(
        TITLE,
        subtitle=f"{len(shown)} animals on one scale, raw counts",
        theme=theme,
        height=130 + 190 * rows,
        base=make_subplots(
            rows=rows,
            cols=columns,
            subplot_titles=list(shown),
            horizontal_spacing=0.015,
            vertical_spacing=0.12 / rows,
        ),
    )
    for i, image in enumerate(shown.values()):
        drawn.add_trace(
            go.Heatmap(
                z=image,
                zmin=low,
                zmax=max(high, low + 1e-9),
                colorscale="Greys_r",
                showscale=i == 0,
                colorbar={"thickness": 10, "title": {"text": "counts"}},
                hovertemplate="y %{y}, x %{x}: %{z:.0f}<extra></extra>",
            ),
            row=i // columns + 1,
            col=i % columns + 1,
        )
    drawn.update_xaxes(showticklabels=False, showgrid=False, ticks="")
    drawn.update_yaxes(
        showticklabels=False, showgrid=False, ticks="", autorange="reversed"
    )
    drawn.update_annotations(font={"size": SMALL, "color": THEMES[theme]["text"]})
    drawn.update_layout(margin={"t": 100})
    return drawn
