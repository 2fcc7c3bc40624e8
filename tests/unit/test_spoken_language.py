"""Protects a learner from sentences in a language that they did not choose, and from columns out of line."""

import gettext

import pytest
import wcwidth
from babel.messages import mofile
from babel.messages.catalog import Catalog

from helpers import language
from helpers.language import N_, _, ngettext, padded, wrapped


@pytest.fixture
def shouted(tmp_path, monkeypatch):
    """Make up a language, "sv", and choose it."""
    catalogue = Catalog(locale="sv")
    catalogue.add("{n} texts", "{n} TEXTER")
    catalogue.add(("{n} row", "{n} rows"), ("{n} RAD", "{n} RADER"))
    folder = tmp_path / "sv" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "helpers.mo").open("wb") as file:
        mofile.write_mo(file, catalogue)
    monkeypatch.setattr(language, "LOCALE", tmp_path)
    monkeypatch.setattr(language, "_catalogue", gettext.NullTranslations())
    monkeypatch.setattr(language, "_language", "en")
    language.choose("sv")


def test_a_chosen_language_speaks(shouted):
    assert language.chosen() == "sv" and language.languages() == ["en", "sv"]
    assert _("{n} texts").format(n=3) == "3 TEXTER"
    assert [ngettext("{n} row", "{n} rows", n).format(n=n) for n in (1, 2)] == ["1 RAD", "2 RADER"]


def test_what_the_catalogue_lacks_is_said_in_english(shouted):
    assert (_("new"), N_("new")) == ("new", "new")


def test_an_empty_text_is_not_the_catalogue_s_own_header(shouted):
    """`gettext` keeps who translated what under the empty message."""
    assert _("") == ""


def test_english_again(shouted):
    language.choose("en")
    assert _("{n} texts") == "{n} texts" and language.chosen() == "en"


def test_a_language_without_a_catalogue_is_refused(shouted):
    with pytest.raises(ValueError, match=r"Expected a language, one of en, sv, got 'fr'\."):
        language.choose("fr")


def test_columns_of_hangul_are_two_wide():
    """`{name:9}` counts letters, and the next column starts too far right."""
    assert [wcwidth.wcswidth(padded(name, 9)) for name in ("기기", "Device", "a long name")] == [9, 9, 11]
    lines = wrapped("모델은 글을 읽지 못합니다. 그래서 숫자로 바꿉니다.", 20)
    assert len(lines) == 3 and all(wcwidth.wcswidth(line) <= 20 for line in lines)
    assert " ".join(lines) == "모델은 글을 읽지 못합니다. 그래서 숫자로 바꿉니다."
