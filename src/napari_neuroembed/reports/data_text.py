"""The methods text about the data: recordings, labels, pre-processing, exclusions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_neuroembed.data.problems import counted
from napari_neuroembed.reports.citations import cited, reader_keys
from napari_neuroembed.reports.project_facts import ProjectFacts


def data_text(facts: ProjectFacts) -> str:
    """Return what was recorded, of whom, how long and how fast."""
    table, animals = facts.recordings, facts.animals
    per_animal = table.groupby("animal")["recording"].size()
    text = (
        f"{counted(len(table), 'recording')} of {counted(len(animals), 'animal')} "
        f"({', '.join(animals)}; {_range(per_animal)} per animal)"
    )
    minutes = table["minutes"].dropna()
    if len(minutes):
        text += f", {minutes.sum():.1f} min in all ({_range(minutes, 2)} min each)"
    sentences = [f"{text}, were analysed"]
    for (name, kind), own in facts.streams.groupby(["stream", "kind"], sort=False):
        sentences.append(_stream(str(name), str(kind), own))
    works = cited(reader_keys(facts.readers))
    if facts.readers:
        read = f"Files were read as {', '.join(facts.readers)}{works}"
        sentences.append(read)
    return _joined(sentences)


def label_text(facts: ProjectFacts) -> str:
    """Return what was annotated, by whom."""
    if facts.actions.empty:
        return "Actions were not annotated."
    by_action = facts.actions.groupby("action")[["bouts", "seconds"]].sum()
    parts = [
        f"{name} ({counted(int(row['bouts']), 'bout')}, {row['seconds']:.0f} s)"
        for name, row in by_action.iterrows()
    ]
    raters = _names(facts.actions["raters"])
    sources = _names(facts.actions["sources"])
    return _joined(
        [
            f"Annotated were {', '.join(parts)}",
            (
                f"by {counted(len(raters), 'rater')} ({', '.join(raters)}; origin: "
                f"{', '.join(sources)})"
            ),
        ],
        ", ",
    )


def preprocessing_text(facts: ProjectFacts) -> str:
    """Return every step of pre-processing with its parameters and counts."""
    if not facts.provenance:
        return "Recordings were not pre-processed."
    kinds = set(facts.streams.loc[facts.streams["prepared"], "kind"])
    steps = list(_steps(facts))
    sentences: list[str] = []
    if "neural" in kinds:
        sentences += _registration(facts.options["registration"], steps)
        sentences += _dff(facts.options["dff"], steps)
        sentences += _resize(facts.options["resize"])
        if facts.has_anatomical:
            sentences.append(
                "The anatomical channel was moved in the same way and averaged to at "
                "most 16 × 16 pixels, for controls"
            )
    if "trace" in kinds:
        sentences += _trace(facts.options["trace"])
    if "pose" in kinds:
        sentences += _pose(facts.options["pose"], steps)
    return _joined([*sentences, *_excluded(facts), *_accepted(facts)])


def made_with(facts: ProjectFacts) -> list[str]:
    """Return the versions that pre-processing was done with, each once."""
    found = {
        ", ".join(f"{name} {text}" for name, text in made.get("versions", {}).items())
        for made in facts.provenance.values()
    }
    return sorted(found - {""})


def _stream(name: str, kind: str, own: pd.DataFrame) -> str:
    rates = own["rate_hz"].dropna()
    sizes = list(dict.fromkeys(size for size in own["size"] if size))
    what = {
        "neural": "pixels",
        "video": "pixels",
        "pose": "features",
        "trace": "traces",
    }
    text = f"Stream {name} ({kind}): {_range(rates, 2)} Hz"
    if sizes:
        unit = what.get(kind, "signal" if sizes == ["1"] else "signals")
        text += f", {' or '.join(sizes)} {unit}"
    units = list(dict.fromkeys(str(u) for u in own["units"] if u))
    text += f", in {' or '.join(units)}" if units else ""
    return f"{text}, in {counted(len(own), 'recording')}"


def _registration(
    options: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> list[str]:
    if options["method"] == "none":
        return ["Images were not registered"]
    whose = {
        "animal": "that of the animal's first recording",
        "recording": "one per recording",
    }
    found = [s["registration"] for s in steps if "registration" in s]
    text = (
        f"Frames were shifted (registration: {options['method']}) onto a template, "
        f"{whose[options['reference']]}, made of {options['reference_frames']} frames "
        f"spread over the recording and refined {options['refinements']} times; shifts "
        f"are multiples of 1/{options['upsample']} pixel and at most "
        f"{100 * options['max_shift']:g} % of the image"
    )
    shifts = [f["median_shift_px"] for f in found if f.get("median_shift_px")]
    if shifts:
        text += f" (median {_range(pd.Series(shifts), 2)} pixels by recording)"
    lost = sum(int(f.get("unaligned_frames", 0)) for f in found)
    return [text, f"{counted(lost, 'frame')} could not be aligned"]


def _dff(options: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[str]:
    if options["method"] == "none":
        return ["Raw counts were kept (no dF/F)"]
    found = [s["dff"] for s in steps if "dff" in s]
    zero = sum(int(f.get("zero_f0_pixels", 0)) for f in found)
    clipped = sum(int(f.get("clipped_values", 0)) for f in found)
    blur = f", blurred by {options['blur_px']:g} pixels" if options["blur_px"] else ""
    offset = f" after {options['offset']:g} counts of offset were taken off"
    return [
        (
            "The resting fluorescence F0 of a pixel was the smallest running mean over "
            f"{options['window_frames']} frames{blur}"
            f"{offset if options['offset'] else ''}; dF/F = 100 (F - F0) / F0, in per "
            "cent"
        ),
        (
            f"{counted(zero, 'pixel')} with an F0 below {100 * options['epsilon']:g} % "
            "of "
            f"the median were set to 0 and {counted(clipped, 'value')} beyond "
            f"{options['clip_percent']:g} % clipped"
        ),
    ]


def _resize(options: Mapping[str, Any]) -> list[str]:
    if options["method"] == "none":
        return ["Images kept their size"]
    how = {"squash": "", "pad": ", proportions kept between borders"}
    return [
        (
            f"Images were averaged over areas to {options['height']} × "
            f"{options['width']} "
            f"pixels{how[options['aspect']]}"
        )
    ]


def _trace(options: Mapping[str, Any]) -> list[str]:
    if options["method"] == "none":
        return ["Traces were used as they are"]
    return [f"Traces became dF/F over their {options['percentile']:g}th percentile"]


def _pose(options: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> list[str]:
    how = {
        "none": "as they are",
        "relative": f"relative to {options['root'] or 'the roots of their groups'}",
        "angles": "as angles",
    }
    missing = sum(int(s.get("missing_points", 0)) for s in steps)
    closed = sum(int(s.get("interpolated_points", 0)) for s in steps)
    dropped = f", without {', '.join(options['drop'])}" if options["drop"] else ""
    zero = " or at exactly 0" if options["zero_is_missing"] else ""
    return [
        f"Poses were taken {how[options['method']]}{dropped}",
        (
            f"{counted(missing, 'point')} were missing (confidence below "
            f"{options['min_confidence']:g}{zero}), of which {closed:,} in gaps of up "
            "to "
            f"{options['max_gap_s']:g} s were interpolated"
        ),
    ]


def _excluded(facts: ProjectFacts) -> list[str]:
    streams = facts.streams[facts.streams["invalid_frames"] > 0]
    lost = streams.groupby("stream", sort=False)[["invalid_frames", "frames"]].sum()
    if lost.empty:
        return ["No frame was excluded"]
    parts = [
        f"{int(row['invalid_frames']):,} of {int(row['frames']):,} frames of {name}"
        for name, row in lost.iterrows()
    ]
    return [f"Excluded as invalid: {'; '.join(parts)}"]


def _accepted(facts: ProjectFacts) -> list[str]:
    return [
        f"Accepted in spite of a refusal: {one['check']}"
        f"{' of ' + one['recording'] if one['recording'] else ''} ({one['why']}"
        f"{', ' + one['by'] if one['by'] else ''})"
        for one in facts.accepted
    ]


def _steps(facts: ProjectFacts) -> Iterable[Mapping[str, Any]]:
    for made in facts.provenance.values():
        yield from made.get("steps", {}).values()


def _names(texts: Iterable[str]) -> list[str]:
    return sorted({name for text in texts for name in text.split(", ")})


def _range(values: Any, digits: int = 0) -> str:
    """Return ``1.5 to 2`` or, when all are the same, ``2``."""
    low, high = float(np.min(values)), float(np.max(values))
    texts = [f"{round(v, digits):,.{digits}f}" for v in (low, high)]
    texts = [t.rstrip("0").rstrip(".") if "." in t else t for t in texts]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _joined(sentences: Sequence[str], gap: str = ". ") -> str:
    return gap.join(s.rstrip(".") for s in sentences if s) + "."
