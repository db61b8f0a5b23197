"""How a file is to be read where the file itself does not say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.options.base import STRICT

Role = Literal["functional", "anatomical"]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TiffOptions:
    """Reader `tiff`: one or several stacks."""

    axes: Annotated[str, Field(pattern=r"^[A-Z]{2,6}$")] | None = None
    """Meaning of the dimensions, slowest first, e.g. TYX, TCYX or TZCYX."""

    n_channels: Annotated[int, Field(ge=1, le=16)] | None = None
    """Channels that take turns in a flat row of pages; `axes` must name C."""

    n_slices: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Slices that take turns in a flat row of pages; `axes` must name Z."""

    z: Annotated[int, Field(ge=0)] | None = None
    """Which slice of a volume to take, from 0."""

    channels: dict[Role, Annotated[int, Field(ge=0)]] | None = None
    """Channel number of each role, e.g. {functional: 0, anatomical: 1}."""

    join: Literal["time", "channel"] = "time"
    """Several files follow each other in time, or hold one channel each."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TiffFolderOptions:
    """Reader `tiff_folder`: a folder of single frames."""

    pattern: str = ""
    """Take only the files of this pattern, e.g. ChanA_*.tif."""

    channels: dict[Role, str] | None = None
    """Pattern of each role's files, e.g. {functional: "ChanA_*.tif"}."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ThorOptions:
    """Readers `thor_raw` and `thor_tiff`: a recording of ThorImage."""

    channels: dict[Role, Annotated[int, Field(ge=0)]] | None = None
    """Channel number of each role, in the order of Experiment.xml: {functional: 0}."""

    z: Annotated[int, Field(ge=0)] | None = None
    """Which slice of a volume to take, from 0."""

    planes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Slices of a time point in the raw file, where ZStage@steps is not right."""

    n_channels: Annotated[int, Field(ge=1, le=16)] | None = None
    """Channels in the raw file, where the XML leaves it open."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OpticFlowOptions:
    """Reader `thor_flow`: the ball sensors' ``OptFlow.txt``."""

    kind: Literal["scalar", "trace"] | None = None
    """What it is; without it, scalars."""

    unit: str = ""
    """Unit of the values; without it, sensor counts."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class VideoOptions:
    """Reader `video`: a camera's clip or a folder of images."""

    color: Literal["auto", "gray", "rgb"] = "auto"
    """What frames are turned into; `auto` is gray for gray files, else rgb."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ArrayOptions:
    """Readers `npz` and `npy`."""

    kind: Literal["neural", "pose", "trace", "scalar"] | None = None
    """What the array is; without it, three axes with 2 or 3 last are a pose."""

    key: str | None = None
    """Which array of an npz holds the data."""

    transpose: bool | None = None
    """Swap the first two axes, because time is the second one."""

    rate_key: str | None = None
    """Which array of an npz holds the frames per second."""

    times_key: str | None = None
    """Which array of an npz holds the time of every frame in seconds."""

    names_key: str | None = None
    """Which array of an npz holds the names of neurons, points or signals."""

    confidence_key: str | None = None
    """Which array of an npz holds the confidence of every point, (time, point)."""

    names: tuple[str, ...] = ()
    """Names of neurons, points or signals, when the file has none."""

    unit: str = ""
    """Unit of the values, e.g. mm, rad or cm/s."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TableOptions:
    """Readers `csv` and `json`: columns of numbers."""

    kind: Literal["pose", "trace", "scalar"] | None = None
    """What the columns are; without it, columns named <joint>_x, _y are a pose."""

    unit: str = ""
    """Unit of the values, e.g. mm, rad or cm/s."""

    columns: tuple[str, ...] = ()
    """Take only these columns, in this order."""

    separator: Literal["", ",", ";", "\t"] = ""
    """What stands between two cells; found in the first lines when empty."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DeepLabCutOptions:
    """Readers `deeplabcut` and `deeplabcut_h5`."""

    individual: str | None = None
    """Which animal to take from a file of several."""

    unit: str = "px"
    """Unit of the coordinates."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SleapOptions:
    """Reader `sleap`."""

    individual: str | None = None
    """Which track to take from a file of several."""

    axes: tuple[Literal["frame", "track", "node", "xy"], ...] = ()
    """Order of the axes of `tracks`, when the file leaves it open."""

    n_frames: Annotated[int, Field(ge=2)] | None = None
    """Frames of the video, when the file ends at the last labelled one."""

    unit: str = "px"
    """Unit of the coordinates."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Df3dOptions:
    """Reader `df3d`."""

    points: Literal["points3d", "points3d_wo_procrustes", "points2d"] | None = None
    """Which points of a result file; without it, 3-D where there are some."""

    cameras: tuple[Annotated[int, Field(ge=0, le=6)], ...] = (1, 5)
    """Of 2-D points: camera of the right and of the left side, counted from 0 in
    DeepFly3D's order (right to left)."""

    image_shape: tuple[Annotated[int, Field(ge=1)], ...] = (480, 960)
    """Height and width of the camera images in pixels, where the file does not say."""

    unit: str = ""
    """Unit of the values; without it px for 2-D points, rad for angles."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Suite2pOptions:
    """Reader `suite2p`: traces of one plane."""

    neuropil: Annotated[float, Field(ge=0.0, le=1.5)] = 0.7
    """Share of the surrounding neuropil taken off: F - neuropil * Fneu."""

    all_rois: bool = False
    """Take every region, not only those that suite2p calls cells."""

    plane: Annotated[int, Field(ge=0)] | None = None
    """Which imaging plane, when there are several."""

    part: Annotated[int, Field(ge=0)] | None = None
    """Which of the recordings that suite2p processed together, from 0."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ScanImageOptions:
    """Reader `scanimage`: the files of one acquisition."""

    plane: Annotated[int, Field(ge=0)] | None = None
    """Which slice of a volume to take, from 0."""

    channels: dict[Role, Annotated[int, Field(ge=0)]] | None = None
    """Channel number of each role in the order of saving, e.g. {functional: 0}."""

    n_channels: Annotated[int, Field(ge=1, le=16)] | None = None
    """Channels that take turns from page to page, where the header is wrong."""

    n_slices: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Slices of a volume, where the header is wrong or old."""

    n_flyback: Annotated[int, Field(ge=0, le=4096)] | None = None
    """Frames at the end of a volume that show the way back, likewise."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PrairieOptions:
    """Reader `prairie`: a T-series folder of Prairie View."""

    plane: Annotated[int, Field(ge=0)] | None = None
    """Which plane of a volume to take, from 0."""

    channels: dict[Role, Annotated[int, Field(ge=0)]] | None = None
    """Channel number of each role, as in the file names: {functional: 2}."""

    cycle: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    """Which cycle to take, or all of them one after the other with gaps."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class PrairieVoltageOptions:
    """Reader `prairie_voltage`: a voltage recording of Prairie View."""

    columns: tuple[str, ...] = ()
    """Take only these signals, in this order."""

    cycle: Annotated[int, Field(ge=1)] | Literal["all"] | None = None
    """What was said of the frames, where the scan has several cycles."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class CaimanOptions:
    """Reader `caiman`: traces of a saved CNMF object."""

    trace: Literal["F_dff", "C", "S"] | None = None
    """Which traces; without it F_dff where there is one, else C."""

    all_rois: bool = False
    """Take every component, not only the accepted ones."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Mc2pOptions:
    """Reader `mc2p`: headerless float32 files of the MC2P data set."""

    kind: Literal["neural", "pose"] | None = None
    """What it is; without it, by the name of the file."""

    shape: tuple[Annotated[int, Field(ge=1, le=8192)], ...] | None = None
    """Values of one frame: [height, width] of images, or [76] for 38 points, [42] for
    angles, where the name of the file does not say."""

    images: (
        Literal["dff", "dff_resized", "warped_green", "affine_green", "raw_green"]
        | None
    ) = None
    """Which images of a folder; without it, the first of these that is there."""
