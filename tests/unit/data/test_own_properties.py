"""Protects a learner from the file that nobody thought of: hypothesis writes it in many formats."""

import csv
import gzip
import io
import json
import random
import zipfile
from collections import Counter
from dataclasses import dataclass

import datasets
import openpyxl
import pandas as pd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.data import own_data
from helpers.data.own import OwnDataError

# The same examples each time, and few of them: each writes and reads files
few = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
datasets.disable_progress_bars()

PLAIN = "soup bread room waiter coffee garden guide repair was lovely cold late why never again".split()
SIGNS = ['"', '""', "'", ",", ";", "\t", "\n", "|", ", ", '"so"', "(a, b)", "#", "&amp;", "50 %", ":-)"]
# What each encoding has beyond ASCII. Each text has one of these words, so that the encoding can be guessed
UNICODE = ["친절했습니다", "맛있었어요", "😀", "👍🏽", "déjà", "größer", "—"]
WORDS = {
    "utf-8": UNICODE,
    "utf-8-sig": UNICODE,
    "utf-16": UNICODE,
    "cp949": ["친절했습니다", "맛있었어요", "다시", "오고", "싶어요", "국물은", "방은"],
    "shift_jis": ["とても", "おいしい", "サービス", "がよかった", "また来ます", "部屋は"],
    "latin-1": ["déjà", "été", "café", "größer", "señor", "Hôtel", "très"],
}
CLASSES = ["good", "bad", "so-so", "hard to say", "odd"]
TEXT_FORMATS = ("csv", "tsv", "semicolon", "jsonl", "json")
FORMATS = (*TEXT_FORMATS, "parquet", "xlsx")


@dataclass
class Made:
    """A table, and how it is to be written."""

    rows: list[tuple[str, str]]
    format: str
    encoding: str
    label_first: bool
    line_end: str
    quoting: int

    @property
    def suffix(self):
        return {"semicolon": "csv"}.get(self.format, self.format)

    @property
    def ambiguous(self):
        """Whether many encodings can read these bytes, so that the reader has to be told."""
        return self.format in TEXT_FORMATS and self.encoding in ("cp949", "shift_jis", "latin-1")

    def content(self):
        names = ["label", "text"] if self.label_first else ["text", "label"]
        records = [dict(zip(("text", "label"), row, strict=True)) for row in self.rows]
        records = [{name: record[name] for name in names} for record in records]
        out = io.BytesIO()
        if self.format == "parquet":
            pd.DataFrame(records).to_parquet(out)
        elif self.format == "xlsx":
            book = openpyxl.Workbook(write_only=True)
            sheet = book.create_sheet()
            for record in (dict(zip(names, names)), *records):
                sheet.append(list(record.values()))
            book.save(out)
        elif self.format in ("jsonl", "json"):
            lines = [json.dumps(record, ensure_ascii=False) for record in records]
            whole = "\n".join(lines) if self.format == "jsonl" else f"[{', '.join(lines)}]"
            out.write(whole.encode(self.encoding))
        else:
            text = io.StringIO()
            separator = {"csv": ",", "tsv": "\t", "semicolon": ";"}[self.format]
            writer = csv.writer(text, delimiter=separator, lineterminator=self.line_end, quoting=self.quoting)
            writer.writerows([names, *(record.values() for record in records)])
            out.write(text.getvalue().encode(self.encoding))
        return out.getvalue()


@st.composite
def made(draw, formats=FORMATS, encodings=tuple(WORDS)):
    """Draw 40 to 80 rows of 2 to 5 classes. `share` of the texts hold signs that could break a row apart."""
    format, encoding = draw(st.sampled_from(formats)), draw(st.sampled_from(encodings))
    classes = CLASSES[: draw(st.integers(2, 5))]
    signs = draw(st.lists(st.sampled_from(SIGNS), min_size=1, max_size=6, unique=True))
    share = draw(st.sampled_from([0.03, 0.3, 1.0]))
    count = draw(st.integers(40, 80))
    choose = random.Random(draw(st.integers(0, 2**32)))
    rows = []
    for number in range(count):
        words = [*choose.sample(PLAIN, choose.randint(1, 6)), choose.choice(WORDS[encoding])]
        choose.shuffle(words)
        if choose.random() < share:
            for _ in range(choose.randint(1, 3)):
                words.insert(choose.randint(0, len(words)), choose.choice(signs))
        # A sign may touch its neighbours; no text ends in spaces, which a table may lose
        text = "".join(word + choose.choice(["", " "]) if word in signs else f"{word} " for word in words)
        label = classes[number % len(classes)] if number < 20 else choose.choice(classes)
        rows.append((text.strip(), label))
    return Made(
        rows,
        format,
        encoding,
        label_first=draw(st.booleans()),
        line_end=draw(st.sampled_from(["\n", "\r\n"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    )


def read_back(mine):
    return Counter(
        (row["text"], mine.label_names[row["label"]]) for rows in mine.dataset.values() for row in rows
    )


def adds_up(mine):
    kept = sum(map(len, mine.dataset.values()))
    return mine.rows_read == kept + len(mine.unlabelled or []) + sum(mine.rows_dropped.values())


def loads_or_refuses(path, **how):
    """Return what was read, or None. Any error but an OwnDataError with a sentence fails the test."""
    try:
        mine = own_data(path, **how)
    except OwnDataError as error:
        assert len(str(error)) > 40 and type(error) is OwnDataError
        return None
    assert adds_up(mine)
    return mine


# A line break and a comma in one text: each of its two lines falls apart in two fields, as a row does
TORN = Made(
    [*((f"soup {number}", "bad good".split()[number % 2]) for number in range(40)), ("a, b\nc", "good")],
    "csv",
    "utf-8",
    label_first=False,
    line_end="\n",
    quoting=csv.QUOTE_MINIMAL,
)


@given(made(), st.booleans())
@example(TORN, False)
@few
def test_a_table_comes_back_as_it_was_written(tmp_path_factory, table, packed):
    """Quotes, separators and line breaks inside a text tear rows apart; a wrong encoding garbles them."""
    path = tmp_path_factory.mktemp("own") / f"data.{table.suffix}{'.gz' * packed}"
    path.write_bytes(gzip.compress(table.content()) if packed else table.content())
    mine = own_data(path, encoding=table.encoding if table.ambiguous else None)
    assert read_back(mine) == Counter(table.rows)
    assert mine.rows_read == len(table.rows) and not mine.rows_dropped and mine.unlabelled is None
    assert mine.label_names == sorted({label for _, label in table.rows})


@given(
    made(
        formats=("csv", "tsv", "semicolon"), encodings=("utf-8", "utf-8-sig", "utf-16", "cp949", "shift_jis")
    )
)
@few
def test_the_encoding_of_enough_text_is_found(tmp_path_factory, table):
    """Korean and Japanese files come without a word about their encoding."""
    path = tmp_path_factory.mktemp("own") / f"data.{table.suffix}"
    path.write_bytes(table.content())
    assert read_back(own_data(path)) == Counter(table.rows)


CELL = st.sampled_from(["soup was cold", "bread is late", "The room, again", "never", "why? why", "", " "])
LABEL = st.sampled_from(["good", "bad", "Good ", "", "  "])
ROWS = st.lists(st.tuples(CELL, LABEL, st.integers(0, 9)), max_size=30)


@given(ROWS, ROWS, st.sampled_from(["with labels", "without labels", "no such file"]))
@few
def test_each_row_is_kept_dropped_or_set_aside(tmp_path_factory, train, test, kind):
    """Empty cells, copies and a test file without labels: a row that nobody counts is lost in silence."""
    folder = tmp_path_factory.mktemp("own")
    # Enough good rows for any split
    base = [
        (f"{noun} {verb}", label)
        for noun in PLAIN[:8]
        for verb, label in (("shone", "good"), ("broke", "bad"), ("sang", "good"), ("fell", "bad"))
    ]
    train = [*base, *((text and f"{text} {number}", label) for text, label, number in train)]
    test = [(text and f"{text} {number}", label) for text, label, number in test]
    test = [(f"here {text}", label) for text, label in base] + test if kind != "no such file" else []
    for name, rows in {"train": train, "test": test}.items():
        if rows:
            labelled = name == "train" or kind == "with labels"
            frame = pd.DataFrame(rows, columns=["text", "label"])[["text", "label"][: 1 + labelled]]
            frame.to_csv(folder / f"{name}.csv", index_label="id")
    mine = loads_or_refuses(folder)
    assert mine is not None and mine.rows_read == len(train) + len(test)
    if kind == "without labels":
        assert len(mine.unlabelled) + sum(mine.rows_dropped.values()) >= len(test)
    for split in ("train", "validation", "test"):
        assert all(text.strip() for text in mine.dataset[split]["text"])
    texts = [set(rows["text"]) for rows in mine.dataset.values()]
    assert len(set().union(*texts)) == sum(map(len, texts)), "copies of a text stay on one side"


@given(made(), st.booleans(), st.floats(0, 1), st.booleans())
@few
def test_a_file_that_breaks_off_loads_or_is_refused(tmp_path_factory, table, packed, where, told):
    """A download that stopped half way ends in an error of any library, but for this."""
    content = gzip.compress(table.content()) if packed else table.content()
    path = tmp_path_factory.mktemp("own") / f"data.{table.suffix}{'.gz' * packed}"
    path.write_bytes(content[: int(where * len(content))])
    loads_or_refuses(path, encoding=table.encoding if told and table.format in TEXT_FORMATS else None)


def zipped(table):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"data.{table.suffix}", table.content())
    return out.getvalue()


@given(
    made(),
    st.sampled_from(["zip", "gz", "as it is"]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
)
@few
def test_a_damaged_archive_loads_or_is_refused(tmp_path_factory, table, kind, damage):
    """Changed bytes reach zlib, zipfile, openpyxl and pyarrow, and each fails in its own way."""
    pack = {"zip": zipped, "gz": lambda table: gzip.compress(table.content()), "as it is": Made.content}
    content = bytearray(pack[kind](table))
    for where, change in damage:
        content[int(where * len(content))] ^= change
    end = {"zip": "zip", "gz": f"{table.suffix}.gz", "as it is": table.suffix}[kind]
    path = tmp_path_factory.mktemp("own") / f"data.{end}"
    path.write_bytes(content)
    loads_or_refuses(path)


@given(st.binary(max_size=300), st.sampled_from(["csv", "json", "jsonl", "parquet", "xlsx", "zip", "csv.gz"]))
@example(b"", "csv")
@example(b"[" * 100_000, "json")
@example(b"text,label\n", "csv")
@example(b"null", "json")
@example(b"[1, 2]", "json")
@example(b"\xff\xfe", "csv")
@few
def test_any_bytes_load_or_are_refused(tmp_path_factory, content, end):
    """A file with the wrong ending is opened by the wrong library."""
    path = tmp_path_factory.mktemp("own") / f"data.{end}"
    path.write_bytes(content)
    loads_or_refuses(path)
