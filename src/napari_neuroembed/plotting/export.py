"""Figures as files for a paper: SVG and PDF whose text is text, PNG, and a web page."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from napari_neuroembed import files
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.plotting.theme import config

KINDS = ("svg", "pdf", "png", "html")
SINGLE_MM, DOUBLE_MM = 89.0, 183.0
"""Widths of one and of two columns of most journals."""

PX_PER_MM = 96 / 25.4
SMALLER = 1.35
"""Figures are drawn this much larger and scaled down, so that 12 px become 6.7 pt."""

TIMEOUT_S = 120
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--hide-scrollbars", "--allow-file-access-from-files"),
)


@dataclass(frozen=True)
class Sized:
    """A figure and its size on paper.

    Parameters
    ----------
    figure
        What is drawn; its own height in pixels decides the height on paper.
    width_mm
        89 or 183, usually.
    """

    figure: go.Figure
    width_mm: float = DOUBLE_MM

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height it is drawn in."""
        width = self.width_mm * PX_PER_MM * SMALLER
        height = self.figure.layout.height or 0.62 * width
        return round(width), round(float(height))


def find_browser() -> str:
    """Return the browser that draws figures: ``$CHROMIUM``, or one on the PATH.

    Raises
    ------
    ConfigError
        When there is none.
    """
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    where = f"$CHROMIUM is {named}" if named else f"none of {', '.join(BROWSERS)} found"
    raise ConfigError(
        f"SVG, PDF and PNG files are drawn by a browser, and there is none ({where}). "
        "Install Chromium or Chrome, or set CHROMIUM to its path; web pages and tables "
        "do without."
    )


def check_kinds(kinds: Iterable[str]) -> None:
    """Refuse (ConfigError) kinds of files that cannot be made."""
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ConfigError(
            f"Unknown kind of figure {', '.join(unknown)}. Known: {', '.join(KINDS)}."
        )


def write_figures(
    folder: Path, figures: Mapping[str, Sized], kinds: Iterable[str] = KINDS
) -> list[Path]:
    """Write figures, in one go because a browser takes a second to start.

    Parameters
    ----------
    folder
        Where ``<name>.<kind>`` go.
    figures
        By name.
    kinds
        Of :data:`KINDS`. SVG and PDF keep text as text and lines as lines; points drawn
        by WebGL become a picture in them. The web page opens without a network.

    Raises
    ------
    ConfigError
        When a kind is unknown, or no browser is there to draw it.
    """
    wanted = list(dict.fromkeys(kinds))
    check_kinds(wanted)
    drawn = _drawn(figures) if set(wanted) - {"html"} and figures else {}
    written = []
    for name, sized in figures.items():
        for kind in wanted:
            path = folder / f"{name}.{kind}"
            make = partial(_write, kind=kind, sized=sized, drawn=drawn.get(name))
            files.write_file(path, make)
            written.append(path)
    return written


Drawn = tuple[str, bytes]
"""SVG text and PNG bytes of a figure."""


def _write(path: Path, kind: str, sized: Sized, drawn: Drawn | None) -> None:
    if kind == "html":
        page = sized.figure.to_html(include_plotlyjs=True, config=config())
        path.write_text(page, encoding="utf-8")
        return
    assert drawn is not None
    svg, png = drawn
    if kind == "svg":
        path.write_text(svg, encoding="utf-8")
    elif kind == "png":
        path.write_bytes(png)
    else:
        path.write_bytes(_printed(svg, sized))


def _drawn(figures: Mapping[str, Sized]) -> dict[str, Drawn]:
    """Draw every figure, in one browser."""
    with tempfile.TemporaryDirectory(prefix="neuroembed-") as place:
        folder = Path(place)
        (folder / "plotly.js").write_text(get_plotlyjs(), encoding="utf-8")
        (folder / "page.html").write_text(_page(figures), encoding="utf-8")
        dom = _browse(folder, "--dump-dom", "--virtual-time-budget=60000")
    found = {}
    for name, sized in figures.items():
        texts = []
        for kind in ("svg", "png"):
            match = re.search(
                rf'<pre id="{re.escape(name)}-{kind}">(.*?)</pre>', dom, flags=re.DOTALL
            )
            if match is None or not match[1].startswith("data:image/"):
                told = html.unescape(match[1])[:300] if match else ""
                raise ConfigError(
                    f"The browser {find_browser()} did not draw {name}: "
                    f"{told or 'it took too long'}. Set CHROMIUM to another one."
                )
            texts.append(html.unescape(match[1]))
        svg = unquote(texts[0].partition(",")[2])
        png = base64.b64decode(texts[1].partition(",")[2])
        found[name] = (_on_paper(svg, sized), png)
    return found


def _page(figures: Mapping[str, Sized]) -> str:
    jobs = [
        {
            "name": name,
            "figure": json.loads(sized.figure.to_json()),
            "width": sized.size_px[0],
            "height": sized.size_px[1],
        }
        for name, sized in figures.items()
    ]
    marks = "".join(
        f'<pre id="{html.escape(name)}-{kind}"></pre>'
        for name in figures
        for kind in ("svg", "png")
    )
    work = json.dumps(jobs).replace("</", "<\\/")
    return f"""<!doctype html><meta charset="utf-8"><div id="plot"></div>{marks}
<script src="plotly.js"></script><script>
(async () => {{
  for (const job of {work}) {{
    const size = {{width: job.width, height: job.height}};
    const layout = {{...job.figure.layout, ...size}};
    for (const [format, scale] of [["svg", 1], ["png", 3]]) {{
      const mark = document.getElementById(job.name + "-" + format);
      try {{
        const given = {{data: job.figure.data, layout, config: {{staticPlot: true}}}};
        mark.textContent = await Plotly.toImage(given, {{format, scale, ...size}});
      }} catch (error) {{ mark.textContent = "error: " + error; }}
    }}
  }}
}})();
</script>"""


def _on_paper(svg: str, sized: Sized) -> str:
    """Give an SVG its size in millimetres."""
    width, height = sized.size_px
    mm = sized.width_mm, height * sized.width_mm / width
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(width|height|viewBox)="[^"]*"', "", head)
    box = f'width="{mm[0]:g}mm" height="{mm[1]:.2f}mm" viewBox="0 0 {width} {height}"'
    return f"{head} {box}>{rest}"


def _printed(svg: str, sized: Sized) -> bytes:
    width, height = sized.size_px
    mm = sized.width_mm, height * sized.width_mm / width
    style = (
        f"@page{{size:{mm[0]:g}mm {mm[1]:.2f}mm;margin:0}}"
        "body{margin:0}svg{display:block}"
    )
    page = f'<!doctype html><meta charset="utf-8"><style>{style}</style>{svg}'
    with tempfile.TemporaryDirectory(prefix="neuroembed-") as place:
        folder = Path(place)
        (folder / "page.html").write_text(page, encoding="utf-8")
        target = folder / "page.pdf"
        _browse(folder, f"--print-to-pdf={target}", "--no-pdf-header-footer")
        return target.read_bytes()


def _browse(folder: Path, *flags: str) -> str:
    """Open ``page.html`` of a folder unseen; return what the browser prints."""
    browser = find_browser()
    command = [browser, *_FLAGS, f"--user-data-dir={folder / 'profile'}", *flags]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--no-sandbox")  # a browser of root refuses to start otherwise
    try:
        done = subprocess.run(
            [*command, (folder / "page.html").as_uri()],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError(
            f"The browser {browser} could not draw figures ({error}). Set CHROMIUM to "
            "another one."
        ) from error
    return done.stdout.decode("utf-8", errors="replace")
