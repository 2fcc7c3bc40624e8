"""Write synthetic star reviews of invented businesses, the same ones every time.

A review starts from a *latent opinion* between 0 (furious) and 5 (delighted). The opinion colours what the
review says about each aspect (product, service, wait, price, place) and its verdict. The label is the opinion
plus noise, cut down to a whole number: two people with the same experience may give different stars, so no
classifier can be right every time.

All random numbers come from `random.Random.random()`. Python guarantees its sequence for a given seed, while
`choice`, `gauss` and `shuffle` may change between versions.
"""

from __future__ import annotations

import random
import re
import tomllib
from functools import cache
from pathlib import Path
from statistics import NormalDist

# Spelled as Yelp/yelp_review_full spells them
LABEL_NAMES = ["1 star", "2 star", "3 stars", "4 stars", "5 stars"]
ASPECTS = ["thing", "service", "wait", "price", "place"]
ASPECT_WEIGHTS = [0.34, 0.26, 0.13, 0.13, 0.14]

STAR_NOISE = 0.28  # standard deviation, in stars, between the opinion and the stars given
ASPECT_SPREAD = 0.75  # how far one aspect strays from the overall opinion, in stars
LEVEL_NOISE = 0.35  # how far a single sentence strays from its aspect

# The lengths follow a log-normal law, close to those of real Yelp reviews
MEDIAN_WORDS = 92
LENGTH_SIGMA = 0.83
MAX_WORDS = 880

LEXICON = Path(__file__).parent / "lexicon"
_SLOT = re.compile(r"\{(\w+)\}")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa])(?= (?!one|us|uni|eu)[aeiouAEIOUéÉ])")
_ONSETS = (
    "B Br C Cal D Dr El F Fen G Gr H Hal J K Kor L Lind M Mar N Nor O P Pr R S Sal St T Tor V W Wil Z".split()
)
_MIDDLES = "a e i o u al an ar el en er il in or ou ea ai".split()
_SURNAME_ENDS = (
    "bach berg ca der dez kov la lich man mer mont nes no nova quist ra ri rov san sen ska son ti to vic"
).split()
_TOWN_ENDS = "bridge bury dale ford gate ham haven mouth port stead ton vale ville wick wood worth".split()
_STREET_KINDS = ["Street", "Avenue", "Lane", "Road", "Square", "Boulevard"]


@cache
def _lexicon(name: str) -> dict:
    return tomllib.loads((LEXICON / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def business_kinds() -> tuple[str, ...]:
    """List the kinds of business that have a lexicon, sorted by name."""
    return tuple(sorted(path.stem for path in LEXICON.glob("*.toml") if path.stem != "common"))


def write_review(seed: str, label: int) -> str:
    """Write the review that belongs to `seed`, with `label` in 0…4 (one star less than its name says).

    The same arguments give the same text on every platform. Different seeds give different texts, but two
    short ones may coincide: if you need disjoint sets, compare them. Raise ValueError for any other label.
    """
    if label not in range(5):
        raise ValueError(f"label must be 0, 1, 2, 3 or 4 (0 is '1 star'), got {label!r}.")
    rng = random.Random(seed)
    return _Writer(rng, _draw_opinion(rng, label)).review()


def _normal(rng: random.Random) -> float:
    return NormalDist().inv_cdf(rng.random() or 0.5)


def _pick(rng: random.Random, items):
    return items[int(rng.random() * len(items))]


def _draw_opinion(rng: random.Random, label: int) -> float:
    """Draw an opinion from U(0, 5), given that opinion + noise falls into the label's star.

    The method is rejection: draw until the star is right.
    """
    while True:
        opinion = 5 * rng.random()
        if min(4, max(0, int(opinion + STAR_NOISE * _normal(rng)))) == label:
            return opinion


class _Writer:
    """One reviewer on one day: a business, a companion, a temper, and an opinion of each aspect.

    The text depends on the order of the random draws: keep it.
    """

    def __init__(self, rng: random.Random, opinion: float):
        self.rng = rng

        # The words for this kind of business; nobody orders everything on the menu
        kind = _lexicon(_pick(rng, business_kinds()))
        common = _lexicon("common")
        self.lists = {**common, **kind, "story": common["story"] + kind["story"] * 3}
        for name, kept in (("thing", 6), ("things", 4)):
            self.lists[name] = [_pick(rng, kind[name]) for _ in range(kept)]

        # The opinion and the temper
        self.opinion = opinion
        self.aspects = [opinion + ASPECT_SPREAD * _normal(rng) for _ in ASPECTS]
        self.excited = rng.random() < 0.35
        self.typo_rate = 0.015 if rng.random() < 0.2 else 0.0
        self.lowercase = rng.random() < 0.03

        # What has been said, and what stays the same
        self.said: set[str] = set()
        self.fixed = self._fixed_names()

    # Words

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, items):
        return _pick(self.rng, items)

    def _coined(self, ends: list[str]) -> str:
        return self.pick(_ONSETS) + self.pick(_MIDDLES) + self.pick(ends)

    def _fixed_names(self) -> dict[str, str]:
        """Draw the words that stay the same throughout one review."""
        # The reviewer, the places and the numbers
        alone = self.chance(0.45)
        self.fixed = {
            "we": "I" if alone else "we",
            "We": "I" if alone else "We",
            "us": "me" if alone else "us",
            "our": "my" if alone else "our",
            "Our": "My" if alone else "Our",
            "their": "their",
            "friend": self.pick(self.lists["first_name"]),
            "town": self._coined(_TOWN_ENDS),
            "surname": self._coined(_SURNAME_ENDS),
            "rival": self._coined(_SURNAME_ENDS) + "'s",
            "year": str(1950 + int(75 * self.rng.random())),
            "age": str(18 + int(70 * self.rng.random())),
        }

        # The people and the business
        for name in ("friend_role", "business", "staff_role"):
            self.fixed[name] = self.pick(self.lists["role" if name == "staff_role" else name])
        self.fixed["staff"] = self.pick(self.lists["first_name"])

        # The name of the business, which may contain the names above
        name = self.fill(self.pick(self.lists["name_pattern"]))
        words = (word if word in ("and", "of", "on") else _capital(word) for word in name.split())
        self.fixed["place"] = " ".join(words)
        return self.fixed

    def _coin_or_pick(self, name: str) -> str:
        """Draw a word for a slot that is not fixed for the whole review."""
        if name in ("town2", "surname2"):
            return self._coined(_TOWN_ENDS if name == "town2" else _SURNAME_ENDS)
        if name in ("street", "street_word"):
            word = self._coined(_SURNAME_ENDS + _TOWN_ENDS)
            return word if name == "street_word" else f"{word} {self.pick(_STREET_KINDS)}"
        return self.pick(self.lists[name.rstrip("2")])

    def fill(self, template: str, **given: str) -> str:
        """Fill each {slot} of the template: with the given words, the fixed ones, or new draws."""

        def value(match: re.Match) -> str:
            name = match[1]
            return given.get(name) or self.fixed.get(name) or self.fill(self._coin_or_pick(name))

        return _SLOT.sub(value, template)

    def fresh(self, templates: list[str]) -> str:
        """Draw a template that this review has not used yet; after 8 attempts, take the last one."""
        for _ in range(8):
            template = self.pick(templates)
            if template not in self.said:
                break
        self.said.add(template)
        return template

    # Clauses: each says something about one aspect and has no full stop

    def level(self, stars: float) -> int:
        """Turn an opinion in stars into one of the five levels of the lexicon, 0 … 4, with some noise."""
        return min(4, max(0, int(stars + LEVEL_NOISE * _normal(self.rng))))

    def adjective(self, graded: list[list[str]], level: int) -> str:
        """Describe a level: with a plain word, a strengthened one, a hedged one, or the opposite negated."""
        way = self.rng.random()

        # The extremes: plain or strengthened
        if level in (0, 4):
            milder = graded[1 if level == 0 else 3]
            return self.pick(graded[level]) if way < 0.65 else f"{{degree_strong}} {self.pick(milder)}"

        # The middle: plain, or good and bad at once
        if level == 2:
            if way < 0.5:
                return self.pick(graded[2])
            good = self.pick(graded[3])
            bad = self.pick(graded[1])
            return f"neither {good} nor {bad}" if way < 0.7 else f"{good} at times and {bad} at others"

        # Between them: plain, hedged, or the opposite negated
        if way < 0.4:
            return self.pick(graded[level])
        if level == 3:
            if way < 0.65:
                return f"{{degree_mild}} {self.pick(graded[3])}"
            return f"{{not_bad}} {self.pick(graded[self.pick((0, 1, 1))])}"
        if way < 0.6:
            return f"{{degree_weak}} {self.pick(graded[1])}"
        return f"{{not_quite}} {self.pick(graded[self.pick((3, 3, 4))])}"

    def clause(self, aspect: str, level: int) -> str:
        """Write a clause: a ready one, one about what the staff did, or a description."""
        if aspect == "wait" or (aspect != "service" and self.chance(0.42)):
            return self.fill(self.fresh(self.lists[f"{aspect}_clauses"][level]))
        if aspect == "service" and self.chance(0.55):
            return self.fill("{service_subject} " + self.fresh(self.lists["service_predicates"][level]))
        return self.description(aspect, level)

    def description(self, aspect: str, level: int) -> str:
        """Write a clause of the form: subject, verb, adjective."""
        if aspect == "thing":
            subject = "the {thing} was" if self.chance(0.68) else "the {things} were"
        else:
            subject = f"{{{aspect}_subject}} was"
        return self.fill(f"{subject} {self.adjective(self.lists[f'{aspect}_adjectives'], level)}")

    # Sentences

    def aspect_and_level(self) -> tuple[str, int]:
        """Draw an aspect by its weight, and a level from the opinion of it."""
        draw = self.rng.random()
        for aspect, opinion, weight in zip(ASPECTS, self.aspects, ASPECT_WEIGHTS):
            draw -= weight
            if draw < 0:
                break
        return aspect, self.level(opinion)

    def opinion_sentence(self) -> str:
        """Write a foil, two clauses, or one clause with or without an opening."""
        aspect, level = self.aspect_and_level()
        way = self.rng.random()
        if way < 0.2 and level != 2:
            return self.foil(aspect, level)
        first = self.clause(aspect, level)
        if way < 0.50:
            return self.linked(first, level)
        if way < 0.62:
            return self.ended(f"{self.fill(self.pick(self.lists['hedge']))} {first}", level)
        if way < 0.72:
            return self.ended(f"{self.pick(self.lists['opener'])} {first}", level)
        return self.ended(_capital(first), level)

    def linked(self, first: str, level: int) -> str:
        """Join two clauses; the link says whether they pull the same way."""
        aspect, other = self.aspect_and_level()
        second = self.clause(aspect, other)
        if abs(level - other) < 2:
            return self.ended(f"{_capital(first)}{self.pick(self.lists['and_link'])} {second}", other)
        if self.chance(0.3):
            concede = self.pick(self.lists["concede"])
            but = "but " if self.chance(0.3) else ""
            return self.ended(f"{concede} {first}, {but}{second}", other)
        return self.ended(f"{_capital(first)}{self.pick(self.lists['but_link'])} {second}", other)

    def foil(self, aspect: str, level: int) -> str:
        """Mention the opposite and deny it: the words alone point the wrong way."""
        aspect = "service" if aspect == "wait" else aspect
        opposite = self.description(aspect, 4 - level)
        way = self.rng.random()
        if way < 0.45:
            rumour = self.fill(self.pick(self.lists["rumour"]))
            denial = self.fill(self.pick(self.lists["denial"]))
            return f"{rumour} {opposite}. {denial}."
        if way < 0.75:
            here = self.fill(self.pick(self.lists["here"]))
            elsewhere = self.fill(self.pick(self.lists["elsewhere"]))
            return f"{elsewhere} {opposite}; {here} {self.clause(aspect, level)}."
        past = self.fill(self.pick(self.lists["past"]))
        return f"{past} {opposite}. {self.pick(self.lists['no_longer'])}."

    def ended(self, sentence: str, level: int) -> str:
        """End the sentence; an excited reviewer shouts where the level is an extreme."""
        if self.excited and level in (0, 4):
            if self.chance(0.12):
                words = sentence.split(" ")
                words[-1] = words[-1].upper()
                sentence = " ".join(words)
            return sentence + ("!" if self.chance(0.7) else "!!!")
        return sentence + "."

    def verdict(self) -> str:
        """Sum up the whole opinion, now and then with an objection or a number of stars."""
        level = self.level(self.opinion)
        verdict = self.fill(self.fresh(self.lists["verdicts"][level]))

        # An objection, or a frame such as "all in all"
        if self.chance(0.18):
            aspect, other = self.aspect_and_level()
            against = 4 - level if abs(level - other) < 2 else other
            clause = self.clause(aspect, against)
            small = verdict[0].lower() + verdict[1:]
            template = self.pick(self.lists["verdict_concede"])
            verdict = self.fill(template, c=clause, C=_capital(clause), v=small)
        elif self.chance(0.2):
            verdict = self.fill(self.pick(self.lists["verdict_frames"]), v=verdict)

        # The stars
        if self.chance(0.04):
            stars = self.lists["star_words"][self.level(self.opinion)]
            verdict += " " + self.fill(self.pick(self.lists["star_frames"]), s=stars)
        return _capital(verdict)

    def story(self) -> str:
        return _capital(self.fill(self.fresh(self.lists["story"])))

    def arrival(self) -> str:
        """Say how the reviewer came to the place."""
        purpose = self.fill(self.pick(self.lists["purpose"]))
        return self.fill(
            self.pick(
                [
                    "{We} went to {place} {p} on a {weekday} {daytime}.",
                    "Went to {place} {p} with my {friend_role}.",
                    "{friend} took {us} to {place} {p}.",
                    "{place} is a {business} near {landmark} in {town}.",
                    "{We} stopped at {place} {p}.",
                    "My {friend_role} suggested {place}, a {business} on {street}.",
                ]
            ),
            p=purpose,
        )

    # The review

    def review(self) -> str:
        """Write sentences up to a drawn length; a long review has fewer opinions and more story."""
        # The length, the beginning and the end
        target = min(MAX_WORDS, MEDIAN_WORDS * 2.718281828459045 ** (LENGTH_SIGMA * _normal(self.rng)))
        sentences = [self.verdict()] if self.chance(0.22) else []
        if target > 25 and self.chance(0.75):
            sentences.append(self.arrival())
        closing = [self.verdict()] if not sentences or self.chance(0.75) else []

        # The sentences between them, with at least one opinion
        words = sum(len(s.split()) for s in sentences + closing)
        opinions = 0
        while words < target - 6 or opinions == 0:
            if (opinions == 0 and words > target - 20) or self.chance(0.68 if opinions < 7 else 0.4):
                sentence = self.opinion_sentence()
                opinions += 1
            else:
                sentence = self.story()
            sentences.append(sentence)
            words += len(sentence.split())
        return self.styled(self.paragraphs(sentences + closing))

    def paragraphs(self, sentences: list[str]) -> str:
        """Join the sentences, in some long reviews with blank lines between them."""
        breaks = len(sentences) > 9 and self.chance(0.6)
        return "".join(s + ("\n\n" if breaks and self.chance(0.18) else " ") for s in sentences).strip()

    def styled(self, text: str) -> str:
        """Put "an" before vowels, and give the text the reviewer's typos and small letters."""
        text = _A_BEFORE_VOWEL.sub(r"\1n", text)
        if self.typo_rate:
            text = re.sub(r"[a-z]{4,}", self._typo, text)
        return text.lower() if self.lowercase else text

    def _typo(self, match: re.Match) -> str:
        """Now and then swap two letters of the word, or drop one."""
        word = match[0]
        if not self.chance(self.typo_rate):
            return word
        at = 1 + int((len(word) - 2) * self.rng.random())
        if self.chance(0.5):
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return word[:at] + word[at + 1 :]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
