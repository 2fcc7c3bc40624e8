"""Find the files behind a path, and say which split each of them is.

A path is a file, a folder, a zip or a list of these. Nothing is unpacked onto the disk: a file inside a zip
is read through the zip, so its name cannot lead anywhere.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from helpers.data.own.errors import OwnDataError, nearest
from helpers.language import N_, _

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development", "eval"),
    "test": ("test", "testing"),
}
SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words}
_FORMATS = (".csv", ".tsv", ".txt", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".xlsm")
_PICKLE = N_("a pickle")
_REFUSED = {
    _PICKLE: (".pkl", ".pickle", ".pt", ".pth", ".joblib"),
    N_("an array"): (".npy", ".npz"),
    N_("an old Excel file"): (".xls",),
    N_("a PDF"): (".pdf",),
    N_("a Word document"): (".doc", ".docx"),
    N_("an archive"): (".rar", ".7z", ".tar", ".tgz", ".bz2", ".xz"),
    N_("a database"): (".sqlite", ".db"),
}
_REFUSED_AS = {suffix: kind for kind, suffixes in _REFUSED.items() for suffix in suffixes}
# A zip of a few kilobytes can hold more than any disk
_MOST_IN_A_ZIP = 4 * 2**30


@dataclass(frozen=True)
class Source:
    """One file: its name for messages, how to open it, its size in bytes, and its split if the name says so.

    `label` is the class, if the file is one text in a folder that is called like its class.
    """

    name: str
    open: Callable[[], BinaryIO]
    size: int
    split: str | None = None
    label: str | None = None

    @property
    def suffix(self) -> str:
        """Return the ending that says the format, without .gz."""
        return PurePosixPath(self.name.lower().removesuffix(".gz")).suffix


def find_sources(path, notes: list[str]) -> list[Source]:
    """List the files that hold rows, in the order of their names. What is left out is said in `notes`."""
    if isinstance(path, (list, tuple)) and path:
        return [source for one in path for source in find_sources(one, notes)]
    _check_path(path)
    try:
        return _sources_of(Path(path).expanduser(), notes)
    except (OSError, RuntimeError) as error:
        raise OwnDataError(
            _("Expected to read {path!r}, but the system says: {error}.").format(path=str(path), error=error)
        ) from error


def _sources_of(path: Path, notes: list[str]) -> list[Source]:
    if path.is_dir():
        return _of_folder(path, notes)
    if not path.exists():
        beside = {other.name for other in path.parent.iterdir()} if path.parent.is_dir() else set()
        if path.name in beside:
            raise OwnDataError(
                _("Expected a file, but {path!r} is a link that leads nowhere.").format(path=str(path))
            )
        raise OwnDataError(
            _("Expected a file or a folder, but there is no {path!r}.").format(path=str(path))
            + " "
            + nearest(path.name, beside)
            + _("The notebook works in {folder!r}.").format(folder=str(Path.cwd()))
        )
    if path.suffix.lower() == ".zip":
        return _of_zip(path, notes)
    return [_source_of(path, path.name)]


def _check_path(path) -> None:
    """Raise OwnDataError for what names no file: the text itself, an address, a dataset of the Hub."""
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise OwnDataError(
            _(
                "Expected the path of a file or folder, a list of paths, a DataFrame or a Dataset, "
                "got {path!r}."
            ).format(path=path)
        )
    text = str(path)
    if "\n" in text or len(text) > 1_000:
        raise OwnDataError(_("Expected the path of a file, but this is a text. Save it as a file first."))
    if re.match(r"\w+://", text):
        raise OwnDataError(
            _("Expected a file on this machine, but {path!r} is an address. Download it first.").format(
                path=text
            )
        )


def _source_of(path: Path, name: str, label: str | None = None, split: str | None = None) -> Source:
    def opened() -> BinaryIO:
        return gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")

    return Source(name, opened, path.stat().st_size, split or split_named(name), label)


def _of_folder(folder: Path, notes: list[str]) -> list[Source]:
    inside = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return _chosen(
        list(inside), lambda name, label, split: _source_of(inside[name], name, label, split),
        notes, str(folder),
    )  # fmt: skip


def _of_zip(path: Path, notes: list[str]) -> list[Source]:
    try:
        archive = zipfile.ZipFile(path)
        infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise OwnDataError(
            _("Expected a zip archive, but {file} is damaged ({error}). Download or pack it again.").format(
                file=path.name, error=error
            )
        ) from error
    total = sum(info.file_size for info in infos.values())
    if total > _MOST_IN_A_ZIP:
        raise OwnDataError(
            _(
                "{file} says that it holds {found:.0f} GB; expected at most {most} GB. "
                "Unpack it yourself, and give the one file that you need."
            ).format(file=path.name, found=total / 2**30, most=_MOST_IN_A_ZIP // 2**30)
        )
    if locked := next((name for name, info in infos.items() if info.flag_bits & 1), None):
        raise OwnDataError(
            _("{file} in {archive} is encrypted. Unpack it with its password first.").format(
                file=locked, archive=path.name
            )
        )

    def source(name: str, label: str | None, split: str | None) -> Source:
        def opened() -> BinaryIO:
            member = archive.open(name)
            return (
                io.BufferedReader(gzip.GzipFile(fileobj=member)) if name.lower().endswith(".gz") else member
            )

        return Source(name, opened, infos[name].file_size, split or split_named(name), label)

    return _chosen(list(infos), source, notes, path.name)


def _chosen(names: Sequence[str], source: Callable, notes: list[str], where: str) -> list[Source]:
    """Choose among the files of a folder or zip: texts in folders of their class, or tables."""
    visible = [name for name in names if not _is_hidden(name)]
    if texts := _texts_by_class(visible):
        return [source(name, label, split) for name, label, split in texts]

    # Tables
    tables = [name for name in visible if _is_table(name)]
    samples = [name for name in tables if "submission" in PurePosixPath(name).stem.lower()]
    if samples and len(samples) < len(tables):
        notes.append(
            _("Left out {files}: a sample submission holds no texts.").format(files=", ".join(samples))
        )
        tables = [name for name in tables if name not in samples]
    if not tables:
        kinds = ", ".join(sorted(_FORMATS))
        found = ", ".join(map(repr, visible[:5])) or _("nothing")
        raise OwnDataError(
            _(
                "Expected files with rows in {where} ({kinds}), or one folder of .txt files for each class; "
                "found {found}. Name the file itself: own_data('{where}/…')."
            ).format(where=where, kinds=kinds, found=found)
        )
    if len(named := [name for name in tables if split_named(name)]) not in (0, len(tables)):
        rest = [name for name in tables if name not in named]
        notes.append(
            _("Left out {files}: the other files are called train, validation or test.").format(
                files=", ".join(rest)
            )
        )
        tables = named
    return [source(name, None, None) for name in tables]


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "__MACOSX", "~$")) and part not in (".", "..") for part in parts)


def _is_table(name: str) -> bool:
    path = PurePosixPath(name.lower().removesuffix(".gz"))
    if path.stem.startswith(("readme", "license", "licence", "changelog", "vocab", "requirements")):
        return False
    return path.suffix in _FORMATS or (not path.suffix and split_named(name) is not None)


def split_named(name: str) -> str | None:
    """Return "train", "validation" or "test" if a file or one of its folders is called so; else None."""
    path = PurePosixPath(name)
    for part in (path.name.split(".")[0], *reversed(path.parts[:-1])):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in SPLIT_OF:
                return SPLIT_OF[word]
    return None


def _texts_by_class(names: Sequence[str]) -> list[tuple[str, str, str | None]]:
    """Return (name, class, split) of each .txt file, if they lie in folders that are called like classes."""
    texts = [PurePosixPath(name) for name in names if "/" in name]
    texts = [text for text in texts if text.suffix.lower() in (".txt", "") or text.suffix[1:].isdigit()]
    above = {parent for text in texts for parent in text.parent.parents}  # these hold folders of classes
    classes = {
        text.parent.name
        for text in texts
        if text.parent not in above and split_named(text.parent.name + "/x") is None
    }
    of_classes = [text for text in texts if text.parent.name in classes and text.parent not in above]
    # A folder for each class, and more texts than folders: else these are tables in folders
    if len(classes) < 2 or len(of_classes) < 2 * len(classes):
        return []
    return [(str(text), text.parent.name, split_named(str(text.parent))) for text in of_classes]


def refuse_by_name(source: Source) -> None:
    """Raise OwnDataError for a kind of file that holds no rows, or could run code when it is opened."""
    kind = _REFUSED_AS.get(source.suffix) or _REFUSED_AS.get(PurePosixPath(source.name.lower()).suffix)
    if kind:
        sentences = [
            _("Expected rows of text and label in {file}, but it is {kind}.").format(
                file=source.name, kind=_(kind)
            ),
            _("A pickle can run code when it is opened.") if kind == _PICKLE else "",
            _("Save it as CSV, JSON lines or Parquet where it was made."),
        ]
        raise OwnDataError(" ".join(filter(None, sentences)))


def read_bytes(source: Source) -> bytes:
    """Read a file whole."""
    return b"".join(chunks(source))


def chunks(source: Source, size: int = 2**20) -> Iterator[bytes]:
    """Yield the bytes of a file, or raise OwnDataError if it is damaged."""
    try:
        with source.open() as file:
            while block := file.read(size):
                yield block
    except PermissionError as error:
        raise OwnDataError(
            _("Expected to read {file}, but you have no permission to.").format(file=source.name)
        ) from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise OwnDataError(
            _(
                "Expected to read {file} to its end, but it is damaged or cannot be read ({error}). "
                "Download or copy it again."
            ).format(file=source.name, error=error)
        ) from error
