"""The live truth of bouts, actions and raters, shared by every program."""

from napari_neuroembed.data.annotations.store import AnnotationStore, Bout, Conflict

__all__ = ["AnnotationStore", "Bout", "Conflict"]
