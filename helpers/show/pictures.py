"""Pictures that a notebook shows by itself, each with an alternative text for people who cannot see it."""

from __future__ import annotations

import io
from base64 import b64encode
from html import escape

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Picture(Figure):
    """A Figure that a notebook shows by itself, without pyplot.

    `alt` says in words and numbers what the picture shows. Whoever draws it sets it.
    """

    alt = ""

    def _repr_png_(self):
        buffer = io.BytesIO()
        # The default compression takes half as long again and saves only 5 % of the bytes
        FigureCanvasAgg(self).print_png(buffer, pil_kwargs={"compress_level": 1})
        width, height = self.get_size_inches() * 100
        return buffer.getvalue(), {"width": int(width), "height": int(height), "alt": self.alt}

    def _repr_mimebundle_(self, include=None, exclude=None):
        """Give the picture as HTML, because JupyterLab and VS Code drop the alternative text of a PNG.

        The PNG is for what cannot show HTML, such as a PDF.
        """
        png, size = self._repr_png_()
        bundle = {
            "text/html": image_html(png, **size),
            "image/png": b64encode(png).decode(),
            "text/plain": self.alt,
        }
        return bundle, {"image/png": size}


def image_html(png: bytes, width: int, height: int, alt: str) -> str:
    """Return HTML for a picture of `width` by `height` pixels on the page, or less on a narrow page.

    Width and height keep the place before the picture is there, and it is decoded before it is painted. So a
    picture that replaces another does not flicker.
    """
    data = b64encode(png).decode()
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" decoding="sync" '
        f'style="display:block;max-width:100%;height:auto" src="data:image/png;base64,{data}">'
    )
