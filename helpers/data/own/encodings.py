"""Find out in which encoding a file was written."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

from helpers.data.own.errors import OwnDataError

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HANGUL = re.compile("[가-힣]")
_KANA = re.compile("[\u3041-\u30fa]")
_HAN = re.compile("[\u4e00-\u9fff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_SIGNS = re.compile("[\xa1-\xa3\xa5-\xaa\xac-\xaf\xb1-\xba\xbc-\xbf\xd7\xf7]")
_WESTERN = re.compile(
    r"^(cp125[0246-8]|cp437|cp85\d|iso8859_.*|latin_1|mac_.*|hp_roman8|cp1140|cp500|cp037)$"
)


def find_encoding(blocks: Iterable[bytes], name: str, given: str | None, notes: list[str]) -> str:
    """Return the name of the encoding of a file, which comes in blocks. Notes anything but plain UTF-8.

    Raises OwnDataError if Python does not know the encoding `given`, or if the file is no text.
    """
    if given is not None:
        try:
            return codecs.lookup(given).name
        except LookupError as error:
            raise OwnDataError(
                f"Expected the name of an encoding such as 'utf-8', 'cp949' or 'latin-1', got {given!r}."
            ) from error
    blocks = iter(blocks)
    head = next(blocks, b"")
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            notes.append(f"{name} begins with a byte order mark: read as {encoding.removesuffix('-sig')}.")
            return encoding
    if b"\0" in head:
        return _with_zeros(head, name, notes)
    if _is_utf8(head, blocks):
        return "utf-8"
    encoding = _legacy(head)
    notes.append(
        f"{name} is not UTF-8; read as {encoding}. If letters look wrong, name another: encoding='latin-1'."
    )
    return encoding


def _with_zeros(head: bytes, name: str, notes: list[str]) -> str:
    """Return UTF-16 if every other byte is often zero, as in Latin text; other files are no text."""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[0::2])):
        if zeros.count(0) > 0.3 * len(zeros):
            notes.append(f"{name} has no byte order mark, but looks like {encoding}.")
            return encoding
    raise OwnDataError(
        f"Expected text in {name}, but it holds zero bytes, as pictures, archives and programs do. "
        "Save it as CSV, JSON lines or Parquet where it was made."
    )


def _is_utf8(head: bytes, blocks: Iterable[bytes]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _legacy(head: bytes) -> str:
    """Guess among the encodings from before Unicode."""
    sample = head[: head.rfind(b"\n") + 1] or head
    # Short texts mislead a general detector, so ask first what Korean and Japanese text would look like
    korean = _decoded(sample, "cp949")
    if _share(_HANGUL, korean) > 0.6 and _share(_HAN, korean) < 0.3:
        return "cp949"
    japanese = _decoded(sample, "cp932")
    if _share(_KANA, japanese) > 0.3:
        return "cp932"

    best = from_bytes(sample).best()
    encoding = best.encoding if best else "cp1252"
    if _WESTERN.match(encoding):
        # A few accents fit a dozen encodings; on the web it is nearly always cp1252. Where that gives
        # signs instead of letters, it was another.
        western = _decoded(sample, "cp1252")
        if not western:
            return "latin_1"
        if _share(_SIGNS, western) < 0.2 and sum(byte > 127 for byte in sample) < 0.1 * len(sample):
            return "cp1252"
    return encoding


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
