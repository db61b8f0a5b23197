"""The napari plugin: thin windows over the core.

Every widget is a dock of its own and one file. They share one `ProjectState` per
viewer and nothing else: no widget talks to another. Long work is a job (a `neuroembed`
process with its folder); nothing here trains, and nothing here imports torch.
"""
