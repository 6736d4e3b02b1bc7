"""`swept.show`: a sweep inside a notebook.

What is shown is the report, in a frame that holds it whole: it stays in the saved notebook, works where the notebook is
read without a server, and the server's pages need not allow to be framed, which would let any page put them under a
visitor's clicks. The frame is a sandbox of an origin of its own: names and logs of runs reach neither notebook nor server.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from swept.cli.locate import client_for, sweep_of
from swept.cli.report import report
from swept.report.document import built

HEIGHT = 800
IMAGES = 2
# A frame has no other way to know whether its notebook is light or dark: browsers tell it the element's colour scheme.
# Where a notebook is not trusted, frame and style are left out of it, and what the style hides is what one reads.
_STYLE = """
.swept-missing { display: none }
[data-jp-theme-light="true"] .swept-shown, .vscode-light .swept-shown { color-scheme: light }
[data-jp-theme-light="false"] .swept-shown, .vscode-dark .swept-shown { color-scheme: dark }
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Displays itself; `html` is the report, as a file would have it."""

    sweep: str
    address: str
    html: str
    height: int = HEIGHT

    def __repr__(self) -> str:
        return f"sweep {self.sweep}, live at {self.address}"

    def _repr_html_(self) -> str:
        address, sweep = escape(self.address), escape(self.sweep)
        return (
            f'<style>{_STYLE}</style><iframe class="swept-shown" srcdoc="{escape(self.html)}" '
            f'sandbox="allow-scripts allow-downloads" allow="clipboard-write; fullscreen" title="swept: sweep {sweep}" '
            f'style="width:100%;height:{self.height}px;border:1px solid #8888"></iframe>'
            '<div style="font-size:smaller"><span class="swept-missing">'
            f"sweep {sweep} is shown here once you trust this notebook, or run the cell; </span>"
            f'live: <a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a></div>'
        )


def show(sweep: str | None = None, *, height: int = HEIGHT, images: int = IMAGES) -> Shown:
    """The sweep's dashboard as it is now, for the last line of a notebook's cell.

    `sweep`: its id or its file; by default the newest one of the nearest `.swept/` folder. `images`: so many each of the
    best runs, the baseline and those trained after the sweep. Raises SweptError.
    """
    bundle = built()
    with client_for(sweep) as client:
        view = sweep_of(client, sweep)
        text, _ = report(client, view, bundle, images)
        return Shown(view["id"], f"{client.url}/sweeps/{view['id']}", text, height)
