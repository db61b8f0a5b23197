#!/bin/sh
# Make the virtual environment with everything that tests and demo need.
# Called by `make`; VENV, TORCH=cpu|default and PYTHON choose where, what and with what.
set -eu

VENV=${VENV:-.venv}
TORCH=${TORCH:-cpu}
TORCH_CPU_INDEX=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}

# What the tests need of pyproject's extras and of Debian's or Ubuntu's packages.
EXTRAS=${EXTRAS:-test,docs,gui}
SCREEN="xvfb xauth libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon0
  libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0"
PACKAGES=${PACKAGES:-python3-venv $SCREEN}

say() { printf '%s\n' "set-up: $*" >&2; }

find_python() {
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' \
      2>/dev/null; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  say "Python 3.11 or newer is needed and was not found. Install it, or name it:"
  say "  make setup PYTHON=/path/to/python3.11"
  return 1
}

has_package() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# python3-venv is needed only where the Python found cannot make environments.
is_needed() {
  case $1 in
    python3-venv) ! "$python" -c 'import ensurepip, venv' 2>/dev/null ;;
    *) ! has_package "$1" ;;
  esac
}

install_system_packages() {
  missing=
  for package in $PACKAGES; do
    if is_needed "$package"; then missing="$missing $package"; fi
  done
  [ -n "$missing" ] || return 0
  root=
  if [ "$(id -u)" != 0 ]; then root="sudo -n"; fi
  if command -v apt-get >/dev/null 2>&1 && $root true 2>/dev/null; then
    say "installing$missing"
    $root apt-get update -q >&2
    # shellcheck disable=SC2086 - a list of names
    DEBIAN_FRONTEND=noninteractive $root apt-get install -q -y \
      --no-install-recommends $missing >&2
  else
    say "please install these system packages (names as on Debian):$missing"
  fi
}

# A CPU build is several times smaller than the one with CUDA. A file on disk is taken
# first (pip's find-links), then the index of CPU builds; where neither has one, the
# default build does the same work on a CPU.
install_torch() {
  torch="torch==$(sed -n 's/^torch==\([^ +]*\).*/\1/p' constraints.txt)"
  if [ "$TORCH" = cpu ] && [ "$(uname -s)" = Linux ]; then
    if pip_install "$torch" --no-index --no-deps 2>/dev/null; then return 0; fi
    if pip_install "$torch" --no-deps --retries 0 \
      --index-url "$TORCH_CPU_INDEX" 2>/dev/null; then return 0; fi
    say "no CPU build of $torch could be fetched; taking the default build"
  fi
  pip_install "$torch"
}

pip_install() { "$VENV/bin/pip" install -qq -c constraints.txt "$@"; }

python=$(find_python)
install_system_packages
say "using $("$python" --version 2>&1), environment $VENV"
[ -x "$VENV/bin/python" ] || "$python" -m venv "$VENV"
say "installing packages (some minutes the first time)"
install_torch
pip_install -e ".[$EXTRAS]"
say "done"
