"""The exercises and questions of notebook 1: the majority, labels from 1, padding by hand, what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from helpers.data.padding import PADDING_STRATEGIES, padding_cost
from helpers.language import N_, _
from helpers.learn.exercise import (
    Exercise,
    Function,
    Mistake,
    Names,
    Value,
    not_yet,
    plain,
    praise,
    same,
    shown,
)
from helpers.learn.quiz import Option, Question

# The majority


def _share(label: int, labels: list[int]) -> float:
    return labels.count(label) / len(labels)


def _training_labels(names: Names) -> list[int]:
    return list(names.small_train_dataset["label"])


def _validation_labels(names: Names) -> list[int]:
    return list(names.validation_dataset["label"])


def _commonest(labels: list[int]) -> list[int]:
    """Return the commonest label, or all of them if several are equally common."""
    counts = Counter(labels)
    return [label for label, count in counts.items() if count == max(counts.values())]


def _majority(names: Names) -> float:
    return _share(_commonest(_training_labels(names))[0], _validation_labels(names))


def _is_a_majority(answer: float, names: Names) -> bool:
    validation = _validation_labels(names)
    commonest = _commonest(_training_labels(names))
    return any(same(answer, _share(label, validation), 0.005) for label in commonest)


def _told_majority(right: float, names: Names) -> str:
    label = _commonest(_training_labels(names))[0]
    text = _(
        "{label!r} is commonest among the training rows, and right for {share:.1%} of "
        "the validation rows. A model that has learned something does better."
    )
    return text.format(label=names.label_names[label], share=right)


MAJORITY = Value(
    name="majority",
    minutes=4,
    right=_majority,
    accepts=_is_a_majority,
    because=_told_majority,
    hint=N_(
        "Which rows decide on the answer, and which rows is it measured on? `counts` holds only one of the "
        "two."
    ),
    solution="""commonest = Counter(small_train_dataset["label"]).most_common(1)[0][0]
majority = counts[commonest] / len(validation_dataset)""",
    mistakes=(
        Mistake(
            N_(
                "This answer was chosen by the validation rows on which it is measured, so it looks better "
                "than it is. Choose it by the training rows."
            ),
            lambda names: _share(_commonest(_validation_labels(names))[0], _validation_labels(names)),
        ),
        Mistake(
            N_("This is its share of the training rows. Measure it on the validation rows."),
            lambda names: _share(_commonest(_training_labels(names))[0], _training_labels(names)),
        ),
        Mistake(
            N_(
                "This is one divided by the number of classes. It would be so if all had the same number of "
                "rows."
            ),
            lambda names: 1 / len(names.label_names),
        ),
        Mistake(
            N_("This is a number of rows. Divide it by the number of validation rows."),
            lambda names: _majority(names) * len(_validation_labels(names)),
        ),
        Mistake(
            N_("This is in percent. A share lies between 0 and 1."),
            lambda names: _majority(names) * 100,
        ),
    ),
)


# Labels that start at 1


def _labels_of(function: Callable, names: Names) -> dict:
    """Run the function on two batches. Both have a row of the last class, the second has none of the "
    "first."""
    last = len(names.label_names)
    given = {"text": ["…"] * last, "label": list(range(last, 0, -1))}
    first = function({name: list(values) for name, values in given.items()})
    second = function({"text": ["…", "…"], "label": [last, 2]})
    if not isinstance(first, Mapping) or "label" not in first:
        return {_('the column "label" of the dict that it returns'): _("nothing")}
    made_of = _("the labels that it makes of {labels}")
    return {
        _('the column "label" of the dict that it returns'): _("there"),
        made_of.format(labels=given["label"]): first["label"],
        made_of.format(labels=[last, 2]): second["label"],
    }


def _with_labels(change: Callable[[int, list[int]], int]) -> Callable:
    return lambda rows: {"label": [change(label, rows["label"]) for label in rows["label"]]}


FROM_ZERO = Function(
    name="from_zero",
    minutes=4,
    right=_with_labels(lambda label, labels: label - 1),
    outcome=_labels_of,
    because=N_("Each label has moved down by one, in every batch, and no two classes became one."),
    hint=N_(
        '`map` gives the function a dict with the lists of a batch. `examples["label"]` is one of them, '
        "and Python cannot subtract 1 from a list: make a new list of the same length. What must 1 become?"
    ),
    solution="""def from_zero(examples):
    return {"label": [label - 1 for label in examples["label"]]}""",
    mistakes=(
        Mistake(
            N_("The labels are still those of the file. The largest has no place in the model."),
            _with_labels(lambda label, labels: label),
        ),
        Mistake(
            N_("The labels went up. They have to go down, so that the smallest becomes 0."),
            _with_labels(lambda label, labels: label + 1),
        ),
        Mistake(
            N_(
                "The labels that are too large were cut off, so two classes became one, and the others still "
                "have the name of their neighbour."
            ),
            _with_labels(lambda label, labels: min(label, max(labels) - 1)),
        ),
        Mistake(
            N_("Only the last class has moved, and became the first. All of them have to move."),
            _with_labels(lambda label, labels: label % max(labels)),
        ),
        Mistake(
            N_(
                "You subtract the smallest label of the batch. A batch without the first class then becomes "
                "something else."
            ),
            _with_labels(lambda label, labels: label - min(labels)),
        ),
        Mistake(
            N_(
                "The labels may be right, but `map` needs a dict with the name of their column: "
                '{"label": [...]}.'
            ),
            lambda rows: [label - 1 for label in rows["label"]],
        ),
    ),
)


# A batch, padded by hand


def _padded(function: Callable, names: Names) -> dict:
    """Pad two batches. A row counts up to one number more than the longest text has."""
    outcome = {_("the number of tables that it returns"): 2}
    for pad_id, lengths in ((9, (3, 5, 2)), (0, (1, 4))):
        batch = [list(range(11, 11 + length)) for length in lengths]
        tables = function(batch, pad_id)
        if isinstance(tables, Mapping):
            tables = [tables[name] for name in ("input_ids", "attention_mask")]
        if (number := _tables(tables)) != 2:
            return {_("the number of tables that it returns"): number}
        ids, mask = ([row[: max(lengths) + 1] for row in plain(table)] for table in tables)
        outcome |= {
            _("the input_ids of texts of {lengths} tokens").format(lengths=lengths): ids,
            _("the attention_mask of texts of {lengths} tokens").format(lengths=lengths): [
                list(map(int, row)) for row in mask
            ],
        }
    return outcome


def _tables(returned) -> int:
    """Return how many tables, lists of rows, a function returned."""
    if returned is None:
        return 0
    if not isinstance(returned, (list, tuple)):
        return 1
    first_row = plain(returned[0]) if returned else []
    of_numbers = isinstance(first_row, list) and first_row and not isinstance(first_row[0], list)
    return 1 if of_numbers else len(returned)


def _padding(
    width: Callable = max,
    left: bool = False,
    mask: tuple[int, int] = (1, 0),
    fill: int | None = None,
    cut: bool = True,
) -> Callable:
    """Return a function that pads to the length that `width` chooses, and cuts longer texts if `cut`.

    `mask` is for a real and a filled place.
    """

    def pad(batch, pad_id):
        wide = width(map(len, batch))
        ids = []
        masks = []
        for text in batch:
            text = text[:wide] if cut else text
            empty = wide - len(text)
            filling = [pad_id if fill is None else fill] * empty
            real = [mask[0]] * len(text)
            ids.append(filling + text if left else text + filling)
            masks.append([mask[1]] * empty + real if left else real + [mask[1]] * empty)
        return ids, masks

    return pad


PAD = Function(
    name="pad",
    minutes=6,
    right=_padding(),
    outcome=_padded,
    because=N_("All rows have the length of the batch's longest text, and the mask marks what is real."),
    hint=N_("How long is the longest text of the batch? How much is each of the others short of it?"),
    solution="""def pad(batch, pad_id):
    longest = max(len(ids) for ids in batch)
    input_ids = [ids + [pad_id] * (longest - len(ids)) for ids in batch]
    attention_mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch]
    return input_ids, attention_mask""",
    mistakes=(
        Mistake(
            N_(
                "Your rows are longer than the longest text of the batch. That is the tutorial's way, up to "
                "the model's limit. Here the longest text of the batch decides."
            ),
            _padding(width=lambda lengths: 512),
        ),
        Mistake(
            N_(
                "Only one table came back. Return two, the padded batch and its attention mask: "
                "`return input_ids, attention_mask`."
            ),
            lambda batch, pad_id: _padding()(batch, pad_id)[0],
        ),
        Mistake(
            N_(
                "Your rows still have different lengths. Add `pad_id` to each one until all are as long as "
                "the longest."
            ),
            _padding(width=min, cut=False),
        ),
        Mistake(
            N_(
                "You fill up to the length of the first text, `batch[0]`. The longest one may stand anywhere."
            ),
            _padding(width=next, cut=False),
        ),
        Mistake(
            N_(
                "You cut all texts to the shortest one, so most of what they say is lost. Fill up to the "
                "longest."
            ),
            _padding(width=min),
        ),
        Mistake(
            N_(
                "The padding stands at the left. The model expects its first token, [CLS], at the first "
                "place."
            ),
            _padding(left=True),
        ),
        Mistake(
            N_(
                "The mask is the wrong way round: 1 is for a real token, 0 for padding. So the model would "
                "look at the padding only."
            ),
            _padding(mask=(0, 1)),
        ),
        Mistake(
            N_(
                "The mask is 1 everywhere. Where a row is padded it has to be 0, or the model reads the "
                "padding."
            ),
            _padding(mask=(1, 1)),
        ),
        Mistake(
            N_("The padding is always 0. Another tokenizer's padding may have another number: use `pad_id`."),
            _padding(fill=0),
        ),
        Mistake(
            N_("Both tables are right, in the wrong order: first input_ids, then attention_mask."),
            lambda batch, pad_id: _padding()(batch, pad_id)[::-1],
        ),
    ),
)


# What one long text costs


def _computed(names: Names) -> int:
    return len(names.eight) * max(names.eight)


def _padding_share(names: Names) -> float:
    return 1 - sum(names.eight) / _computed(names)


def _told_padding(right: float, names: Names) -> str:
    text = _("Of {computed:,} computed tokens, {real:,} are real: {share:.0%} is padding.")
    if right > 0.5:
        text += " " + _("One long text is enough for that.")
    return text.format(computed=_computed(names), real=sum(names.eight), share=right)


PADDING_SHARE = Value(
    name="padding_share",
    minutes=4,
    right=_padding_share,
    because=_told_padding,
    hint=N_(
        "Draw it: a batch of one text of 500 tokens and seven of 50 is a table of 8 × 500. How many of its "
        "4,000 places hold a real token?"
    ),
    solution="padding_share = 1 - sum(eight) / (len(eight) * max(eight))",
    mistakes=(
        Mistake(
            N_("This is the share of the real tokens. Padding is the rest."),
            lambda names: 1 - _padding_share(names),
        ),
        Mistake(
            N_("This is a ratio: padding per real token. The share is out of all that is computed."),
            lambda names: _computed(names) / sum(names.eight) - 1,
        ),
        Mistake(
            N_("This is in percent. A share lies between 0 and 1."),
            lambda names: 100 * _padding_share(names),
        ),
        Mistake(
            N_("This is a number of tokens. Divide it by all that are computed."),
            lambda names: _computed(names) - sum(names.eight),
        ),
        Mistake(
            N_("This is the share of the texts that are padded. Count tokens."),
            lambda names: sum(length < max(names.eight) for length in names.eight) / len(names.eight),
        ),
        Mistake(
            N_("This is for the seven short texts alone. The long one is computed, too."),
            lambda names: 1 - min(names.eight) / max(names.eight),
        ),
        Mistake(
            N_("You fill up to the model's limit. `longest` stops at the longest text of the batch."),
            lambda names: 1 - sum(names.eight) / (len(names.eight) * names.max_length),
        ),
    ),
)


# A cheap setting


def _cut_share(names: Names, max_length: int) -> float:
    """Return the share of texts that lose tokens. One with as many as the limit was cut before."""
    lengths = np.asarray(names.lengths)
    return float(((lengths > max_length) | (lengths >= names.max_length)).mean())


def _lowest(names: Names) -> int:
    """Return the lowest `max_length` that cuts under 10 % of the texts, or the limit if none does."""
    fits = (length for length in range(1, names.max_length) if _cut_share(names, length) < 0.1)
    return next(fits, names.max_length)


def _tokens(names: Names, max_length: int, batch_size: int, padding: str) -> int:
    return padding_cost(names.lengths, batch_size, padding, max_length).computed_tokens


@dataclass(frozen=True, kw_only=True)
class Setting(Exercise):
    """A limit, a batch size and a way to pad: under 10 % cut, and no more than 10 % above the cheapest."""

    def told(self, answer, names: Names) -> tuple[bool, str]:
        given = plain(answer)
        if problem := _unfit(given, names):
            return False, problem
        max_length, batch_size, padding = given
        if batch_size < 8:
            return False, not_yet(_(_SMALL))

        # What it cuts
        lowest = _lowest(names)
        cut = _cut_share(names, max_length)
        if cut >= 0.1 and max_length < names.max_length:
            text = _("Not yet: it cuts {share:.1%} of the texts. {advice}")
            return False, text.format(share=cut, advice=_(_CUTS))

        # What it costs
        cheapest = min(_tokens(names, lowest, 8, padding) for padding in PADDING_STRATEGIES)
        tokens = _tokens(names, *given)
        more = tokens / cheapest - 1
        if more > 0.1:
            short_enough = _tokens(names, lowest, batch_size, padding) <= 1.1 * cheapest
            advice = {"max_length": _FILLS, "longest": _MIXES}.get(padding, _LONG if short_enough else _LARGE)
            text = _("Not yet: it computes {share:.1%} more than the cheapest such setting. {advice}")
            return False, text.format(share=more, advice=_(advice))

        cuts = _("It cuts {share:.1%} of the texts.")
        if cut >= 0.1:
            cuts = _("It cuts {share:.1%} of the texts, as many as the model's limit cuts anyway.")
        costs = _(
            "An epoch computes {share:.0%} of the tutorial's tokens. "
            "What is cut is lost to the model: compare its answers before you keep such a limit."
        )
        share = tokens / (len(names.lengths) * names.max_length)
        return True, praise(f"{cuts.format(share=cut)} {costs.format(share=share)}")


_SMALL = N_(
    "At least 8 texts in a batch were asked for. Smaller batches pad less, and the machine is slow with them."
)
_CUTS = N_("Fewer than one in ten was asked for: raise max_length.")
_FILLS = N_('"max_length" fills every text up to the limit. Choose another padding.')
_MIXES = N_(
    'With "longest", long texts meet short ones in a batch. Choose the padding that keeps them apart.'
)
_LONG = N_("Your max_length can be lower: it may cut up to one text in ten.")
_LARGE = N_(
    "Even among similar texts, lengths differ more in a large batch, so it pads more. Take a smaller one."
)


def _unfit(given, names: Names) -> str | None:
    """Say what is wrong with the kind of answer, if anything is."""
    if not isinstance(given, list) or len(given) != 3:
        text = _('Three values were expected, as in (512, 8, "longest"), and this is {answer}.')
        return text.format(answer=shown(given))
    if type(given[0]) is not int:
        text = _("The max_length is a whole number, as 8 is, and this is {answer}.")
        return text.format(answer=shown(given[0]))
    if type(given[1]) is not int:
        text = _("The batch size is a whole number, as 8 is, and this is {answer}.")
        return text.format(answer=shown(given[1]))
    if given[2] not in PADDING_STRATEGIES:
        known = ", ".join(f'"{strategy}"' for strategy in PADDING_STRATEGIES)
        text = _("The padding is one of {known}, and this is {answer}.")
        return text.format(known=known, answer=shown(given[2]))
    if not 1 <= given[0] <= names.max_length or given[1] < 1:
        text = _("max_length is 1 to {limit}, the batch size at least 1; this is {answer}.")
        return text.format(limit=names.max_length, answer=shown(given))
    return None


SETTING = Setting(
    name="setting",
    minutes=6,
    hint=N_(
        "In the explorer above: first choose the padding, then lower max_length until nearly one text in "
        "ten is cut. Which batch size of at least 8 pads least?"
    ),
    solution=N_("""# Nine of ten texts have at most this many tokens
lowest = int(pd.Series(lengths).quantile(0.9, interpolation="higher"))
setting = (lowest, 8, "group_by_length")"""),
    mistakes=(
        Mistake(_SMALL, lambda names: (_lowest(names), 1, "longest")),
        Mistake(_CUTS, lambda names: (_lowest(names) // 2, 8, "group_by_length")),
        Mistake(_FILLS, lambda names: (names.max_length, 8, "max_length")),
        Mistake(_MIXES, lambda names: (names.max_length, 8, "longest")),
        Mistake(_LONG, lambda names: (names.max_length, 8, "group_by_length")),
        Mistake(_LARGE, lambda names: (_lowest(names), 64, "group_by_length")),
    ),
)

EXERCISES = [MAJORITY, FROM_ZERO, PAD, PADDING_SHARE, SETTING]

QUESTIONS = [
    Question(
        N_("You take another model's tokenizer. Its vocabulary is just as large. What happens?"),
        (
            Option(
                N_("The same number means another token."),
                N_("The model keeps what it has learned about each number. It looks up the wrong tokens."),
                right=True,
            ),
            Option(
                N_("The first batch stops with an error."),
                N_("The model knows each of the numbers, so nothing stops. It trains on nonsense."),
            ),
            Option(
                N_("Nothing: training teaches the model the new numbers."),
                N_("A thousand reviews are far too few to learn a whole vocabulary anew."),
            ),
        ),
    ),
    Question(
        N_(
            "A file counts its stars from 1 to 5, and the model has five outputs. You train without a "
            "change. What happens?"
        ),
        (
            Option(
                N_("Nothing: `load_dataset` makes labels start at 0."),
                N_("It gives you the numbers of the file as they are."),
            ),
            Option(
                N_("Nothing: only the first output stays unused."),
                N_("That would need six outputs. With five, label 5 has none."),
            ),
            Option(
                N_("The training stops at the first text with five stars."),
                N_("The outputs are numbered from 0 to 4. Label 5 is out of range."),
                right=True,
            ),
        ),
    ),
    Question(
        N_("Does padding change the model's answer?"),
        (
            Option(
                N_("Yes: `[CLS]` reads it like the rest of the text."),
                N_("The attention mask keeps every position from looking at padding."),
            ),
            Option(
                N_("No, it changes only the time."),
                N_("The attention mask hides it. The answers are equal, beyond rounding."),
                right=True,
            ),
            Option(
                N_("No, and it costs nothing: padding is left out."),
                N_("It is computed like any other token, and then ignored."),
            ),
        ),
    ),
    Question(
        N_(
            "You try twenty settings on the validation rows. The best one is right for 60 %. What do you "
            "expect on the test rows?"
        ),
        (
            Option(
                N_("Sixty: no training used the validation rows."),
                N_("No training did, but your choice did. The best of twenty was lucky on these rows, too."),
            ),
            Option(
                N_("Nothing can be said, since they are other rows."),
                N_(
                    "They come from the same source, so the result will be near. It will more often be lower."
                ),
            ),
            Option(
                N_("A little less than sixty."),
                N_("Part of being best of twenty is luck, and the luck does not come along to other rows."),
                right=True,
            ),
        ),
    ),
]
