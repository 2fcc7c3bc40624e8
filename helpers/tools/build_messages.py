"""Write the made-up messages of customers, with the kinds of mess that real exports have.

    python -m helpers.tools.build_messages

`messages.csv` has one team for each message, `tickets.csv` a column of 0 and 1 for each of four subjects. All
random numbers come from `random.Random.random()`, whose sequence Python guarantees: the files come out the
same, byte for byte, on every platform.
"""

from __future__ import annotations

import csv
import math
import random
import re
import tomllib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "offline" / "customer-messages"
LEXICON = Path(__file__).parent / "lexicon" / "customers" / "messages.toml"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

MESSAGE_COLUMNS = ["id", "received", "channel", "message", "team", "handled"]
CHANNELS = {"e-mail": 0.5, "web form": 0.25, "chat": 0.15, "app": 0.1}
# Shares of the teams
TEAMS = {
    "delivery": 0.38,
    "billing": 0.18,
    "returns": 0.14,
    "product question": 0.12,
    "account": 0.08,
    "complaint": 0.065,
    "praise": 0.035,
}
MESSAGES = 2_316  # without the copies

# In how many rows there is which mess; no row has two of these
MESS = {
    "long": 40,
    "empty": 25,
    "no label": 40,
    "html": 90,
    "e-mail": 80,
    "telephone": 60,
    "spaces": 70,
    "case": 110,
    "contradicted": 24,
    "copied": 60,
}

# Which share of the messages …
BORDER = 0.10  # could go to either of two teams
TWO_TOPICS = 0.08  # holds a second request, of another team
ASIDE = 0.22  # mentions what is settled, in the words of another team
MISSPELLED = 0.18  # has slips of the fingers

THREAD_WORDS = 430  # together with names and addresses, more than 512 tokens

TICKET_COLUMNS = ["id", "text", "billing", "delivery", "returns", "praise"]
TICKETS = 900
# How often a ticket is about which subject, and about how many
SUBJECTS = {"delivery": 0.34, "billing": 0.28, "returns": 0.22, "praise": 0.16}
SUBJECT_COUNTS = {1: 0.5, 2: 0.32, 3: 0.09, 0: 0.09}

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa])(?= [aeio])")
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")


@cache
def _lexicon() -> dict:
    return tomllib.loads(LEXICON.read_text(encoding="utf-8"))


def _pick(rng: random.Random, items):
    return items[int(rng.random() * len(items))]


def _draw(rng: random.Random, shares: dict):
    """Draw a key of `shares` by its share."""
    # Not `sum`: its last digit differs between versions of Python
    left = rng.random() * math.fsum(shares.values())
    for key, share in shares.items():
        left -= share
        if left < 0:
            break
    return key


def _borders(team: str) -> list[dict]:
    return [border for border in _lexicon()["border"] if team in border["teams"]]


def _shuffled(rng: random.Random, items) -> list:
    return sorted(items, key=lambda _: rng.random())


class _Writer:
    """One customer on one day. The text depends on the order of the random draws: keep it."""

    def __init__(self, seed: str):
        self.rng = random.Random(seed)
        self.lists = _lexicon()["fill"]
        self.frame = _lexicon()["frame"]
        self.used: set[str] = set()
        # What stays the same throughout one message
        self.fixed: dict[str, str] = {}
        for name in ("thing", "relative"):
            self.fixed[name] = self.pick(self.lists[name])
        self.fixed["number"] = self.digits(5)
        self.me = self.pick(self.lists["name"])
        self.surname = self.pick(self.lists["surname"])
        self.money = self.pick(["€{}", "{} €", "{} euros", "{} euros"])

    # Words

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, items):
        return _pick(self.rng, items)

    def digits(self, count: int) -> str:
        return str(int((1 + 9 * self.rng.random()) * 10 ** (count - 1)))

    def fill(self, pattern: str) -> str:
        """Choose among the alternatives of a pattern, and fill its slots."""
        chosen = _CHOICE.sub(lambda match: self.pick(match[1].split("|")), pattern)
        text = _SLOT.sub(lambda match: self.slot(match[1]), chosen)
        text = _A_BEFORE_VOWEL.sub(r"\1n", text)
        return _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)

    def slot(self, name: str) -> str:
        if name in self.fixed:
            return self.fixed[name]
        if name in ("electric", "pot", "large"):
            if self.fixed["thing"] not in self.lists[name]:
                self.fixed["thing"] = self.pick(self.lists[name])
            return self.fixed["thing"]
        if name in ("amount", "phone", "email"):
            return getattr(self, name)()
        name = "orders" if name == "order" else name
        # "A blue one, and I ordered the blue one" would be nonsense
        for _ in range(8):
            word = self.pick(self.lists[name])
            if word not in self.used:
                break
        self.used.add(word)
        return _SLOT.sub(lambda match: self.slot(match[1]), word)

    def amount(self) -> str:
        whole = 3 + int(180 * self.rng.random() * self.rng.random())
        price = f"{whole}.{self.pick(['90', '95', '99', '50', '49'])}" if self.chance(0.6) else str(whole)
        return self.money.format(price)

    def phone(self) -> str:
        """Draw a number of those that are reserved for films and books."""
        if self.chance(0.7):
            return f"01632 960{int(1_000 * self.rng.random()):03}"
        return f"(212) 555-01{int(100 * self.rng.random()):02}"

    def email(self) -> str:
        if self.chance(0.6):
            return self.address(self.me, self.surname)
        return self.address(self.pick(self.lists["name"]), self.pick(self.lists["surname"]))

    def address(self, first: str, last: str) -> str:
        first = first.replace("é", "e")
        name = f"{first}.{last}" if self.chance(0.6) else f"{first[0]}{last}{self.digits(2)}"
        return f"{name.lower()}@example.{self.pick(['com', 'org'])}"

    # Sentences

    def of(self, team: str, kind: str) -> str:
        return self.fill(self.pick(_lexicon()["teams"][team][kind]))

    def other(self, team: str) -> str:
        return self.pick([name for name in TEAMS if name != team])

    def request(self, team: str, border: dict | None = None) -> list[str]:
        """Write what the customer wants, as sentences. Those of a `border` could be for another team."""
        way = self.rng.random()
        if border or way < BORDER:
            border = border or self.pick(_borders(team))
            return [self.fill(self.pick(border["texts"]))]
        if way < BORDER + TWO_TOPICS:
            second = self.of(self.other(team), "requests")
            return [self.of(team, "requests"), self.pick(self.frame["seconds"]), second]
        if way < BORDER + TWO_TOPICS + ASIDE:
            aside = self.of(self.other(team), "asides")
            if self.chance(0.5):
                main = [self.fill(self.pick(self.frame["mains"]))] if self.chance(0.7) else []
                return [aside, *main, self.of(team, "requests")]
            return [self.of(team, "requests"), aside]
        return [self.of(team, "requests")]

    def body(self, team: str, is_short: bool, border: dict | None) -> list[str]:
        sentences = self.request(team, border)
        if self.chance(0.15 if is_short else 0.45):
            sentences.insert(0, self.fill(self.pick(self.frame["contexts"])))
        if self.chance(0.2 if is_short else 0.5):
            sentences.append(self.of(team, "details"))
        if self.chance(0.1 if is_short else 0.35):
            sentences.append(self.fill(self.pick(self.frame["details"])))
        return sentences

    def joined(self, sentences: list[str]) -> str:
        """Put sentences into a row; some people join two of them with a semicolon."""
        text = sentences[0]
        for sentence in sentences[1:]:
            if text.endswith(".") and self.chance(0.07):
                text = text[:-1] + ";"
            text += f" {_small(sentence) if text.endswith((';', ':', ',')) else sentence}"
        return text

    # Messages

    def message(self, team: str, channel: str, contact: str | None = None, border: dict | None = None) -> str:
        """Write a message for `team`. With `contact`, "reach" or "write", it holds a number or an address."""
        is_short = channel in ("chat", "app")
        sentences = self.body(team, is_short, border)
        if contact:
            sentences.append(self.fill(self.pick(self.frame[contact])))
        elif self.chance(MISSPELLED):
            sentences = [self.misspelled(sentence) for sentence in sentences]
        text = self.joined(sentences)
        if is_short:
            return text.lower().rstrip(".") if not contact and self.chance(0.35) else text
        return self.framed(text, "\n\n" if channel == "e-mail" and self.chance(0.5) else " ")

    def framed(self, text: str, gap: str) -> str:
        """Put a greeting before the text and a name below it; many people leave out one of them."""
        if self.chance(0.7):
            text = f"{self.pick(self.frame['greetings'])}{gap}{text}"
        if self.chance(0.65):
            closing = self.pick(self.frame["closings"])
            name = self.me if self.chance(0.6) else f"{self.me} {self.surname}"
            text = f"{text}{gap}{closing},{gap[:1]}{name}"
        return text

    def misspelled(self, sentence: str) -> str:
        return " ".join(self.slip(word) if self.chance(0.1) else word for word in sentence.split(" "))

    def slip(self, word: str) -> str:
        """Exchange, lose or double a letter within a word."""
        if not word.isalpha() or len(word) < 4:
            return word
        at = 1 + int((len(word) - 2) * self.rng.random())
        return self.pick(
            [
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
            ]
        )

    def thread(self, team: str) -> str:
        """Write a forwarded thread about other things, with the question for `team` below it."""
        lists = _lexicon()["thread"]
        parts = [self.framed(self.pick(lists["openings"]), "\n\n")]
        sent = datetime(2025, 10, 1, 8) + timedelta(minutes=int(60_000 * self.rng.random()))
        while sum(len(part.split()) for part in parts) < THREAD_WORDS:
            sent += timedelta(minutes=90 + int(6_000 * self.rng.random()))
            parts.append(self.forwarded(team, sent, by_staff=len(parts) % 2 == 0))
        ending = [self.pick(lists["endings"]), self.of(team, "requests"), self.of(team, "details")]
        closing = f"{self.pick(self.frame['closings'])},\n{self.me}"
        return "\n\n".join([*parts, "-----", self.joined(ending), closing])

    def forwarded(self, team: str, sent: datetime, by_staff: bool) -> str:
        """Write one message of a thread. It is about anything but what `team` does."""
        lists = _lexicon()["thread"]
        if by_staff:
            sender, address = self.pick(self.lists["name"]), "service@example.org"
            texts = _shuffled(self.rng, lists["staff"])[: 2 + int(3 * self.rng.random())]
            text = " ".join([self.pick(lists["staff_openings"]), *map(self.fill, texts)])
            text = f"Dear {self.me} {self.surname},\n\n{text}\n\nKind regards,\n{sender}, customer service"
        else:
            sender, address = f"{self.me} {self.surname}", self.address(self.me, self.surname)
            other = self.other(team)
            sentences = [self.of(other, "requests"), self.of(other, "details")]
            sentences += map(self.fill, _shuffled(self.rng, lists["chatter"])[:2])
            sentences.append(self.of(self.other(team), "asides"))
            text = f"{self.pick(self.frame['greetings'])}\n\n{self.joined(sentences)}\n\n{self.me}"
        subject = self.fill(self.pick(lists["subjects"]))
        # Not "%B", which speaks the language of the machine
        date = f"{sent.day} {MONTHS[sent.month - 1]} {sent.year}, {sent:%H:%M}"
        head = f"From: {sender} ({address})\nSent: {date}\nSubject: {subject}"
        return f"----- Forwarded message -----\n{head}\n\n{text}"

    def as_html(self, text: str) -> str:
        """Write a text as a careless web form keeps it: with tags, with entities, or with both."""
        way = self.rng.random()
        if way < 0.7:
            for sign, entity in (("&", "&amp;"), ("'", "&#39;"), ("€", "&euro;"), ("é", "&eacute;")):
                text = text.replace(sign, entity)
            text = text.replace("“", "&quot;").replace("”", "&quot;").replace(" ", "&nbsp;", 1)
        if way > 0.3:
            text = re.sub(
                r"([.!?,]) ", lambda match: f"{match[1]}{self.pick(['<br>', '<br><br>'])}", text, count=2
            )
            text = f"<p>{text}</p>" if "<br>" not in text else text
        return text

    def ticket(self, subjects: list[str]) -> str:
        """Write a short ticket about these subjects; perhaps it mentions another one that is settled."""
        lists = _lexicon()["tickets"]
        if subjects:
            parts = [self.of(subject, "requests") for subject in subjects]
        elif self.chance(0.5):
            parts = [self.fill(self.pick(lists["none"]))]
        else:
            parts = [self.of(self.pick(["account", "product question"]), "requests")]
        # A kind word in passing would be praise
        others = [subject for subject in SUBJECTS if subject not in [*subjects, "praise"]]
        if others and self.chance(0.25):
            parts.insert(int(2 * self.rng.random()), self.of(self.pick(others), "asides"))
        if self.chance(MISSPELLED):
            parts = [self.misspelled(part) for part in parts]
        linked = [parts[0]]
        for part in parts[1:]:
            link = self.pick(lists["links"])
            linked += [link, part] if link else [part]
        return self.joined(linked)


def _small(sentence: str) -> str:
    """Return a sentence as the second half of another one."""
    first = sentence.split(" ")[0]
    keeps = first in ("I", "I'm") or first.isupper() or first in _lexicon()["fill"]["name"]
    return sentence if keeps else sentence[0].lower() + sentence[1:]


# The two files


def _write_fresh(seed: str, seen: set[str], write, *args) -> str:
    """Write a text that is not in `seen`, with write(writer, *args), and add it there."""
    for attempt in range(100):
        text = write(_Writer(f"{seed}/{attempt}"), *args)
        if text not in seen:
            seen.add(text)
            return text
    raise RuntimeError(f"Expected a new text for {seed} within 100 attempts. Add patterns to {LEXICON.name}.")


def _teams() -> list[str]:
    """Return the team of each message, in shares as in `TEAMS`."""
    rng = random.Random("teams")
    teams = [team for team, share in TEAMS.items() for _ in range(round(share * MESSAGES))]
    largest = next(iter(TEAMS))
    return _shuffled(rng, (teams + [largest] * MESSAGES)[:MESSAGES])


def message_rows() -> list[dict]:
    """Make all messages, in the order in which they came in, with everything that is wrong with them."""
    rng = random.Random("messages")
    teams = _teams()
    order = iter(_shuffled(rng, range(MESSAGES)))
    mess = {next(order): kind for kind, count in MESS.items() for _ in range(count)}
    minutes = sorted(int(rng.random() * 60 * 24 * 175) for _ in range(MESSAGES))

    # The messages, and those that a second person has sorted otherwise
    rows, again = [], []
    seen: set[str] = set()
    for number, team in enumerate(teams):
        kind = mess.get(number)
        channel = {"long": "e-mail", "html": "web form"}.get(kind) or _draw(rng, CHANNELS)
        border = _pick(rng, _borders(team)) if kind == "contradicted" else None
        text = _write_fresh(f"message/{number}", seen, _text, team, channel, kind, border)
        if kind == "empty":
            text = _pick(rng, ["", "", " ", "   "])
        row = {
            "received": _time(minutes[number]),
            "channel": channel,
            "message": text,
            "team": _label(rng, team, kind),
            "handled": "yes" if rng.random() < 0.9 else "no",
        }
        rows.append((minutes[number], row, kind))
        if border:
            later = minutes[number] + 30 + int(rng.random() * 3_000)
            other = next(one for one in border["teams"] if one != team)
            again.append((later, row | {"received": _time(later), "team": other}, None))

    # The numbers follow the time; copies of whole rows stand anywhere
    rows = sorted(rows + again, key=lambda row: row[0])
    kinds = [kind for _, _, kind in rows]
    rows = [{"id": f"M{number:05}", **row} for number, (_, row, _) in enumerate(rows, 1)]
    for copy in [row for row, kind in zip(rows, kinds) if kind == "copied"]:
        rows.insert(int(rng.random() * len(rows)), copy)
    return rows


def _time(minute: int) -> str:
    return f"{datetime(2026, 1, 5) + timedelta(minutes=minute):%Y-%m-%d %H:%M}"


def _text(writer: _Writer, team: str, channel: str, kind: str | None, border: dict | None) -> str:
    if kind == "long":
        return writer.thread(team)
    contact = {"telephone": "reach", "e-mail": "write"}.get(kind)
    text = writer.message(team, channel, contact, border)
    return writer.as_html(text) if kind == "html" else text


def _label(rng: random.Random, team: str, kind: str | None) -> str:
    """Return the team as it stands in the file."""
    if kind == "no label":
        return ""
    if kind == "spaces":
        spaced = [f" {team}", f"{team} ", f"  {team} ", f"{team}  "]
        return _pick(rng, [*spaced, team.replace(" ", "  ")] if " " in team else spaced)
    if kind == "case":
        return _pick(rng, [team.capitalize(), team.capitalize(), team.upper(), team.title()])
    return team


def ticket_rows() -> list[dict]:
    rng = random.Random("tickets")
    rows = []
    seen: set[str] = set()
    for number in range(TICKETS):
        count = _draw(rng, SUBJECT_COUNTS)
        subjects: list[str] = []
        while len(subjects) < count:
            left = {subject: share for subject, share in SUBJECTS.items() if subject not in subjects}
            subjects.append(_draw(rng, left))
        text = _write_fresh(f"ticket/{number}", seen, _Writer.ticket, subjects)
        flags = {subject: int(subject in subjects) for subject in TICKET_COLUMNS[2:]}
        rows.append({"id": f"T{number + 1:04}", "text": text, **flags})
    return rows


def write_table(path: Path, columns: list[str], rows: list[dict], encoding: str) -> None:
    """Write rows as CSV with semicolons; a line ends the same way on every platform."""
    with open(path, "w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def build(output: Path = OUTPUT) -> None:
    """Write both files into `output`."""
    output.mkdir(parents=True, exist_ok=True)
    messages, tickets = output / "messages.csv", output / "tickets.csv"
    # cp1252 is what older programs on Windows write
    write_table(messages, MESSAGE_COLUMNS, message_rows(), "cp1252")
    write_table(tickets, TICKET_COLUMNS, ticket_rows(), "utf-8")
    for path in (messages, tickets):
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    build()
