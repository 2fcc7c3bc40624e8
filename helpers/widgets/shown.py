"""How a panel is shown: alive where the front end knows widgets, as a picture and a sentence where it does not."""

from __future__ import annotations

from base64 import b64encode
from html import escape

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDE = "calc(100% - 4px)"  # all of the place there is: a widget has margins of 2 pixels, and with them a scroll bar


class Shown:
    """Base of the panels. A subclass has `widget` (an ipywidgets widget), `picture()` and `sentence()`."""

    widget: widgets.Widget

    def picture(self) -> Figure:
        """What the panel shows now, for where it cannot live: a page made by nbconvert, GitHub."""
        raise NotImplementedError

    def sentence(self) -> str:
        """The same in words and numbers."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        image, size = self.picture()._repr_png_()
        bundle = {
            "text/plain": self.sentence(),
            "image/png": b64encode(image).decode(),
            WIDGET_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id},
        }
        display(bundle, metadata={"image/png": {**size, "alt": self.sentence()}}, raw=True)
        print("When this cell ran:", self.sentence())


def faded(text: str) -> str:
    """HTML for a small explanation: faded, not a grey of its own, so that it can be read in a light and in a dark theme."""
    return f'<div style="opacity:0.75;font-size:12px;line-height:1.3;margin-bottom:6px">{escape(text)}</div>'


def image(figure: Figure | None = None) -> widgets.Image:
    """A widget that shows `figure`, never wider than the page; `draw` changes it."""
    shown = widgets.Image(format="png", layout=widgets.Layout(max_width=WIDE, object_fit="contain"))
    if figure is not None:
        draw(shown, figure)
    return shown


def draw(shown: widgets.Image, figure: Figure) -> None:
    """Replace the picture. It keeps its size on the page, so nothing jumps."""
    shown.value, size = figure._repr_png_()
    shown.width = str(size["width"])
