"""The ethogram timeline: bouts as rows of bands in time, drawn fast, edited by mouse.

``timeline.Timeline`` is the widget; everything it decides (which bouts are visible,
which action a column of pixels shows, what lies under the pointer) stands in modules
without Qt beside it.
"""
