"""Frames of a video as one lazy array: any frame, in any order, exactly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.data.readers.media import VIDEO_FORMATS, open_media
from napari_neuroembed.data.readers.video.index import VideoIndex
from napari_neuroembed.errors import DataError


class VideoClip:
    """Images (time, y, x) or (time, y, x, 3), uint8, decoded when indexed.

    A frame is found by its timestamp: the decoder goes to the key frame before it and
    on until the timestamp is the wanted one. Reading in order decodes every frame
    once. The open decoder is not copied to other processes.

    Parameters
    ----------
    index
        Timestamps of the file.
    color
        ``gray`` or ``rgb``.
    """

    def __init__(self, index: VideoIndex, color: str) -> None:
        self._index = index
        self._format = "gray" if color == "gray" else "rgb24"
        image = (index.height, index.width)
        self._image = image if color == "gray" else (*image, 3)
        self.shape: tuple[int, ...] = (index.n_frames, *self._image)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._keys = np.flatnonzero(index.keyframe)
        self._open()

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._next = 0

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict[str, Any]:
        drop = ("_lock", "_container", "_frames", "_next")
        return {k: v for k, v in self.__dict__.items() if k not in drop}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __getitem__(self, key: Any, /) -> NDArray[np.uint8]:
        time, *rest = key if isinstance(key, tuple) else (key,)
        if time is Ellipsis:
            time, rest = slice(None), [Ellipsis, *rest]
        wanted = np.arange(len(self))[time]
        flat = np.atleast_1d(wanted)
        images = np.empty((len(flat), *self._image), dtype=np.uint8)
        with self._lock:
            for place in np.argsort(flat, kind="stable"):
                images[place] = self._frame(int(flat[place]))
        if np.ndim(wanted) == 0:
            return images[(0, *rest)]  # type: ignore[no-any-return]
        return images[(slice(None), *rest)]

    def close(self) -> None:
        """Close the decoder; the next index opens it again."""
        with self._lock:
            if self._container is not None:
                self._container.close()
            self._container, self._frames, self._next = None, iter(()), 0

    def _frame(self, wanted: int) -> NDArray[np.uint8]:
        import av

        if self._last is not None and self._last[0] == wanted:
            return self._last[1]
        try:
            if not self._is_ahead(wanted):
                self._seek(wanted)
            image = self._decode_to(wanted)
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", "") or error
            raise self._bad(self._next, f"{reason}") from error
        self._remember(wanted, image)
        return image

    _last: tuple[int, NDArray[np.uint8]] | None = None

    def _remember(self, number: int, image: NDArray[np.uint8]) -> None:
        self._last = (number, image)

    def _is_ahead(self, wanted: int) -> bool:
        """Whether decoding on is at least as short as starting at a key frame."""
        if self._container is None or wanted < self._next:
            return False
        return not self._index.is_timed or self._key_before(wanted) <= self._next

    def _key_before(self, wanted: int) -> int:
        before = int(np.searchsorted(self._keys, wanted, side="right")) - 1
        return int(self._keys[before]) if before >= 0 else 0

    def _seek(self, wanted: int) -> None:
        """Go to the last key frame that is not after the wanted frame."""
        if self._container is None:
            self._container = open_media(self._index.path, VIDEO_FORMATS)
        stream = self._container.streams.video[0]
        key = self._key_before(wanted) if self._index.is_timed else 0
        at = int(self._index.pts[key]) if self._index.is_timed else 0
        self._container.seek(at, stream=stream, backward=True)
        self._frames = self._container.decode(stream)
        self._next = key

    def _decode_to(self, wanted: int) -> NDArray[np.uint8]:
        pts = self._index.pts
        for frame in self._frames:
            if self._index.is_timed:
                if frame.pts is None or frame.pts < pts[self._next]:
                    continue
                found = int(np.searchsorted(pts, frame.pts))
            else:
                found = self._next
            if frame.is_corrupt:
                raise self._bad(found, "its data are damaged")
            self._next = found + 1
            if found == wanted and (
                not self._index.is_timed or frame.pts == pts[found]
            ):
                image: NDArray[np.uint8] = frame.to_ndarray(format=self._format)
                if image.shape != self._image:
                    raise self._bad(found, f"its size is {image.shape}")
                return image
            if found > wanted:
                break
        raise self._bad(wanted, "the decoder did not give it")

    def _bad(self, number: int, reason: str) -> DataError:
        index = self._index
        number = min(number, index.n_frames - 1)
        seconds = (index.pts[number] - index.pts[0]) * index.tick_s
        when = f" at {seconds:.3f} s" if index.is_timed else ""
        self._container, self._frames, self._next = None, iter(()), 0
        return DataError(
            f"{index.path}: frame {number}{when} cannot be decoded ({reason}); "
            f"{index.declared or index.n_frames:,} frames are declared, {number:,} are "
            "readable before it. Copy the video again or re-encode it with ffmpeg. "
            "[video.decode]"
        )
