#!/bin/sh
# Run a command with a screen: this one, or a virtual one where there is none.
# QT_QPA_PLATFORM=offscreen cannot draw napari's canvas, xvfb can.
set -eu
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v xvfb-run >/dev/null 2>&1; then
  exec xvfb-run -a -s "-screen 0 1600x1200x24" "$@"
fi
exec "$@"
