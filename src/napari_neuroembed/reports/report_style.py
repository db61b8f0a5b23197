"""How the page of a report looks, and the few lines of script that draw its figures."""

from __future__ import annotations

from napari_neuroembed.data.palette import THEMES
from napari_neuroembed.plotting.theme import FONT

_TONE = THEMES["light"]

STYLE = f"""
:root{{--paper:{_TONE["paper"]};--panel:{_TONE["panel"]};--line:{_TONE["line"]};
--text:{_TONE["text"]};--muted:{_TONE["muted"]};--accent:{_TONE["accent"]}}}
body{{font:14px/1.45 {FONT};color:var(--text);background:var(--paper);
max-width:1200px;margin:24px auto;padding:0 16px;font-variant-numeric:tabular-nums}}
h1{{font-size:22px;margin:0 0 16px}}h2{{font-size:16px;margin:40px 0 8px;
padding-top:8px;border-top:1px solid var(--line)}}h3{{font-size:14px;margin:16px 0 4px}}
p{{margin:4px 0 8px;max-width:80ch}}p.finding{{font-size:16px}}
p.note{{color:var(--muted)}}
p.text{{max-width:100ch}}ul{{margin:4px 0 8px;padding-left:20px;max-width:100ch}}
ul.warnings{{list-style:none;padding:8px 12px;border-left:3px solid #B3541E;
background:var(--panel)}}ul.warnings li{{margin:4px 0}}
.wide{{overflow-x:auto;margin:8px 0}}table{{border-collapse:collapse;font-size:12px}}
td,th{{padding:4px 12px 4px 0;text-align:left;border-bottom:1px solid var(--line);
vertical-align:top}}th{{color:var(--muted);font-weight:500;white-space:nowrap}}
td.n{{text-align:right}}details{{margin:8px 0}}summary{{cursor:pointer}}
pre{{background:var(--panel);padding:12px;border-radius:6px;overflow-x:auto;
font-size:12px;white-space:pre-wrap}}
.figures{{display:grid;
grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));
gap:16px 24px;grid-auto-flow:dense}}figure{{margin:0;min-width:0}}
figure.across{{grid-column:1/-1}}figcaption{{color:var(--muted);
font-size:12px}}.files a{{margin-left:8px;white-space:nowrap}}a{{color:var(--accent)}}
@media print{{.figures{{display:block}}figure{{break-inside:avoid}}}}
"""

SCRIPT = """
const draw = (script) => {
  if (script.drawn) return; script.drawn = true;
  const figure = JSON.parse(script.textContent);
  Plotly.newPlot(script.dataset.figure, figure.data, figure.layout, OPTIONS);
};
const scripts = document.querySelectorAll('script[data-figure]');
const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
  if (entry.isIntersecting) draw(entry.target.nextElementSibling);
}), {rootMargin: '600px'});
scripts.forEach((script) => seen.observe(script.previousElementSibling));
addEventListener('beforeprint', () => scripts.forEach(draw));
"""
"""Draws a figure when it comes into sight: a page of many runs stays light."""
