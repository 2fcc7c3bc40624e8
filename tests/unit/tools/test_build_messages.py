"""Protects a learner from bundled messages whose card, cleaning or personal data is not what it promises."""

import csv
import re
from collections import Counter

import pytest
from transformers import AutoTokenizer

from helpers.profiles import PROFILES
from helpers.tools.build_messages import OUTPUT, TEAMS, build

MESSAGES, TICKETS = OUTPUT / "messages.csv", OUTPUT / "tickets.csv"
TELEPHONE = re.compile(r"01632 960\d{3}\b|\(212\) 555-01\d\d\b")


def read(path, encoding):
    with open(path, encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


@pytest.fixture(scope="module")
def rows():
    return read(MESSAGES, "cp1252")


@pytest.fixture(scope="module")
def tickets():
    return read(TICKETS, "utf-8")


@pytest.fixture(scope="module")
def promised():
    """Return the counts of the card's tables, by the words in front of them."""
    text = (OUTPUT / "README.md").read_text(encoding="utf-8")
    of_messages, of_tickets = text.split("## tickets.csv")
    return [
        {name: int(count) for name, count in re.findall(r"^\| (.+) \| (\d+) \|$", part, re.MULTILINE)}
        for part in (of_messages, of_tickets)
    ]


def team_of(row):
    return " ".join(row["team"].lower().split())


def test_the_builder_writes_the_same_bytes_again(tmp_path):
    for folder in ("one", "two"):
        build(tmp_path / folder)
        for path in (MESSAGES, TICKETS):
            assert (tmp_path / folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_columns_and_the_sizes_are_those_of_the_card(rows, tickets):
    text = (OUTPUT / "README.md").read_text(encoding="utf-8")
    assert list(rows[0]) == ["id", "received", "channel", "message", "team", "handled"]
    assert list(tickets[0]) == ["id", "text", "billing", "delivery", "returns", "praise"]
    assert f"\n{len(rows):,} rows, one file" in text and f"\n{len(tickets)} short tickets" in text
    assert MESSAGES.stat().st_size < 700_000
    half = sorted(len(row["message"].split()) for row in rows if row["message"].strip())
    assert f"Half of the messages have {half[len(half) // 2]} words or fewer." in text
    with pytest.raises(UnicodeDecodeError):
        MESSAGES.read_text(encoding="utf-8")


def test_each_count_of_the_card_is_true_of_the_messages(rows, promised):
    texts = [row["message"] for row in rows]
    tokenizer = AutoTokenizer.from_pretrained(PROFILES["offline"].model)
    lengths = [len(ids) for ids in tokenizer(texts, verbose=False)["input_ids"]]
    labels = {}
    for row in rows:
        if row["message"].strip() and team_of(row):
            labels.setdefault(row["message"], set()).add(team_of(row))
    found = {team or "(missing)": count for team, count in Counter(map(team_of, rows)).items()} | {
        "stray spaces in the label": sum(row["team"] != " ".join(row["team"].split()) for row in rows),
        "capitals in the label": sum(row["team"] != row["team"].lower() for row in rows),
        "no message, or only spaces": sum(not text.strip() for text in texts),
        "no label": sum(not team_of(row) for row in rows),
        "copies of a whole row that stands elsewhere": len(rows) - len({tuple(row.values()) for row in rows}),
        "a second row with the same message and another label": sum(map(len, labels.values())) - len(labels),
        "HTML entities or tags such as `<br>`": sum(
            bool(re.search(r"<\w+>|&#?\w+;", text)) for text in texts
        ),
        "an e-mail address in the message": sum("@" in text for text in texts),
        "a telephone number in the message": sum(bool(TELEPHONE.search(text)) for text in texts),
        "a semicolon in the message": sum(";" in text for text in texts),
        "a line break in the message": sum("\n" in text for text in texts),
        "characters outside ASCII (€, é, “ ”) in the message": sum(not text.isascii() for text in texts),
        "long: more than 512 tokens, with the question at the end": sum(length > 512 for length in lengths),
    }
    assert found == promised[0]


def test_each_count_of_the_card_is_true_of_the_tickets(tickets, promised):
    columns = list(tickets[0])[2:]
    ones = Counter(sum(int(row[name]) for name in columns) for row in tickets)
    found = {name: sum(int(row[name]) for row in tickets) for name in columns}
    assert found | {str(number): count for number, count in ones.items()} == promised[1]
    assert len({row["text"] for row in tickets}) == len(tickets)


def test_no_address_or_number_can_belong_to_anybody(rows, tickets):
    text = "\n".join([row["message"] for row in rows] + [row["text"] for row in tickets])
    addresses = re.findall(r"[^\s@]+@[\w.-]*\w", text)
    assert len(addresses) > 100
    assert [one for one in addresses if not one.endswith(("@example.com", "@example.org"))] == []
    digits = re.findall(r"(?:\d[ ()-]*){7,}", TELEPHONE.sub("", text))
    assert digits == [], "a long number that is no reserved one"


@pytest.mark.parametrize("team", TEAMS)
def test_the_name_of_a_team_does_not_give_it_away(rows, team):
    """If it did, a search for the word would do, and there would be nothing to learn."""
    own = [row["message"].lower() for row in rows if team_of(row) == team]
    assert sum(bool(re.search(rf"\b{team}\b", text)) for text in own) <= 0.03 * len(own)


def test_the_question_of_a_long_message_stands_behind_the_cut(rows):
    """A word or a sign is one token at least, with any tokenizer."""
    long = [row["message"] for row in rows if "Forwarded message" in row["message"]]
    assert len(long) == 40
    for text in long:
        thread, question = text.split("\n\n-----\n\n")
        assert len(re.findall(r"\w+|[^\w\s]", thread)) > 512 and len(question.split()) > 10


def test_the_patterns_are_filled(rows, tickets):
    text = "\n".join([row["message"] for row in rows] + [row["text"] for row in tickets])
    assert not re.search(r"[{}\[\]|]", text)
    assert not re.search(r"\b[Aa] [aeio]\w+", text), "a before a vowel"
