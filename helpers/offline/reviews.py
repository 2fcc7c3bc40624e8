"""Writes synthetic star reviews of invented businesses, the same ones every time.

A review starts from a *latent opinion* between 0 (furious) and 5 (delighted). The opinion colours what is said of
each aspect (product, service, wait, price, place) and the verdict. The label is the opinion plus noise, cut down to a whole number:
two people with the same experience may give different stars, so no classifier can be right every time.

Only `random.Random.random()` is drawn from: its sequence for a given seed is guaranteed by Python, while `choice`,
`gauss` and `shuffle` may change between versions.
"""

from __future__ import annotations

import random
import re
import tomllib
from functools import cache
from pathlib import Path
from statistics import NormalDist

LABEL_NAMES = ["1 star", "2 star", "3 stars", "4 stars", "5 stars"]  # spelled as Yelp/yelp_review_full spells them
ASPECTS = ["thing", "service", "wait", "price", "place"]
ASPECT_WEIGHTS = [0.34, 0.26, 0.13, 0.13, 0.14]

STAR_NOISE = 0.28  # standard deviation, in stars, between the opinion and the stars given
ASPECT_SPREAD = 0.75  # how far one aspect strays from the overall opinion, in stars
LEVEL_NOISE = 0.35  # how far a single sentence strays from its aspect
MEDIAN_WORDS, LENGTH_SIGMA, MAX_WORDS = 92, 0.83, 880  # a log-normal law, near the lengths of real Yelp reviews

LEXICON = Path(__file__).parent / "lexicon"
_SLOT = re.compile(r"\{(\w+)\}")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa])(?= (?!one|us|uni|eu)[aeiouAEIOUéÉ])")
_ONSETS = "B Br C Cal D Dr El F Fen G Gr H Hal J K Kor L Lind M Mar N Nor O P Pr R S Sal St T Tor V W Wil Z".split()
_MIDDLES = "a e i o u al an ar el en er il in or ou ea ai".split()
_SURNAME_ENDS = "bach berg ca der dez kov la lich man mer mont nes no nova quist ra ri rov san sen ska son ti to vic".split()
_TOWN_ENDS = "bridge bury dale ford gate ham haven mouth port stead ton vale ville wick wood worth".split()
_STREET_KINDS = ["Street", "Avenue", "Lane", "Road", "Square", "Boulevard"]


@cache
def _lexicon(name: str) -> dict:
    return tomllib.loads((LEXICON / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def business_kinds() -> tuple[str, ...]:
    """The kinds of business there is a lexicon for, sorted by name."""
    return tuple(sorted(path.stem for path in LEXICON.glob("*.toml") if path.stem != "common"))


def write_review(seed: str, label: int) -> str:
    """Write the review that belongs to `seed`, with `label` in 0…4 (one star less than its name says).

    The same arguments give the same text on every platform. Different seeds give different texts, but nothing
    forbids two short ones to coincide: who needs disjoint sets compares them.
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
    """Draw from opinion ~ U(0, 5) given that opinion + noise falls into the label's star, by rejection."""
    while True:
        opinion = 5 * rng.random()
        if min(4, max(0, int(opinion + STAR_NOISE * _normal(rng)))) == label:
            return opinion


class _Writer:
    """One reviewer on one day: a business, a companion, a temper, and an opinion of each aspect."""

    def __init__(self, rng: random.Random, opinion: float):
        self.rng = rng
        kind = _lexicon(_pick(rng, business_kinds()))
        common = _lexicon("common")
        self.lists = {**common, **kind, "story": common["story"] + kind["story"] * 3}
        for name, kept in (("thing", 6), ("things", 4)):  # nobody orders everything on the menu
            self.lists[name] = [_pick(rng, kind[name]) for _ in range(kept)]
        self.opinion = opinion
        self.aspects = [opinion + ASPECT_SPREAD * _normal(rng) for _ in ASPECTS]
        self.excited = rng.random() < 0.35
        self.typo_rate = 0.015 if rng.random() < 0.2 else 0.0
        self.lowercase = rng.random() < 0.03
        self.said: set[str] = set()
        self.fixed = self._fixed_names()

    # -- words ---------------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, items):
        return _pick(self.rng, items)

    def _coined(self, ends: list[str]) -> str:
        return self.pick(_ONSETS) + self.pick(_MIDDLES) + self.pick(ends)

    def _fixed_names(self) -> dict[str, str]:
        """What stays the same throughout one review."""
        alone = self.chance(0.45)
        self.fixed = {
            "we": "I" if alone else "we", "We": "I" if alone else "We", "us": "me" if alone else "us",
            "our": "my" if alone else "our", "Our": "My" if alone else "Our", "their": "their",
            "friend": self.pick(self.lists["first_name"]), "town": self._coined(_TOWN_ENDS),
            "surname": self._coined(_SURNAME_ENDS), "rival": self._coined(_SURNAME_ENDS) + "'s",
            "year": str(1950 + int(75 * self.rng.random())), "age": str(18 + int(70 * self.rng.random())),
        }
        for name in ("friend_role", "business", "staff_role"):
            self.fixed[name] = self.pick(self.lists["role" if name == "staff_role" else name])
        self.fixed["staff"] = self.pick(self.lists["first_name"])
        name = self.fill(self.pick(self.lists["name_pattern"]))
        self.fixed["place"] = " ".join(word if word in ("and", "of", "on") else _capital(word) for word in name.split())
        return self.fixed

    def _coin_or_pick(self, name: str) -> str:
        """A draw for a slot that is not fixed for the whole review."""
        if name in ("town2", "surname2"):
            return self._coined(_TOWN_ENDS if name == "town2" else _SURNAME_ENDS)
        if name in ("street", "street_word"):
            word = self._coined(_SURNAME_ENDS + _TOWN_ENDS)
            return word if name == "street_word" else f"{word} {self.pick(_STREET_KINDS)}"
        return self.pick(self.lists[name.rstrip("2")])

    def fill(self, template: str, **given: str) -> str:
        def value(match: re.Match) -> str:
            name = match[1]
            return given.get(name) or self.fixed.get(name) or self.fill(self._coin_or_pick(name))

        return _SLOT.sub(value, template)

    def fresh(self, templates: list[str]) -> str:
        """A template not yet used in this review, as far as there is one."""
        for _ in range(8):
            template = self.pick(templates)
            if template not in self.said:
                break
        self.said.add(template)
        return template

    # -- clauses: what is said of one aspect, without a full stop ----------------------------------------------------

    def level(self, stars: float) -> int:
        """From an opinion in stars to one of the five levels of the lexicon."""
        return min(4, max(0, int(stars + LEVEL_NOISE * _normal(self.rng))))

    def adjective(self, graded: list[list[str]], level: int) -> str:
        """A description of that level: plain, strengthened, hedged, or the opposite negated."""
        way = self.rng.random()
        if level in (0, 4):
            milder = graded[1 if level == 0 else 3]
            return self.pick(graded[level]) if way < 0.65 else f"{{degree_strong}} {self.pick(milder)}"
        if level == 2:
            if way < 0.5:
                return self.pick(graded[2])
            good, bad = self.pick(graded[3]), self.pick(graded[1])
            return f"neither {good} nor {bad}" if way < 0.7 else f"{good} at times and {bad} at others"
        if way < 0.4:
            return self.pick(graded[level])
        if level == 3:
            return f"{{degree_mild}} {self.pick(graded[3])}" if way < 0.65 else f"{{not_bad}} {self.pick(graded[self.pick((0, 1, 1))])}"
        return f"{{degree_weak}} {self.pick(graded[1])}" if way < 0.6 else f"{{not_quite}} {self.pick(graded[self.pick((3, 3, 4))])}"

    def clause(self, aspect: str, level: int) -> str:
        if aspect == "wait" or (aspect != "service" and self.chance(0.42)):
            return self.fill(self.fresh(self.lists[f"{aspect}_clauses"][level]))
        if aspect == "service" and self.chance(0.55):
            return self.fill("{service_subject} " + self.fresh(self.lists["service_predicates"][level]))
        return self.description(aspect, level)

    def description(self, aspect: str, level: int) -> str:
        """A clause of the form: subject, verb, adjective."""
        if aspect == "thing":
            subject = "the {thing} was" if self.chance(0.68) else "the {things} were"
        else:
            subject = f"{{{aspect}_subject}} was"
        return self.fill(f"{subject} {self.adjective(self.lists[f'{aspect}_adjectives'], level)}")

    # -- sentences ------------------------------------------------------------------------------------------------

    def aspect_and_level(self) -> tuple[str, int]:
        draw = self.rng.random()
        for aspect, opinion, weight in zip(ASPECTS, self.aspects, ASPECT_WEIGHTS):
            draw -= weight
            if draw < 0:
                break
        return aspect, self.level(opinion)

    def opinion_sentence(self) -> str:
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
        """Two clauses; what joins them says whether they pull the same way."""
        aspect, other = self.aspect_and_level()
        second = self.clause(aspect, other)
        if abs(level - other) < 2:
            return self.ended(f"{_capital(first)}{self.pick(self.lists['and_link'])} {second}", other)
        if self.chance(0.3):
            return self.ended(f"{self.pick(self.lists['concede'])} {first}, {'but ' if self.chance(0.3) else ''}{second}", other)
        return self.ended(f"{_capital(first)}{self.pick(self.lists['but_link'])} {second}", other)

    def foil(self, aspect: str, level: int) -> str:
        """The opposite is mentioned and denied: the words alone point the wrong way."""
        aspect = "service" if aspect == "wait" else aspect
        opposite = self.description(aspect, 4 - level)
        way = self.rng.random()
        if way < 0.45:
            return f"{self.fill(self.pick(self.lists['rumour']))} {opposite}. {self.fill(self.pick(self.lists['denial']))}."
        if way < 0.75:
            here = self.fill(self.pick(self.lists["here"]))
            return f"{self.fill(self.pick(self.lists['elsewhere']))} {opposite}; {here} {self.clause(aspect, level)}."
        return f"{self.fill(self.pick(self.lists['past']))} {opposite}. {self.pick(self.lists['no_longer'])}."

    def ended(self, sentence: str, level: int) -> str:
        if self.excited and level in (0, 4):
            if self.chance(0.12):
                words = sentence.split(" ")
                words[-1] = words[-1].upper()
                sentence = " ".join(words)
            return sentence + ("!" if self.chance(0.7) else "!!!")
        return sentence + "."

    def verdict(self) -> str:
        level = self.level(self.opinion)
        verdict = self.fill(self.fresh(self.lists["verdicts"][level]))
        if self.chance(0.18):
            aspect, other = self.aspect_and_level()
            against = 4 - level if abs(level - other) < 2 else other
            clause = self.clause(aspect, against)
            verdict = self.fill(self.pick(self.lists["verdict_concede"]), c=clause, C=_capital(clause), v=verdict[0].lower() + verdict[1:])
        elif self.chance(0.2):
            verdict = self.fill(self.pick(self.lists["verdict_frames"]), v=verdict)
        if self.chance(0.04):
            stars = self.lists["star_words"][self.level(self.opinion)]
            verdict += " " + self.fill(self.pick(self.lists["star_frames"]), s=stars)
        return _capital(verdict)

    def story(self) -> str:
        return _capital(self.fill(self.fresh(self.lists["story"])))

    def arrival(self) -> str:
        purpose = self.fill(self.pick(self.lists["purpose"]))
        return self.fill(self.pick([
            "{We} went to {place} {p} on a {weekday} {daytime}.", "Went to {place} {p} with my {friend_role}.",
            "{friend} took {us} to {place} {p}.", "{place} is a {business} near {landmark} in {town}.",
            "{We} stopped at {place} {p}.", "My {friend_role} suggested {place}, a {business} on {street}."]), p=purpose)

    # -- the review -----------------------------------------------------------------------------------------------

    def review(self) -> str:
        """Sentences until the drawn length is reached: fewer opinions and more story the longer it gets."""
        target = min(MAX_WORDS, MEDIAN_WORDS * 2.718281828459045 ** (LENGTH_SIGMA * _normal(self.rng)))
        sentences = [self.verdict()] if self.chance(0.22) else []
        if target > 25 and self.chance(0.75):
            sentences.append(self.arrival())
        closing = [self.verdict()] if not sentences or self.chance(0.75) else []
        words = sum(len(s.split()) for s in sentences + closing)
        opinions = 0
        while words < target - 6 or opinions == 0:
            if (opinions == 0 and words > target - 20) or self.chance(0.68 if opinions < 7 else 0.4):
                sentence, opinions = self.opinion_sentence(), opinions + 1
            else:
                sentence = self.story()
            sentences.append(sentence)
            words += len(sentence.split())
        return self.styled(self.paragraphs(sentences + closing))

    def paragraphs(self, sentences: list[str]) -> str:
        breaks = len(sentences) > 9 and self.chance(0.6)
        return "".join(s + ("\n\n" if breaks and self.chance(0.18) else " ") for s in sentences).strip()

    def styled(self, text: str) -> str:
        text = _A_BEFORE_VOWEL.sub(r"\1n", text)
        if self.typo_rate:
            text = re.sub(r"[a-z]{4,}", self._typo, text)
        return text.lower() if self.lowercase else text

    def _typo(self, match: re.Match) -> str:
        word = match[0]
        if not self.chance(self.typo_rate):
            return word
        at = 1 + int((len(word) - 2) * self.rng.random())
        return word[:at] + word[at + 1] + word[at] + word[at + 2:] if self.chance(0.5) else word[:at] + word[at + 1:]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

