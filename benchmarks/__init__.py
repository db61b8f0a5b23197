"""Speed and exactness beside plain ways of doing the same: python -m benchmarks."""

from __future__ import annotations

BENCHMARKS = {
    "import_time": "what `import napari_neuroembed` costs, beside a bare interpreter",
    "dff": "resting fluorescence, beside a mean for every window",
    "resize": "area averages of frames, beside scikit-image",
    "tiff_read": "a pass over a movie in TIFF, beside tifffile",
    "windows": "random windows of the training cache, beside zarr and pages",
    "memory": "memory of pre-processing a stack and one four times as long",
    "previews": "how long a window waits for a preview",
    "enc_train": "training the image encoder in its fastest layout, beside a plain one",
    "augment": "augmentations of whole batches, beside frame by frame",
    "knn_exact": "the neighbours of pose swapping, beside brute force and faiss",
    "enc_embed": "embedding with frames shared by windows, beside window by window",
    "timeline": "painting the timeline of bouts, beside a rectangle for every bout",
    "hostile": "what damaged and malicious files come to, beside tifffile",
    "crash": "what a killed writer leaves: ours, torch.save, np.save, tifffile ...",
}
"""Every benchmark: the name of its module here, and one line about it."""
