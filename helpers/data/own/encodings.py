"""Find out in which encoding a file was written."""

from __future__ import annotations

import codecs
import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from charset_normalizer import from_bytes

from helpers.data.own.errors import OwnDataError
from helpers.language import _

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Where a file begins so, its zero bytes are those of UTF-16
_BEGINNING = 1_000
_HANGUL = re.compile("[가-힣]")
_KANA = re.compile("[\u3041-\u30fa]")
_HAN = re.compile("[\u4e00-\u9fff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
# The encodings of languages with Latin letters, the most frequent first
_LATIN = ("cp1252", "cp1250", "iso8859_2", "cp1254", "mac_roman", "cp850")
_TYPOGRAPHY = set("“”„‘’‚–—…€£°§«»·¡¿©®™½")


@dataclass(frozen=True)
class Encoding:
    """The name of an encoding, and what to do with bytes that are impossible in it, as in `bytes.decode`."""

    name: str
    errors: str = "strict"


def find_encoding(blocks: Iterable[bytes], name: str, given: str | None, notes: list[str]) -> Encoding:
    """Return the encoding of a file, which comes in blocks. Notes anything but plain UTF-8.

    Raises OwnDataError if Python does not know the encoding `given`, or if the file is no text.
    """
    if given is not None:
        return Encoding(_known(given))
    blocks = iter(blocks)
    head = next(blocks, b"")
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            notes.append(
                _("{file} begins with a byte order mark: read as {encoding}.").format(
                    file=name, encoding=encoding.removesuffix("-sig")
                )
            )
            return Encoding(encoding)
    if b"\0" in head:
        return _with_zeros(head, name, notes)
    wrong = _not_utf8(head, blocks)
    if wrong is None:
        return Encoding("utf-8")

    # Mostly UTF-8 with a few broken bytes, or another encoding?
    sample = head if wrong is head else head + b"\n" + wrong
    mended = sample.decode("utf-8", errors="replace")
    broken = mended.count("\ufffd")
    if len(_NOT_ASCII.findall(mended)) > 5 * broken:
        notes.append(
            _("{file} is UTF-8 with broken bytes, at least {count}: each is shown as \ufffd.").format(
                file=name, count=broken
            )
        )
        return Encoding("utf-8", "replace")
    encoding = _legacy(sample)
    notes.append(
        _(
            "{file} is not UTF-8; read as {encoding}. "
            "If letters look wrong, name another: encoding='latin-1'."
        ).format(file=name, encoding=encoding)
    )
    return Encoding(encoding)


def _known(given) -> str:
    try:
        found = codecs.lookup(given)
        "".encode(given)  # some codecs are no encodings of text
        return found.name
    except (LookupError, TypeError) as error:
        raise OwnDataError(
            _(
                "Expected the name of an encoding such as 'utf-8', 'cp949' or 'latin-1', got {given!r}."
            ).format(given=given)
        ) from error


def _with_zeros(head: bytes, name: str, notes: list[str]) -> Encoding:
    """Return UTF-16 if every other byte is often zero, as in Latin text; other files are no text."""
    begins = head[:_BEGINNING]
    for encoding, zeros in (("utf-16-le", begins[1::2]), ("utf-16-be", begins[0::2])):
        if zeros.count(0) > 0.3 * len(zeros):
            notes.append(
                _("{file} has no byte order mark, but looks like {encoding}.").format(
                    file=name, encoding=encoding
                )
            )
            return Encoding(encoding)
    raise OwnDataError(
        _(
            "Expected text in {file}, but it holds zero bytes from byte {first} on, as pictures, archives "
            "and files that were cut off do. Save it as CSV, JSON lines or Parquet where it was made."
        ).format(file=name, first=head.index(0) + 1)
    )


def _not_utf8(head: bytes, blocks: Iterable[bytes]) -> bytes | None:
    """Return the first block that is not UTF-8; None if all are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    last = head
    try:
        for block in itertools.chain([head], blocks):
            last = block
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return last
    return None


def _legacy(sample: bytes) -> str:
    """Guess among the encodings from before Unicode."""
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    # Short texts mislead a general detector, so ask first what Korean and Japanese text would look like
    korean = _decoded(sample, "cp949")
    syllables = _HANGUL.findall(korean)
    # Bytes of other languages give syllables that hardly any Korean word has: EUC-KR holds the others
    usual = sum(len(one.encode("euc_kr", errors="ignore")) == 2 for one in syllables)
    if _share(_HANGUL, korean) > 0.6 and _share(_HAN, korean) < 0.3 and usual > 0.9 * len(syllables):
        return "cp949"
    japanese = _decoded(sample, "cp932")
    if _share(_KANA, japanese) > 0.3:
        return "cp932"

    best = from_bytes(sample).best()
    found = best.encoding if best else "ascii"
    scores = {encoding: _plausible(_decoded(sample, encoding)) for encoding in _LATIN}
    likely = max(scores, key=scores.get)
    few = sum(byte > 127 for byte in sample) < 0.15 * len(sample)
    if (few and scores[likely] > 0.8) or found in ("ascii", "utf_8"):
        return likely if scores[likely] > 0 else "latin_1"
    return found


def _plausible(text: str) -> float:
    """Return which share of the characters outside ASCII are letters that fit their place, or typography."""
    foreign = good = 0
    before = ""
    for one in text:
        if one > "\x7f":
            foreign += 1
            letter = unicodedata.category(one)[0] == "L"
            good += (letter and not (one.isupper() and before.islower())) or one in _TYPOGRAPHY
        before = one
    return good / foreign if foreign else 0.0


def _decoded(sample: bytes, encoding: str) -> str:
    """Return the text, or "" if the bytes are impossible in this encoding."""
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return ""


def _share(kind: re.Pattern, text: str) -> float:
    """Return which share of the characters outside ASCII are of this kind."""
    foreign = _NOT_ASCII.findall(text)
    return len(kind.findall(text)) / len(foreign) if foreign else 0.0
