"""What the tests of the panels share: a browser's view of HTML, and texts that try to be more than text."""

from html.parser import HTMLParser

import ipywidgets as widgets
import numpy as np

HOSTILE = "<script>alert(1)</script> <b>bold</b> \"double\" 'single' & $x_1$ good"


LABELS = ("1 star", "2 <b>stars</b>", "3 & more", '4 "stars"', "5 stars $x")


class Read(HTMLParser):
    """Read markup as a browser does: keep the tags, and the text that is seen."""

    def __init__(self, markup):
        super().__init__()
        self.tags = []
        self.text = ""
        self.titles = []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        assert {name for name, _ in attributes} <= {"style", "title"}
        self.tags.append(tag)
        self.titles += [value for name, value in attributes if name == "title"]

    def handle_data(self, data):
        self.text += data


def shown_html(panel):
    return "".join(child.value for child in panel.widget.children if isinstance(child, widgets.HTML))


LENGTHS = np.array([10, 20, 30, 40, 100, 200, 400, 512, 512, 64] * 3)
