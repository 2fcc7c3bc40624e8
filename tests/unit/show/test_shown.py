"""Protects a learner from text that becomes markup, and from an empty place where no widget lives."""

import html
import io
from base64 import b64decode

import pytest
from alternatives import Pictures, says_too_little
from matplotlib.figure import Figure
from matplotlib.image import imread
from seen import HOSTILE, Read, shown_html

from helpers.show import shown


def test_what_is_typed_is_text_and_never_markup(tokens, tester):
    for panel in (tokens, tester):
        panel.text.value = "good"
        allowed = set(Read(shown_html(panel)).tags)
        panel.text.value = HOSTILE
        read = Read(shown_html(panel))
        assert set(read.tags) <= allowed and "script" not in read.tags
        assert "<script" not in shown_html(panel) and "<b>" not in tester.marked.value
    assert HOSTILE in Read(tester.marked.value).text
    assert "2 <b>stars</b>" in Read(tester.bars.value).text


@pytest.mark.parametrize("name", ["tokens", "padding", "tester"])
def test_the_bundle_holds_a_panel_a_picture_and_words(name, request, monkeypatch, capsys):
    panel = request.getfixturevalue(name)
    published = []
    monkeypatch.setattr(shown, "display", lambda bundle, **options: published.append((bundle, options)))
    panel._ipython_display_()
    ((bundle, options),) = published
    assert options["raw"] is True and set(bundle) == {
        "text/plain",
        "text/html",
        "image/png",
        shown.WIDGET_VIEW,
    }
    assert bundle["text/plain"] == panel.sentence()
    then = f"<p>When this cell ran: {html.escape(panel.sentence(), quote=False)}</p>"
    assert bundle["text/html"].endswith(then)
    assert capsys.readouterr().out == "", "under a live panel, it would soon say what is no longer so"
    assert bundle[shown.WIDGET_VIEW]["model_id"] == panel.widget.model_id
    assert imread(io.BytesIO(b64decode(bundle["image/png"]))).std() > 0, "something is drawn"
    assert isinstance(panel.picture(), Figure)
    (picture,) = Pictures(bundle["text/html"]).found
    assert not says_too_little(picture["alt"]) and panel.sentence() in picture["alt"]
