"""What the tests of alternative texts share: the pictures of a page, and which of them say too little."""

import re
from html.parser import HTMLParser


class Pictures(HTMLParser):
    """The attributes of every `<img>` in some HTML, as `found`."""

    def __init__(self, markup: str):
        super().__init__()
        self.found = []
        self.feed(markup)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def says_too_little(alt: str | None) -> bool:
    """True unless `alt` has at least six words and a number."""
    return alt is None or len(alt.split()) < 6 or re.search(r"\d", alt) is None
