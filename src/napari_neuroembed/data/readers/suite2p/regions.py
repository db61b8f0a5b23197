"""The pixels of suite2p's regions: ``stat.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_neuroembed.data.footprints import Footprints
from napari_neuroembed.data.problems import Problem
from napari_neuroembed.data.readers.suite2p.settings import load_object
from napari_neuroembed.errors import DataError

FILE = "stat.npy"


def read_regions(
    plane: Path, n_regions: int, image_shape: tuple[int, int] | None
) -> tuple[Footprints | None, list[Problem]]:
    """Read rows, columns, weights and overlap of every region's pixels.

    Parameters
    ----------
    plane
        Folder of the plane.
    n_regions
        Traces of the plane, cells or not.
    image_shape
        Height and width of its images.

    Returns
    -------
    tuple
        Footprints of all regions, None where they are missing or of no use; and why.
    """
    path = plane / FILE
    lacks = ""
    if not path.is_file():
        lacks = f"{FILE} is missing"
    elif image_shape is None:
        lacks = "no settings file says the size of the image (Ly, Lx)"
    if lacks or image_shape is None:
        return None, [
            Problem(
                "suite2p.stat",
                "warning",
                f"{lacks}, so the traces come without the pixels of their regions.",
                str(plane),
            )
        ]
    try:
        return _footprints(path, n_regions, image_shape), []
    except DataError as error:
        text = f"the pixels of the regions were not read. {error}"
        return None, [Problem("footprints.invalid", "error", text, str(plane))]


def _footprints(path: Path, n_regions: int, image_shape: tuple[int, int]) -> Footprints:
    regions = load_object(path)
    found = list(regions) if isinstance(regions, np.ndarray | list | tuple) else []
    if len(found) != n_regions:
        raise DataError(
            f"{path} describes {len(found):,} regions, but there are {n_regions:,} "
            "traces. Run suite2p's last step again."
        )
    bad = [i for i, region in enumerate(found) if not _is_region(region)]
    if bad:
        raise DataError(
            f"{path}: region {bad[0]} has no lists of numbers ypix, xpix and lam "
            f"({len(bad):,} such regions). Run suite2p again."
        )
    overlap = None
    if all("overlap" in region for region in found):
        overlap = [region["overlap"] for region in found]
    return Footprints.of_regions(
        image_shape,
        y=[region["ypix"] for region in found],
        x=[region["xpix"] for region in found],
        weights=[region["lam"] for region in found],
        overlap=overlap,
    )


def _is_region(region: Any) -> bool:
    if not isinstance(region, dict):
        return False
    parts = [region.get(key) for key in ("ypix", "xpix", "lam")]
    parts += [region[key] for key in ("overlap",) if key in region]
    return all(isinstance(p, np.ndarray) and p.dtype.kind in "biuf" for p in parts)
