"""Show a panel: as live widgets where the front end knows them, as a picture and a sentence elsewhere."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
from IPython.display import display

from helpers.language import _
from helpers.show.pictures import Picture, image_html

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# The full width. A widget has margins of 2 pixels; without this correction they bring a scroll bar.
WIDE = "calc(100% - 4px)"
# Hangul needs room between the lines, and the next line begins with a whole word, as with Latin letters
PARAGRAPH = "line-height:1.4;word-break:keep-all"


class Shown:
    """Base class of the panels.

    A subclass has `widget` (an ipywidgets widget), `picture()` and `sentence()`.
    """

    widget: widgets.Widget

    def picture(self) -> Picture | None:
        """Draw the panel as it is now, or return None if there is nothing to draw yet.

        Pages without live widgets show this picture: GitHub, or a page made by nbconvert.
        """
        raise NotImplementedError

    def sentence(self) -> str:
        """Say in words and numbers what the picture shows."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        picture = self.picture()
        bundle, metadata = ({}, {}) if picture is None else picture._repr_mimebundle_()
        bundle["text/plain"] = self.sentence()
        # A live panel changes, and this sentence does not: only a page without widgets shows it
        then = _("When this cell ran: {sentence}").format(sentence=escape(self.sentence(), quote=False))
        bundle["text/html"] = f"{bundle.get('text/html', '')}<p>{then}</p>"
        bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        display(bundle, metadata=metadata, raw=True)


def faded(text: str) -> str:
    """Return HTML for a small explanation.

    The text is faded instead of grey, so that people can read it in a light and in a dark theme.
    """
    style = f"opacity:0.75;font-size:12px;margin-bottom:6px;{PARAGRAPH}"
    return f'<div style="{style}">{escape(text)}</div>'


def image(figure: Picture | None = None) -> widgets.HTML:
    """Make a widget that shows `figure` and is never wider than the page. `draw` changes its picture.

    A `widgets.Image` would have no alternative text.
    """
    shown = widgets.HTML(layout=widgets.Layout(max_width=WIDE))
    if figure is not None:
        draw(shown, figure)
    return shown


def draw(shown: widgets.HTML, figure: Picture) -> None:
    """Replace the picture in `shown`."""
    png, size = figure._repr_png_()
    show_png(shown, png, **size)


def show_png(shown: widgets.HTML, png: bytes, *, width: int, height: int, alt: str) -> None:
    """Replace the picture in `shown` by a PNG that takes up `width` by `height` pixels on the page."""
    shown.value = image_html(png, width, height, alt)
