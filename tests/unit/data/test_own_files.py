"""Protects a learner who brings a file: each kind of messy file is read to the last row, or refused in words.

The numbers here were counted in the files of tests/own_data by hand. They do not come from the reader.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from helpers.data import own_data
from helpers.data.own import OwnDataError

FILES = Path(__file__).parents[2] / "own_data"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Case:
    """What must come out of a folder.

    `rows` is what the reader must count. `classes` says how many rows of each class are kept, in the order
    of the classes. `given` has the sizes of the splits that the files give, apart from train. `dropped` has a
    word of the reason and the count. Each of `notes` is a group of words that stand together in one note.
    `samples` are rows as (text, class), looked up in the files: the first, the last and odd ones.
    """

    rows: int
    classes: dict[str, int]
    given: dict[str, int] = field(default_factory=dict)
    ordered: bool = False
    dropped: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    notes: tuple[tuple[str, ...], ...] = ()
    samples: tuple[tuple[str, str], ...] = ()


BAD_GOOD = {"bad": 60, "good": 60}
TEST = {"test": 30}
# The first row of train, its last, and the last of test
ENDS = (
    ("The soup was lovely", "good"),
    ("The repair is why we will not return", "bad"),
    ("The haircut is why we will not return", "bad"),
)
STARS = {"1": 30, "2": 30, "3": 40, "4": 30, "5": 30}

CASES = {
    "01_one_file": Case(120, BAD_GOOD, samples=ENDS),
    "02_semicolon": Case(120, BAD_GOOD, TEST, samples=ENDS),
    # The only bytes beyond ASCII are twelve é in train; test is plain ASCII
    "03_latin1": Case(
        120, BAD_GOOD, TEST, notes=(("train.csv", "UTF-8"),), samples=(*ENDS, ("The café was lovely", "good"))
    ),
    "04_cp949": Case(
        120,
        {"나쁨": 60, "좋음": 60},
        TEST,
        notes=(("train.csv", "cp949"), ("test.csv", "cp949")),
        samples=(("국물은 따뜻하고 맛있었어요", "좋음"), ("마사지는 기대에 못 미쳤어요", "나쁨")),
    ),
    "06_bom": Case(120, BAD_GOOD, TEST, samples=ENDS),
    "07_tsv_without_header": Case(120, BAD_GOOD, TEST, notes=(("train.tsv", "no header"),), samples=ENDS),
    "08_txt_tab_separated": Case(120, BAD_GOOD, TEST, samples=ENDS),
    "09_no_extension": Case(120, BAD_GOOD, TEST, samples=ENDS),
    "10_stars_from_1": Case(
        160,
        STARS,
        {"test": 40},
        ordered=True,
        samples=(("The soup was lovely", "5"), ("The haircut did its job", "3")),
    ),
    "11_stars_float": Case(
        160,
        STARS,
        {"test": 40},
        ordered=True,
        samples=(("The soup was lovely", "5"), ("The haircut did its job", "3")),
    ),
    "13_label_5_stars_text": Case(
        160,
        {"1 star": 30, "2 stars": 30, "3 stars": 40, "4 stars": 30, "5 stars": 30},
        {"test": 40},
        ordered=True,
        samples=(("The soup was lovely", "5 stars"), ("The haircut did its job", "3 stars")),
    ),
    "14_numbers_as_text": Case(
        120,
        {"1": 30, "2": 30, "3": 30, "10": 30},
        ordered=True,
        samples=(
            ("The soup was lovely, ticket 0", "1"),
            ("The haircut is why we will not return, ticket 119", "10"),
        ),
    ),
    # "good" stands there 30 times, "good " 30 times; "Bad" 30 times in train, "BAD" 15 times in each file: a
    # tie, so either is the commonest spelling
    "15_spaces_and_case": Case(120, {"Bad|BAD": 60, "good": 60}, TEST, notes=(("'BAD'", "'Bad'"),)),
    "16_bool": Case(
        120,
        {"False": 60, "True": 60},
        TEST,
        samples=(("The soup was lovely", "True"), ("The haircut is why we will not return", "False")),
    ),
    "18_codes_0_2_4": Case(
        90,
        {"0": 30, "2": 30, "4": 30},
        {"test": 22},
        ordered=True,
        samples=(("The soup was lovely", "4"), ("The coffee was fine, no more", "2")),
    ),
    # 90 rows of train and 30 of test; the 30 rows of the sample submission are not read
    "20_kaggle_test_without_labels": Case(
        120,
        {"0": 45, "1": 45},
        unlabelled=30,
        notes=(("sample_submission.csv",), ("test.csv", "no labels", "30")),
        samples=(("The soup was lovely", "1"), ("The repair is why we will not return", "0")),
    ),
    # Train has 60 bad and 30 good rows, test 30 good ones and no bad one
    "21_sorted_and_cut_by_position": Case(
        120, BAD_GOOD, notes=(("anew",),), samples=(("The haircut is why we will return", "good"),)
    ),
    "25_two_label_columns": Case(120, BAD_GOOD, TEST, notes=(("'label'", "'label_text'"),), samples=ENDS),
    # Train has 3 empty texts and 6 times "N/A", test has 3 empty texts; all of them are labelled bad
    "26_missing_text": Case(
        120,
        {"bad": 48, "good": 60},
        {"test": 27},
        dropped={"text": 12},
        notes=(("no text", "left out"),),
        samples=ENDS,
    ),
    # Nine empty labels in train, three in test; the last row of train is one
    "27_missing_label_int": Case(
        120,
        {"0": 48, "1": 60},
        {"test": 27},
        dropped={"label": 12},
        notes=(("12", "no label", "left out"),),
        samples=(("The soup was lovely", "1"), ("The haircut is why we will not return", "0")),
    ),
    "28_index_column": Case(120, BAD_GOOD, TEST, samples=ENDS),
    # The last ten rows of train are the first ten of test, with the same labels
    "30_same_rows_in_train_and_test": Case(
        130, BAD_GOOD, TEST, dropped={"copies": 10}, notes=(("10", "copies", "train"),), samples=ENDS
    ),
    # A text shows that tags and entities are kept as they are
    "32_html": Case(
        120,
        BAD_GOOD,
        TEST,
        notes=(("120", "HTML"),),
        samples=(("The<br /><br />soup was lovely &amp; that&#39;s it", "good"),),
    ),
    "33_rare_class": Case(
        101,
        {"fine": 60, "odd": 1, "so-so": 40},
        notes=(("'odd'", "one row"),),
        samples=(("The parrot swore at us", "odd"),),
    ),
    "40_folders_of_text_files": Case(
        120,
        {"neg": 60, "pos": 60},
        TEST,
        samples=(("The soup was lovely", "pos"), ("The repair is why we will not return", "neg")),
    ),
    # The README beside the tables is no table
    "41_dev_is_validation": Case(120, BAD_GOOD, {"validation": 15, "test": 15}, samples=ENDS),
    # Of 109 and 37 lines, 91 and 31 begin a row; the first of each file is the header
    "42_crlf_and_line_breaks_in_texts": Case(120, BAD_GOOD, TEST, samples=ENDS[1:]),
    # "Review Text" is the longest column, but has 12 different texts, and each of them is also in test. With
    # it alone, all 90 rows of train would be copies
    "43_title_and_body": Case(120, BAD_GOOD, TEST, notes=(("Review Title", "Review Text"),)),
    "44_40_classes": Case(
        800,
        {f"intent_{number:02}": 20 for number in range(40)},
        samples=(
            ("The soup was lovely, order 0", "intent_00"),
            ("The haircut did its job, order 799", "intent_39"),
        ),
    ),
    # The last three rows repeat the rows 1, 3 and 12 with the other label
    "45_contradictions": Case(
        123,
        {"bad": 62, "good": 61},
        notes=(("3 texts", "different labels", "'The soup was lovely'", "'good'", "'bad'"),),
        samples=(
            ("The garden was a let-down", "good"),
            ("The garden was a let-down", "bad"),
        ),
    ),
    "46_1_to_9": Case(
        200,
        {"complaint": 20, "fine": 180},
        samples=(
            ("The soup was lovely in week 0", "fine"),
            ("The haircut came late and cold", "complaint"),
        ),
    ),
    # The longest text of train has 2,807 characters (576 words), that of test 3,839 (768 words)
    "47_long_texts": Case(120, BAD_GOOD, TEST),
}

# What the message must contain. A number or text is one that stands in the file
REFUSALS = {
    "22_several_labels_in_a_cell": ("multi-label", "multi_label=True", "'staff,price'", "row"),
    "35_number_text": ("text", "'0'", "number", "data.csv"),
    "48_regression": ("regression", "'price'", "120", "12.50"),
    "49_only_one_class": ("one class", "'good'", "'label'"),
    "50_empty": ("empty", "data.csv"),
    "51_multi_label_columns": ("multi-label", "multi_label=True", "billing", "delivery", "praise"),
}


@cache
def read(folder):
    return own_data(FILES / folder)


def rows_of(mine):
    """Return (text, name of the class) of each row, of all splits."""
    return [(row["text"], mine.label_names[row["label"]]) for split in SPLITS for row in mine.dataset[split]]


def note_with(mine, words):
    return any(all(word in note for word in words) for note in mine.notes)


def test_each_folder_has_a_case():
    """A file that nobody has looked at protects nobody."""
    folders = {path.name for path in FILES.iterdir() if path.is_dir()}
    assert folders == CASES.keys() | REFUSALS.keys() and not CASES.keys() & REFUSALS.keys()


@pytest.mark.parametrize("folder", CASES)
def test_no_row_is_lost_and_none_is_made_up(folder):
    """A wrong separator, header or quote loses rows in silence."""
    mine, case = read(folder), CASES[folder]
    kept = sum(map(len, mine.dataset.values()))
    assert mine.rows_read == case.rows and kept == sum(case.classes.values())
    assert len(mine.unlabelled or []) == case.unlabelled
    assert mine.rows_read == kept + case.unlabelled + sum(mine.rows_dropped.values())
    assert sum(mine.rows_dropped.values()) == sum(case.dropped.values()), mine.rows_dropped
    for word, count in case.dropped.items():
        assert sum(n for reason, n in mine.rows_dropped.items() if word in reason) == count


@pytest.mark.parametrize("folder", CASES)
def test_the_classes_are_those_of_the_file_in_their_natural_order(folder):
    """A class too many ("good "), a 10 before a 2, or a 4.0 for a 4 spoils every later table."""
    mine, case = read(folder), CASES[folder]
    for name, expected in zip(mine.label_names, case.classes, strict=True):
        assert name in expected.split("|")
    assert mine.ordered is case.ordered
    counts = Counter(name for _, name in rows_of(mine))
    assert [counts[name] for name in mine.label_names] == list(case.classes.values())
    for split in SPLITS:
        assert set(mine.dataset[split].column_names) == {"text", "label"}
        assert mine.dataset[split].features["label"].names == mine.label_names


@pytest.mark.parametrize("folder", CASES)
def test_texts_come_with_their_labels(folder):
    """The first or the last row is the one that goes missing; an index column is taken for the text."""
    rows = rows_of(read(folder))
    for sample in CASES[folder].samples:
        assert rows.count(sample) == 1, sample


@pytest.mark.parametrize("folder", CASES)
def test_given_splits_stay_and_the_others_are_a_tenth(folder):
    """A test split that is shuffled into train leaks; a split without a class judges nothing."""
    mine, case = read(folder), CASES[folder]
    kept = sum(case.classes.values())
    sizes = {split: len(rows) for split, rows in mine.dataset.items()}
    drawn = [split for split in ("validation", "test") if split not in case.given]
    assert sizes.keys() == set(SPLITS)
    assert case.given.items() <= sizes.items()
    for split in drawn:
        assert abs(sizes[split] - 0.1 * kept) <= 1, sizes

    # Each class gives its share of what is drawn, within a row. Copies stay together, so one more in 45
    pool = Counter(label for split in ("train", *drawn) for label in mine.dataset[split]["label"])
    for split in drawn:
        counts = Counter(mine.dataset[split]["label"])
        for label, count in pool.items():
            share = 0.1 * kept * count / pool.total()
            assert abs(counts[label] - share) <= 1 + (folder == "45_contradictions"), (split, label, counts)


@pytest.mark.parametrize("folder", CASES)
def test_no_text_stands_on_two_sides(folder):
    """A model that is judged on what it has learned looks better than it is."""
    texts = [set(read(folder).dataset[split]["text"]) for split in SPLITS]
    assert len(set().union(*texts)) == sum(map(len, texts)) and all(texts)


@pytest.mark.parametrize("folder", CASES)
def test_what_was_done_is_said_with_its_count(folder):
    """A row that is left out, or a guess that is wrong, is found only if a note says it."""
    mine, case = read(folder), CASES[folder]
    for words in case.notes:
        assert note_with(mine, words), (words, mine.notes)
    for count in mine.rows_dropped.values():
        assert any(re.search(rf"\b{count}\b", note) for note in mine.notes), mine.notes


@pytest.mark.parametrize("folder", REFUSALS)
def test_what_cannot_be_used_is_refused_in_words(folder):
    """A traceback of pandas, or an empty dataset that fails in training, says nothing to a learner."""
    with pytest.raises(OwnDataError) as caught:
        own_data(FILES / folder)
    message = str(caught.value)
    assert isinstance(caught.value, ValueError) and "Expected" in message and "\n" not in message
    for word in REFUSALS[folder]:
        assert word.lower() in message.lower(), message


@pytest.mark.parametrize(
    ("folder", "counts"),
    [
        # "price" alone and "food" alone: 32 rows each; "staff,price": 32; "food,price,staff": 24
        ("22_several_labels_in_a_cell", {"food": 56, "price": 88, "staff": 56}),
        # 24 rows have no label at all, and are kept
        ("51_multi_label_columns", {"billing": 60, "delivery": 60, "praise": 24}),
    ],
)
def test_the_call_that_a_refusal_names_reads_the_file(folder, counts):
    """Advice that leads to the next refusal is worse than none."""
    mine = own_data(FILES / folder, multi_label=True)
    flags = [row for split in SPLITS for row in mine.dataset[split]["label"]]
    assert mine.rows_read == len(flags) == 120 and not mine.rows_dropped
    assert dict(zip(mine.label_names, map(sum, zip(*flags)))) == counts


def test_the_rows_are_divided_the_same_each_time():
    """A split that changes from run to run makes two runs incomparable."""
    again = own_data(FILES / "01_one_file")
    for split in SPLITS:
        assert again.dataset[split].to_dict() == read("01_one_file").dataset[split].to_dict()


def test_line_breaks_stay_inside_their_texts():
    """A line is not a row: 24 texts go over two lines. Git must leave the line ends of this file alone."""
    folder = "42_crlf_and_line_breaks_in_texts"
    assert b"\r\n" in (FILES / folder / "train.csv").read_bytes()
    broken = [(text, name) for text, name in rows_of(read(folder)) if "\n" in text]
    assert len(broken) == 24 and ("The soup was lovely", "good") in {
        (" ".join(text.split()), name) for text, name in broken
    }


def test_long_texts_are_not_cut():
    """A reader that stops at a limit of the csv module would train on beginnings."""
    texts = [text for text, _ in rows_of(read("47_long_texts"))]
    lengths = sorted(map(len, texts))
    assert lengths[-1] == 3839 and lengths[0] == 251
    assert max(len(text.split()) for text in texts) == 768


def test_a_title_is_joined_where_the_body_alone_says_the_same_everywhere():
    """Twelve bodies for ninety rows: without their titles, all of train would be a copy of test."""
    rows = [(" ".join(text.split()), name) for text, name in rows_of(read("43_title_and_body"))]
    assert ("soup was lovely", "good") in rows and ("repair is why we will not return", "bad") in rows
    assert len(set(rows)) == 120
