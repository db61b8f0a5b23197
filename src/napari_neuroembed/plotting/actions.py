"""Action recognition within animals and on animals the probe never saw."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from napari_neuroembed.data.palette import THEMES, Theme
from napari_neuroembed.options.evaluation import MEAN
from napari_neuroembed.plotting.dots import add_chance, add_dots, label_rows, panels
from napari_neuroembed.plotting.theme import empty

TASKS = {"action_single": "Within an animal", "action_multi": "On a held-out animal"}
METRICS = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Mean F1 of actions",
}
TITLE = "Action recognition"
NO_SCORES = "No action scores yet: neuroembed evaluate PROJECT RUN makes them."


def actions(
    scores: pd.DataFrame,
    *,
    metric: str = "balanced_accuracy",
    probe: str = "linear",
    theme: Theme = "light",
) -> go.Figure:
    """Draw accuracy within and across animals, beside chance and baselines.

    Filled circles with 95 % intervals are means over animals, small dots single
    animals, the dashed line chance.

    Parameters
    ----------
    scores
        Rows of ``scores.csv``.
    metric
        ``accuracy``, ``balanced_accuracy`` or ``macro_f1``.
    probe
        Whose scores; guesses are not shown, their level is the chance line.
    theme
        ``light`` or ``dark``.
    """
    asked = scores[scores["task"].isin(list(TASKS)) & (scores["target"] == "action")]
    asked = asked[asked["control"].astype(str) == "none"]
    wanted = asked[(asked["metric"] == metric) & (asked["probe"] == probe)]
    known = wanted[wanted["value"].notna() & (wanted["fraction"] == 1.0)]
    if known.empty:
        reasons = [str(note) for note in asked["note"].dropna().unique() if note]
        why = "; ".join(reasons) if asked["value"].isna().all() else ""
        return empty(why or NO_SCORES, theme=theme, title=TITLE)
    table = known.assign(label=label_rows(known), who=_animal(known))
    tasks = [task for task in TASKS if (table["task"] == task).any()]
    labels = table["label"].drop_duplicates().to_list()
    shown = panels(
        [TASKS[task] for task in tasks],
        len(labels),
        title=TITLE,
        subtitle=_subtitle(table, probe),
        theme=theme,
    )
    for column, task in enumerate(tasks, start=1):
        part = table[table["task"] == task]
        _add_panel(shown, part, column, theme)
    shown.update_xaxes(range=[0, 1.03], title_text=METRICS.get(metric, metric))
    shown.update_yaxes(categoryorder="array", categoryarray=labels)
    return shown


def _add_panel(shown: go.Figure, part: pd.DataFrame, column: int, theme: Theme) -> None:
    """Draw the means, or the animals themselves where there is no mean."""
    is_mean = part["who"] == MEAN
    means = part[is_mean]
    alone = part[~is_mean & ~part["label"].isin(means["label"])]
    single = part[~is_mean & part["label"].isin(means["label"])]
    shown.add_trace(
        go.Scatter(
            x=single["value"],
            y=single["label"],
            mode="markers",
            marker={"size": 4, "color": THEMES[theme]["muted"], "opacity": 0.6},
            text=single["who"],
            hovertemplate="%{text}: %{x:.3f}<extra></extra>",
        ),
        row=1,
        col=column,
    )
    add_dots(shown, pd.concat([means, alone]), column, {"symbol": "circle"}, theme)
    add_chance(shown, float(part["chance"].median()), column, theme)


def _animal(table: pd.DataFrame) -> pd.Series[str]:
    own = table["animal"].fillna("").astype(str)
    return own.where(
        table["task"] == "action_single",
        table["held_out_animal"].fillna("").astype(str),
    )


def _subtitle(table: pd.DataFrame, probe: str) -> str:
    animals = table["who"][table["who"] != MEAN].nunique()
    modes = ", ".join(sorted(table["mode"].astype(str).unique()))
    return (
        f"{probe} probe, {animals} animals, {int(table['n_classes'].max())} actions, "
        f"{modes}"
    )
