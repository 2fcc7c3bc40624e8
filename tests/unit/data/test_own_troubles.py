"""Protects a learner whose file is odd in a way that the 38 folders of tests/own_data are not.

Each of these was read wrong once, or ended in another library's traceback.
"""

import io
import json
import os

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from helpers.data.own import OwnDataError, own_data

ROWS = [
    (f"The soup number {i} was {'good' if i % 2 else 'bad'}", "good" if i % 2 else "bad") for i in range(60)
]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]
FRENCH = [(f"{text} à la crème brûlée, déjà", label) for text, label in ROWS]


def csv(rows, separator=",", head="text,label"):
    quoted = ('"' + text + '"' for text, _ in rows)
    lines = (f"{text}{separator}{label}\n" for text, (_, label) in zip(quoted, rows))
    return head.replace(",", separator) + "\n" + "".join(lines)


@pytest.fixture
def file(tmp_path):
    def written(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def all_rows(mine):
    return sorted(
        (row["text"], mine.label_names[row["label"]]) for split in mine.dataset.values() for row in split
    )


def noted(mine, words):
    return any(words in note for note in mine.notes)


# Whole files in another form: (name, content)
FORMS = {
    "the line with which Excel names its separator": ("a.csv", "sep=;\n" + csv(ROWS, ";")),
    "a title above the header": ("a.csv", "Reviews, exported 2024\n" + csv(ROWS)),
    "a title without a comma": ("a.csv", "Reviews exported 2024\n\n" + csv(ROWS)),
    "a space before the quotes": ("a.csv", "text, label\n" + "".join(f'"{a}", "{b}"\n' for a, b in ROWS)),
    "JSON lines called .json": ("a.json", "".join(json.dumps(row) + "\n" for row in OBJECTS)),
    "JSON lines called .txt": ("a.txt", "".join(json.dumps(row) + "\n" for row in OBJECTS)),
    "each label in a list": (
        "a.jsonl", "".join(json.dumps(row | {"label": [row["label"]]}) + "\n" for row in OBJECTS),
    ),
    "fastText": ("a.txt", "".join(f"__label__{label} {text}\n" for text, label in ROWS)),
    "JSON one level down": ("a.json", json.dumps({"version": 1, "data": OBJECTS})),
    "JSON by columns": ("a.json", pd.DataFrame(OBJECTS).to_json()),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_come_out_of_each_form(form, file):
    mine = own_data(file(*FORMS[form]))
    assert all_rows(mine) == sorted(ROWS) and mine.rows_read == 60


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "mac_roman", "cp850", "iso8859_15"])
def test_accents_come_back_from_each_old_encoding(encoding, file):
    """é has another byte in each; read as another, every accent is wrong, and nobody is told."""
    polish = [(f"{text}, zła i żółta zupa", label) for text, label in ROWS]
    rows = polish if encoding == "cp1250" else FRENCH
    assert all_rows(own_data(file("a.csv", csv(rows).encode(encoding)))) == sorted(rows)


def test_utf8_with_two_broken_bytes_stays_utf8(file):
    """Read as cp1252, each accent of the file would be wrong because of two bytes."""
    content = csv(FRENCH).encode().replace("é".encode(), b"\xe9", 2)
    mine = own_data(file("a.csv", content))
    assert noted(mine, "UTF-8 with broken bytes, at least 2")
    assert sum("déjà" in text for text, _ in all_rows(mine)) == 59, "two stood in one text"


def test_one_old_byte_far_down_is_found(file):
    content = csv(ROWS * 700).encode() + '"the café",good\n'.encode("latin-1")
    assert ("the café", "good") in all_rows(own_data(file("a.csv", content)))


def test_the_header_in_the_middle_is_no_row(file):
    """`cat a.csv b.csv` makes such files; "label" would be a class."""
    mine = own_data(file("a.csv", csv(ROWS[:30]) + csv(ROWS[30:])))
    assert mine.label_names == ["bad", "good"] and mine.rows_dropped == {"the header again": 1}
    assert mine.rows_read == 61


def test_splits_inside_one_json_file_stay(file):
    """Only the longest list was read, and the others vanished without a word."""
    parts = {"train": OBJECTS[:40], "val": OBJECTS[40:50], "test": OBJECTS[50:]}
    mine = own_data(file("a.json", json.dumps(parts)))
    assert {split: len(rows) for split, rows in mine.dataset.items()} == {
        "train": 40, "validation": 10, "test": 10,
    }  # fmt: skip


def test_sheets_called_train_and_test_are_splits(tmp_path):
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame(OBJECTS[:40]).to_excel(book, sheet_name="train", index=False)
        pd.DataFrame(OBJECTS[40:]).to_excel(book, sheet_name="test", index=False)
    mine = own_data(tmp_path / "a.xlsx")
    assert len(mine.dataset["test"]) == 20 and mine.rows_read == 60


def test_another_sheet_is_named_with_its_rows(tmp_path):
    with pd.ExcelWriter(tmp_path / "a.xlsx") as book:
        pd.DataFrame([["Report 2024", None], ["text", "label"], *ROWS]).to_excel(
            book, sheet_name="messages", index=False, header=False
        )
        pd.DataFrame({"x": [1, 2]}).to_excel(book, sheet_name="numbers", index=False)
    mine = own_data(tmp_path / "a.xlsx")
    assert all_rows(mine) == sorted(ROWS) and noted(mine, "'numbers' (3 rows)")
    assert noted(mine, "Left out above the header")


LABELS = {
    "codes keep their zeros": (["01", "02", "10"], ["01", "02", "10"], ""),
    "a class may be called NA": (["NA", "x", "y"], ["NA", "x", "y"], "Taken as classes: ['NA']"),
    "letters composed in two ways": (
        ["café", "cafe\u0301", "x\u200b"],
        ["café", "x"],
        "invisible characters",
    ),
    "percentages": (["10%", "5%", "20%"], ["5%", "10%", "20%"], "have an order"),
    "long codes": (["90071992547409931", "90071992547409932", "3"], 3, ""),
    "half stars with a comma": (["0,5", "4,5", "5,0"], ["0.5", "4.5", "5"], "numbers"),
    "minus one": (["-1", "0", "1"], ["-1", "0", "1"], "numbers"),
    "missing among numbers": (["1", "2", "n/a"], ["1", "2"], "stands for no label"),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_are_what_the_file_says(case, file):
    values, names, words = LABELS[case]
    rows = [(text, values[i % 3]) for i, (text, _) in enumerate(ROWS)]
    mine = own_data(file("a.csv", csv(rows, ";")))
    assert len(mine.label_names) == names if isinstance(names, int) else mine.label_names == names
    assert noted(mine, words), mine.notes


def test_unlabelled_folders_of_imdb_are_set_aside(file):
    """`unsup` would be a third class of 50,000 reviews; a text beside the folders would be a class, too."""
    for split in ("train", "test"):
        for name in ("pos", "neg"):
            for i in range(12):
                file(f"aclImdb/{split}/{name}/{i}.txt", f"film {split} {name} {i}")
    for i in range(9):
        file(f"aclImdb/train/unsup/{i}.txt", f"film nobody knows {i}")
    folder = file("aclImdb/imdbEr.txt", "0.1\n").parent
    mine = own_data(folder)
    assert mine.label_names == ["neg", "pos"] and len(mine.unlabelled) == 9
    assert len(mine.dataset["test"]) == 24 and mine.rows_read == 57


def test_posts_without_an_ending_are_texts_of_their_folder(file):
    for name in ("rec.autos", "sci.med"):
        for i in range(20):
            path = file(f"20news/{name}/{1000 + i}", f"post {name} {i}")
    assert own_data(path.parents[1]).label_names == ["rec.autos", "sci.med"]


def test_a_second_column_of_texts_is_said(file):
    lines = [f"A man {i} plays the piano,A person {i} makes music now,{'ec'[i % 2]}\n" for i in range(60)]
    mine = own_data(file("a.csv", "premise,hypothesis,label\n" + "".join(lines)))
    assert noted(mine, "text=['premise', 'hypothesis']")
    both = own_data(
        file("a.csv", "premise,hypothesis,label\n" + "".join(lines)), text=["premise", "hypothesis"]
    )
    assert all("\n" in text for text, _ in all_rows(both))


def test_a_text_with_fifty_copies_does_not_fill_the_test_split(file):
    rows = [("the same", "ab"[i % 2]) for i in range(50)] + [(f"other {i}", "ab"[i % 2]) for i in range(40)]
    mine = own_data(file("a.csv", csv(rows)))
    assert "the same" in mine.dataset["train"]["text"] and len(mine.dataset["test"]) < 20


# What people have in memory
MEMORY = {
    "a list of dicts": OBJECTS,
    "a DataFrame": pd.DataFrame(OBJECTS),
    "a Dataset": Dataset.from_list(OBJECTS),
    "a Dataset that names its classes": Dataset.from_dict(
        {"text": [text for text, _ in ROWS], "label": [int(label == "bad") for _, label in ROWS]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=["good", "bad"])}),
    ),
}


@pytest.mark.parametrize("kind", MEMORY)
def test_what_lies_in_memory_is_taken_too(kind):
    mine = own_data(MEMORY[kind])
    assert all_rows(mine) == sorted(ROWS)
    assert mine.label_names == (["good", "bad"] if "names" in kind else ["bad", "good"])


def test_the_splits_of_a_dataset_dict_stay():
    rows = Dataset.from_list(OBJECTS)
    given = DatasetDict(
        train=rows.select(range(40)), dev=rows.select(range(40, 50)), test=rows.select(range(50, 60))
    )
    assert [len(split) for split in own_data(given).dataset.values()] == [40, 10, 10]


def test_an_ordered_category_of_pandas_keeps_its_order():
    frame = pd.DataFrame(OBJECTS).assign(
        label=pd.Categorical(
            [["top", "bottom", "half"][i % 3] for i in range(60)], ["bottom", "half", "top"], True
        )
    )
    mine = own_data(frame)
    assert mine.label_names == ["bottom", "half", "top"] and mine.ordered


def test_half_a_character_does_not_stop_the_reading(file):
    content = "[" + ",".join([r'{"text": "\ud83d cut", "label": "good"}', *map(json.dumps, OBJECTS)]) + "]"
    assert ("� cut", "good") in all_rows(own_data(file("a.json", content)))


REFUSED = {
    "bytes": (b"x", {}, "Expected the path"),
    "nothing": (None, {}, "Expected the path"),
    "an empty path": ("", {}, "Expected the path"),
    "an empty list": ([], {}, "Expected the path"),
    "an open file": (io.StringIO("text,label"), {}, "Expected the path"),
    "the text itself": ("text,label\ngood,1\n", {}, "Save it as a file first"),
    "an address": ("https://example.com/a.csv", {}, "is an address"),
    "a wrong column": (OBJECTS, {"text": "txt"}, "Did you mean 'text'?"),
    "a number as column": (OBJECTS, {"text": 0}, "Expected a column 0"),
    "no column": (OBJECTS, {"text": []}, "got none"),
    "one text only": ([row | {"text": "same"} for row in OBJECTS], {}, "with 1 different texts"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_data_is_refused_in_one_sentence(case):
    path, told, words = REFUSED[case]
    with pytest.raises(OwnDataError) as caught:
        own_data(path, **told)
    assert words in str(caught.value) and "\n" not in str(caught.value)


FILES_REFUSED = {
    "a web page": ("a.csv", "<!DOCTYPE html><html>login</html>", "web page"),
    "a pointer of git-lfs": ("a.csv", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "a pickle": ("a.pkl", b"\x80\x04", "A pickle can run code"),
    "an archive": ("a.tar.gz", b"\x1f\x8b", "an archive"),
    "zeros at the end": ("a.csv", csv(ROWS).encode() + b"\0" * 500, "zero bytes from byte"),
    "a separator of two characters": ("a.csv", csv(ROWS), "one character as separator"),
    "an encoding that is none": ("a.csv", csv(ROWS), "Expected the name of an encoding"),
}
TOLD = {
    "a separator of two characters": {"separator": "||"},
    "an encoding that is none": {"encoding": "rot13"},
}


@pytest.mark.parametrize("case", FILES_REFUSED)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(case, file):
    name, content, words = FILES_REFUSED[case]
    with pytest.raises(OwnDataError) as caught:
        own_data(file(name, content), **TOLD.get(case, {}))
    assert words in str(caught.value)


def test_a_link_that_leads_nowhere_is_called_so(tmp_path):
    os.symlink("nowhere", tmp_path / "a.csv")
    with pytest.raises(OwnDataError, match="leads nowhere"):
        own_data(tmp_path / "a.csv")


def test_a_name_in_a_zip_leads_nowhere(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../out.csv", csv(ROWS))
    before = set(tmp_path.rglob("*"))
    assert own_data(tmp_path / "a.zip").rows_read == 60 and set(tmp_path.rglob("*")) == before


def test_a_large_file_is_sampled_and_says_so(file, monkeypatch):
    """A gigabyte of rows as Python texts would take four."""
    from helpers.data.own import tables

    monkeypatch.setattr(tables, "SAMPLE_ABOVE", 1_000)
    monkeypatch.setattr(tables, "SAMPLE_ROWS", 40)
    mine = own_data(file("a.csv", csv(ROWS)))
    assert mine.rows_read == 60 and mine.rows_dropped == {"not in the sample": 20}
    assert sum(map(len, mine.dataset.values())) == 40 and noted(mine, "a random sample of 40 is used")
    assert set(all_rows(mine)) <= set(ROWS)


def test_the_error_shows_no_traceback():
    assert OwnDataError("Expected x.")._render_traceback_() == ["OwnDataError: Expected x."]


def test_a_column_that_names_the_split_is_obeyed(file):
    """The test rows of such a file trained the model."""
    lines = [f'"{text}",{label},{"test" if i >= 48 else "train"}\n' for i, (text, label) in enumerate(ROWS)]
    mine = own_data(file("a.csv", "text,label,split\n" + "".join(lines)))
    assert sorted(mine.dataset["test"]["text"]) == sorted(text for text, _ in ROWS[48:])


def test_minus_one_of_a_class_label_is_no_class():
    """SNLI has it where its writers did not agree."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["good", "bad"])})
    labels = [-1 if i % 10 == 0 else int(label == "bad") for i, (_, label) in enumerate(ROWS)]
    rows = {"text": [text for text, _ in ROWS], "label": labels}
    mine = own_data(Dataset.from_dict(rows, features=features))
    assert mine.label_names == ["good", "bad"] and mine.rows_dropped == {"no label": 6}


def test_the_names_of_classes_in_a_parquet_file_of_datasets_are_kept(tmp_path):
    MEMORY["a Dataset that names its classes"].to_parquet(tmp_path / "a.parquet")
    mine = own_data(tmp_path / "a.parquet")
    assert mine.label_names == ["good", "bad"] and all_rows(mine) == sorted(ROWS)


@pytest.mark.parametrize("told", [{"header": 0}, {"ordered": "no"}])
def test_yes_and_no_are_said_as_such(told):
    """pandas' header=0 means the first line; here, it would have meant none."""
    with pytest.raises(OwnDataError, match="True, False or None"):
        own_data(OBJECTS, **told)
