"""A folder of images as one lazy array."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.media import IMAGE_FORMATS, open_media
from napari_neuroembed.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def image_size(path: Path) -> tuple[int, int, str]:
    """Return height, width and pixel format of an image, from its header.

    Raises
    ------
    DataError
        When it is no image that can be opened.
    """
    import av

    try:
        with open_media(path, IMAGE_FORMATS) as container:
            context = container.streams.video[0].codec_context
            return int(context.height), int(context.width), str(context.pix_fmt or "")
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise _bad(path, error) from error


class ImageFolder:
    """Images (time, y, x) or (time, y, x, 3), uint8, one file per frame.

    Parameters
    ----------
    paths
        The files in order.
    color
        ``gray`` or ``rgb``.
    """

    def __init__(self, paths: Sequence[Path], color: str) -> None:
        self._paths = tuple(paths)
        self._format = "gray" if color == "gray" else "rgb24"
        height, width, _ = image_size(self._paths[0])
        self._image = (height, width) if color == "gray" else (height, width, 3)
        self.shape: tuple[int, ...] = (len(self._paths), *self._image)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        if time is Ellipsis:
            time, rest = slice(None), [Ellipsis, *rest]
        wanted = np.arange(len(self))[time]
        flat = np.atleast_1d(wanted)
        images = np.empty((len(flat), *self._image), dtype=np.uint8)
        for place, number in enumerate(flat):
            images[place] = self._load(self._paths[int(number)])
        if np.ndim(wanted) == 0:
            return images[(0, *rest)]  # type: ignore[no-any-return]
        return images[(slice(None), *rest)]

    def _load(self, path: Path) -> NDArray[np.uint8]:
        import av

        try:
            with open_media(path, IMAGE_FORMATS) as container:
                frame = next(container.decode(video=0))
                image: NDArray[Any] = frame.to_ndarray(format=self._format)
        except (av.error.FFmpegError, OSError, StopIteration) as error:
            raise _bad(path, error) from error
        if image.shape != self._image:
            raise DataError(
                f"{path} is {image.shape[0]} x {image.shape[1]} pixels, "
                f"{self._paths[0].name} {self._image[0]} x {self._image[1]}; expected "
                "equal sizes. Take the odd file out. [video.decode]"
            )
        return image


def _bad(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", "") or error or type(error).__name__
    return DataError(
        f"{path} cannot be opened as an image ({reason}). Copy it again or take it out "
        "of the folder. [video.decode]"
    )
