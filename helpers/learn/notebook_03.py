"""The exercises and questions of notebook 3: one step, an evaluation, accumulated gradients, a ranking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from transformers import BertConfig, BertForSequenceClassification

from helpers.language import N_, _
from helpers.learn.exercise import Exercise, Function, Mistake, Names, not_yet, plain, shown
from helpers.learn.quiz import Option, Question


def _small_model(device) -> BertForSequenceClassification:
    """Make a BERT of a few hundred weights, the same each time, with so much dropout that it shows."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
        hidden_dropout_prob=0.4,
        initializer_range=0.5,  # with small weights, all logits would be alike
    )
    config.num_labels = 4
    return BertForSequenceClassification(config).to(device)


def _small_batches(*sizes: int) -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(14)  # here each mistake of `EVALUATE` shows
    return [
        {
            "input_ids": torch.randint(1, 20, (size, 6), generator=generator),
            "attention_mask": torch.ones(size, 6, dtype=torch.long),
            "labels": torch.randint(0, 4, (size,), generator=generator),
        }
        for size in sizes
    ]


def _on_device(batch: dict, device) -> dict:
    return {name: tensor.to(device) for name, tensor in batch.items()}


# One step


def _step_of(*parts: str, returned: Callable = torch.Tensor.item) -> Callable:
    """Make a step that does `parts` in their order, after the forward pass."""

    def step(model, batch, optimizer, lr_scheduler):
        loss = model(**_on_device(batch, model.device)).loss
        calls = {
            "backward": loss.backward,
            "step": optimizer.step,
            "schedule": lr_scheduler.step,
            "clear": optimizer.zero_grad,
            "clip": lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0),
        }
        for part in parts:
            calls[part]()
        return returned(loss)

    return step


def _three_steps(step: Callable, names: Names) -> dict:
    model = _small_model(names.device).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    lr_scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 6)
    backwards = _backward_passes(model)
    steps = []
    optimizer.register_step_post_hook(lambda *given: steps.append(1))
    losses = [step(model, batch, optimizer, lr_scheduler) for batch in _small_batches(4, 4, 4)]
    return {
        _("the number of backward passes in three calls"): len(backwards),
        _("the number of optimizer steps in three calls"): len(steps),
        _("the learning rate after three calls"): optimizer.param_groups[0]["lr"],
        _("the weights after three calls"): torch.cat([weight.flatten() for weight in model.parameters()]),
        _("the losses that three calls return"): losses,
        _("whether a loss still leads to the computation"): any(
            isinstance(loss, torch.Tensor) and loss.requires_grad for loss in losses
        ),
    }


def _backward_passes(model) -> list:
    """Return a list that grows by one with each backward pass through `model`."""
    passes = []
    model.classifier.bias.register_hook(lambda gradient: passes.append(1))
    return passes


TRAIN_STEP = Function(
    name="train_step",
    minutes=6,
    right=_step_of("backward", "step", "schedule", "clear"),
    outcome=_three_steps,
    because=N_("Three steps of yours on a small model give the same losses, weights and learning rates."),
    hint=N_("Six things happen to a batch in the loop above. In which order, and which of them clears up?"),
    solution="""def train_step(model, batch, optimizer, lr_scheduler):
    batch = {name: tensor.to(device) for name, tensor in batch.items()}
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    lr_scheduler.step()
    optimizer.zero_grad()
    return loss.item()""",
    mistakes=(
        Mistake(
            N_(
                "The first step is right, and the later ones are not: the gradients of earlier batches are "
                "still there, and `backward` adds to them. Clear them with `optimizer.zero_grad()`."
            ),
            _step_of("backward", "step", "schedule"),
        ),
        Mistake(
            N_(
                "The weights never move: `zero_grad` clears the gradient before `optimizer.step()` could use "
                "it."
            ),
            _step_of("backward", "clear", "step", "schedule"),
        ),
        Mistake(
            N_("Each step uses the learning rate of the next one: step the schedule after the optimizer."),
            _step_of("backward", "schedule", "step", "clear"),
        ),
        Mistake(
            N_("The weights never move, because nothing computes a gradient: `loss.backward()` is missing."),
            _step_of("step", "schedule", "clear"),
        ),
        Mistake(
            N_("The learning rate stays as it is: `lr_scheduler.step()` is missing."),
            _step_of("backward", "step", "clear"),
        ),
        Mistake(
            N_("You compute a gradient, and nothing uses it: `optimizer.step()` is missing."),
            _step_of("backward", "schedule", "clear"),
        ),
        Mistake(
            N_(
                "You shorten the gradient. `Trainer` does that too, as you will see; the loop above does not."
            ),
            _step_of("backward", "clip", "step", "schedule", "clear"),
        ),
        Mistake(
            N_(
                "All is right but what you return: this loss still holds on to the numbers that it was "
                "computed from. `loss.item()` is the number alone."
            ),
            _step_of("backward", "step", "schedule", "clear", returned=lambda loss: loss),
        ),
        Mistake(
            N_("The weights are right. Now return the loss, with `loss.item()`."),
            _step_of("backward", "step", "schedule", "clear", returned=lambda loss: None),
        ),
    ),
)


# An evaluation


def _by_text(values, sizes) -> float:
    return sum(value * size for value, size in zip(values, sizes)) / sum(sizes)


def _by_batch(values, sizes) -> float:
    return sum(values) / len(values)


def _by_column(values, sizes) -> float:
    """Weigh each batch by 3, its number of columns, and divide by the number of texts."""
    return 3 * sum(values) / sum(sizes)


def _first(values, sizes) -> float:
    return values[0]


def _largest(logits):
    return logits.argmax(dim=-1)


def _evaluation(
    mean=_by_text, accuracy_mean=_by_text, answers=_largest, mode=torch.no_grad, dropout: bool = False
) -> Callable:
    """Make an evaluation.

    `mean(values, sizes)` averages the losses of the batches, and `accuracy_mean` their shares of right
    answers. `answers(logits)` gives each text's answer.
    """

    def evaluate(model, dataloader):
        model.train(dropout)
        losses = []
        shares = []
        sizes = []
        for batch in dataloader:
            batch = _on_device(batch, model.device)
            with mode():
                outputs = model(**batch)
            losses.append(outputs.loss.item())
            shares.append((answers(outputs.logits) == batch["labels"]).float().mean().item())
            sizes.append(len(batch["labels"]))
        return mean(losses, sizes), accuracy_mean(shares, sizes)

    return evaluate


def _three_batches(evaluate: Callable, names: Names) -> dict:
    model = _small_model(names.device).train()  # as a training leaves it
    recorded = []
    model.register_forward_pre_hook(lambda *given: recorded.append(torch.is_grad_enabled()))
    rows = [
        {name: tensor[row] for name, tensor in batch.items()}
        for batch in _small_batches(4, 4, 2)
        for row in range(len(batch["labels"]))
    ]
    returned = plain(evaluate(model, torch.utils.data.DataLoader(rows, batch_size=4)))
    if not isinstance(returned, list) or len(returned) != 2:
        return {_("what it returns"): returned}
    loss, accuracy = returned
    return {
        _("what it returns"): _("two numbers"),
        _("the mean loss"): loss,
        _("the accuracy"): accuracy,
        _("whether PyTorch kept what a backward pass needs"): any(recorded),
    }


EVALUATE = Function(
    name="evaluate",
    minutes=10,
    right=_evaluation(),
    outcome=_three_batches,
    because=N_("Each text counts the same, also in the last batch, which is smaller."),
    hint=N_(
        "A training leaves dropout on. And the last batch may be smaller: add up losses and right answers "
        "over the texts, then divide once."
    ),
    solution="""def evaluate_all(model, dataloader):
    model.eval()
    total = 0.0
    right = 0
    texts = 0
    for batch in dataloader:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.no_grad():
            outputs = model(**batch)
        total += outputs.loss.item() * len(batch["labels"])
        right += (outputs.logits.argmax(dim=-1) == batch["labels"]).sum().item()
        texts += len(batch["labels"])
    return total / texts, right / texts""",
    mistakes=(
        Mistake(
            N_("Dropout is still on, so each answer is partly chance: call `model.eval()` first."),
            _evaluation(dropout=True),
        ),
        Mistake(
            N_(
                "You average over the batches, and the last batch is smaller: its texts count more. "
                "Weigh each batch by its number of texts."
            ),
            _evaluation(mean=_by_batch, accuracy_mean=_by_batch),
        ),
        Mistake(
            N_(
                "The accuracy is right. For the loss, you average over the batches, and the last one is "
                "smaller: weigh each batch's loss by its number of texts."
            ),
            _evaluation(mean=_by_batch),
        ),
        Mistake(
            N_(
                "The loss is right. For the accuracy, you average over the batches, and the last one is "
                "smaller: count the right answers, and divide once."
            ),
            _evaluation(accuracy_mean=_by_batch),
        ),
        Mistake(
            N_(
                "Dropout is still on, and you average the losses over batches of different sizes. Call "
                "`model.eval()` first, and weigh each batch by its number of texts."
            ),
            _evaluation(dropout=True, mean=_by_batch),
        ),
        Mistake(
            N_('`len(batch)` is the number of its columns. Its texts are `len(batch["labels"])`.'),
            _evaluation(mean=_by_column),
        ),
        Mistake(
            N_("Both numbers are right, in the wrong order: first the loss, then the accuracy."),
            lambda model, dataloader: _evaluation()(model, dataloader)[::-1],
        ),
        Mistake(
            N_("The accuracy is in percent. A share lies between 0 and 1."),
            _evaluation(accuracy_mean=lambda values, sizes: 100 * _by_text(values, sizes)),
        ),
        Mistake(
            N_("You return after the first batch: `return` stands inside the loop."),
            _evaluation(mean=_first, accuracy_mean=_first),
        ),
        Mistake(
            N_("You compare labels with the largest logit itself. Its place is the answer: take `argmax`."),
            _evaluation(answers=lambda logits: logits.max(dim=-1).values),
        ),
        Mistake(
            N_("`argmax()` without `dim=-1` looks for one largest number in the whole batch."),
            _evaluation(answers=lambda logits: logits.argmax()),
        ),
        Mistake(
            N_(
                "The numbers are right. But PyTorch kept what a backward pass needs, which costs memory: "
                "call the model under `torch.no_grad()`."
            ),
            _evaluation(mode=torch.enable_grad),
        ),
    ),
)


# Gradient accumulation


def _by_share(texts: int, of: int, pieces: int) -> float:
    return texts / of


def _accumulation(share: Callable = _by_share, clear: bool = False, at_once: bool = False) -> Callable:
    """Make an accumulation. `share(texts, of, pieces)` is what a part with `texts` of `of` texts counts."""

    def accumulate(model, batch, pieces):
        batch = _on_device(batch, model.device)
        parts = zip(*(tensor.chunk(1 if at_once else pieces) for tensor in batch.values()))
        for part in parts:
            if clear:
                model.zero_grad()
            part = dict(zip(batch, part))
            counts = share(len(part["labels"]), len(batch["labels"]), pieces)
            (model(**part).loss * counts).backward()

    return accumulate


def _five_texts(accumulate: Callable, names: Names) -> dict:
    model = _small_model(names.device).eval()  # with dropout, no two ways would give the same
    backwards = _backward_passes(model)
    accumulate(model, _small_batches(5)[0], 2)
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    return {
        _("the number of backward passes with pieces=2"): len(backwards),
        _("the gradients of five texts in two pieces"): [gradient.flatten() for gradient in gradients],
    }


ACCUMULATE = Function(
    name="accumulate",
    minutes=10,
    right=_accumulation(),
    outcome=_five_texts,
    because=N_("The parts' gradients, each weighed by its share of the texts, add up to that of the batch."),
    hint=N_(
        "`backward` adds to the gradients that are there. How much should a part of 3 among 5 texts count?"
    ),
    solution="""def accumulate(model, batch, pieces):
    parts = zip(*(tensor.to(device).chunk(pieces) for tensor in batch.values()))
    for part in parts:
        part = dict(zip(batch, part))
        share = len(part["labels"]) / len(batch["labels"])
        (model(**part).loss * share).backward()""",
    mistakes=(
        Mistake(
            N_(
                "Your gradient is too long: each part's loss is a mean already, and you add up the means. "
                "Multiply each by its share of the texts."
            ),
            _accumulation(share=lambda texts, of, pieces: 1),
        ),
        Mistake(
            N_(
                "Five texts in two parts are three and two. You let both parts count the same: weigh each by "
                "its share of the texts."
            ),
            _accumulation(share=lambda texts, of, pieces: 1 / pieces),
        ),
        Mistake(
            N_("Only the last part is left: you clear the gradients between the parts."),
            _accumulation(clear=True),
        ),
        Mistake(
            N_(
                "The gradient is right, but one backward pass over all texts saves no memory. "
                "Call `backward` once for each part."
            ),
            _accumulation(at_once=True),
        ),
    ),
)


# The ranking


@dataclass(frozen=True, kw_only=True)
class Ranking(Exercise):
    """Six differences, the largest first. Right is who has the three largest in the first half.

    The order inside a half is chance: another seed gives another.
    """

    reasons: ClassVar[dict[str, str]] = {
        "clipping": N_("clipping shortens some gradients, and turns none."),
        "weight decay": N_(
            "weight decay shortens a weight by 0.01 times the rate in a step: almost nothing."
        ),
        "kernel": N_("the kernel only rounds differently, in the seventh digit."),
    }

    def told(self, answer, names: Names) -> tuple[bool, str]:
        given = plain(answer)
        if not isinstance(given, list) or sorted(map(str, given)) != sorted(names.ranking):
            listed = ", ".join(sorted(names.ranking))
            text = _("A list of these six was expected, each once: {listed}. This is {answer}.")
            return False, text.format(listed=listed, answer=shown(given))
        size = len(given) // 2
        largest = names.ranking[:size]
        early = [name for name in given[:size] if name not in largest]
        if not early:
            text = _(
                "Right: {largest} change the losses most, and which of them comes first is "
                "chance. After them come {rest}."
            )
            return True, text.format(largest=", ".join(largest), rest=", ".join(names.ranking[size:]))
        wrong = min(early, key=names.measured.get)
        if wrong in self.reasons:
            return False, not_yet(_(self.reasons[wrong]))
        return False, not_yet(_("{name} changes the losses little.").format(name=wrong))


def _with_early(name: str) -> Callable:
    """Return what gives a right ranking with `name` moved to its first place."""
    return lambda names: [name, *(other for other in names.ranking if other != name)]


RANKING = Ranking(
    name="ranking",
    minutes=3,
    hint=N_("What acts before the first loss is computed, and what only after it?"),
    solution='my_ranking = ["order", "classifier", "dropout", "clipping", "weight decay", "kernel"]',
    mistakes=tuple(Mistake(reason, _with_early(name)) for name, reason in Ranking.reasons.items()),
)

EXERCISES = [TRAIN_STEP, EVALUATE, ACCUMULATE, RANKING]
QUESTIONS = [
    Question(
        N_("What happens without `optimizer.zero_grad()`?"),
        (
            Option(
                N_("PyTorch raises an error."), N_("Adding up gradients is allowed: you accumulate them so.")
            ),
            Option(N_("Each gradient replaces the last."), N_("`backward` adds to what is there.")),
            Option(
                N_("Each step follows all batches so far."),
                N_("The gradients add up, and old ones never go."),
                right=True,
            ),
            Option(N_("The weights no longer move."), N_("They do, and too far.")),
        ),
    ),
    Question(
        N_("Why `model.eval()` as well as `torch.no_grad()`?"),
        (
            Option(
                N_("One changes the answers, the other the memory."),
                N_("`eval` switches dropout off. `no_grad` keeps nothing for a backward pass."),
                right=True,
            ),
            Option(
                N_("Either would do: you call both to be safe."),
                N_("Under `no_grad` alone, dropout stays on."),
            ),
            Option(
                N_("`eval` freezes the weights."),
                N_("Only `optimizer.step()` moves weights, with or without it."),
            ),
        ),
    ),
    Question(
        N_("Two loops differ from the very first loss on. Where do you look first?"),
        (
            Option(N_("At the clipping."), N_("It acts after the first loss was computed.")),
            Option(
                N_("At the random choices."),
                N_("Classifier, order and dropout act in the first pass."),
                right=True,
            ),
            Option(
                N_("At the learning rate of the first step."),
                N_("No weight has moved before the first loss."),
            ),
        ),
    ),
]
