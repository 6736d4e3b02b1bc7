"""The file itself: the summary, the data, the built page.

The page's script and style are in it as they come from gzip, and unpacked by the browser: a third of the size. Where that
fails, or there is no JavaScript, the summary stays on the screen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from swept.errors import SweptError
from swept.report.packing import LETTERS, packed

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
_START = """
document.documentElement.dataset.page = "";
const back = () => {
  if (!document.getElementById("app").hasChildNodes()) delete document.documentElement.dataset.page;
};
addEventListener("error", back);
addEventListener("unhandledrejection", back);
"""
"""Before anything is drawn, so that the summary is not seen for a moment; it comes back where the page does not start."""
_UNPACK = """
(async () => {
  const places = new Map([...`LETTERS`].map((letter, place) => [letter.charCodeAt(0), place]));
  for (const kind of ["style", "script"]) {
    const packed = document.getElementById(`swept-${kind}`).textContent;
    const bytes = new Uint8Array(Math.floor(packed.length * 4 / 5));
    for (let from = 0, to = 0; from < packed.length; from += 5, to += 4) {
      let word = 0;
      for (let at = from; at < from + 5; at++) word = word * 85 + (places.get(packed.charCodeAt(at)) ?? 84);
      for (let at = 0; at < 4; at++) bytes[to + at] = word >>> (24 - 8 * at);
    }
    const gzip = new DecompressionStream("gzip");
    const writer = gzip.writable.getWriter();
    const element = document.createElement(kind);
    const said = new Response(gzip.readable).text();
    [element.textContent] = await Promise.all([said, writer.write(bytes), writer.close()]);
    document.head.append(element);
  }
})();
""".replace("`LETTERS`", json.dumps(LETTERS))
"""As `data/packing.ts` does it for the data, once the script is there; a Blob would wait for the browser's own process."""
_STYLE = """
#summary{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1.25rem}
#summary h1{font-size:1.4rem;margin:.5rem 0}#summary h2{font-size:1.05rem;margin:1.5rem 0 .5rem}
#summary pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
#summary table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px;display:block;overflow-x:auto}
#summary th,#summary td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)}
#summary th:first-child,#summary td:first-child{text-align:left}
#summary figure{margin:1rem 0}#summary svg{width:100%;height:auto;fill:currentColor;font:11px system-ui,sans-serif}
#summary figcaption{font-size:12px}
#summary ul{padding-left:1.2rem;margin:0}#summary li{margin:.15rem 0}
#summary circle{fill-opacity:.55}#summary .mark{fill-opacity:.55}
#summary .dots{stroke:currentColor;stroke-opacity:.55;stroke-width:4;stroke-linecap:round}
#summary .best{fill:none;stroke:#0072b2;stroke-width:2}
#summary .baseline{fill:none;stroke:currentColor;stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){#summary .best{stroke:#56b4e9}}
@media screen{[data-page] #summary{display:none}}
@media print{
@page{margin:14mm}#app{display:none}:root{color-scheme:light}
html,body{background:#fff!important;color:#000!important}
#summary{max-width:none;padding:0;font-size:10.5pt}#summary pre{font-size:8.5pt}
#summary table{display:table;font-size:7.5pt}#summary th,#summary td{padding:.15rem .35rem;overflow-wrap:anywhere}
#summary figure,#summary tr,#summary li{break-inside:avoid}#summary h2{break-after:avoid}
#summary .best{stroke:#0072b2}
}
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The front end as one script and one style sheet."""

    script: str
    style: str


def built() -> Bundle:
    """The package's. Raises SweptError where it was not built."""
    folder = files("swept.server") / "static" / "app"
    try:
        return Bundle(
            (folder / "report.js").read_text(encoding="utf-8"),
            (folder / "report.css").read_text(encoding="utf-8"),
        )
    except FileNotFoundError as error:
        raise SweptError(
            "this installation has no dashboard: it was not built",
            hint="`make dashboard`, in the folder that swept was installed from, builds it",
        ) from error


def document(title: str, summary: str, data: str, bundle: Bundle) -> str:
    """`summary` is HTML, `data` the text of the `#swept-data` element."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">\n'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">\n'
        f"<style>{_STYLE}</style><script>{_START}</script></head><body>\n"
        f'<main id="summary">\n{summary}\n</main><div id="app"></div>\n'
        f'<script type="application/json" id="swept-data">{data}</script>\n'
        f'<script type="text/plain" id="swept-style">{packed(bundle.style.encode())}</script>\n'
        f'<script type="text/plain" id="swept-script">{packed(bundle.script.encode())}</script>\n'
        f"<script>{_UNPACK}</script>\n</body></html>\n"
    )
