"""Protects a learner of notebook 3 from a check that is wrong about an answer."""

import linecache
from itertools import pairwise

import pytest
import torch
from exercising import Exercising
from notebook_files import NOTEBOOKS, code_cells

from helpers.learn import exercises
from helpers.learn.exercise import Names, Value

RANKING = ["order", "dropout", "classifier", "clipping", "weight decay", "kernel"]
MEASURED = dict(zip(RANKING, (0.1, 0.09, 0.08, 0.009, 1e-5, 2e-7)))
DEVICE = torch.device("cpu")


def names():
    return {"device": DEVICE, "torch": torch, "ranking": RANKING, "measured": MEASURED}


def step_that_clears_first(model, batch, optimizer, lr_scheduler):
    optimizer.zero_grad()
    model.train()
    outputs = model(**batch)
    outputs.loss.backward()
    optimizer.step()
    lr_scheduler.step()
    return outputs.loss.detach()  # a tensor


def step_that_names_its_arguments(model, batch, optimizer, lr_scheduler):
    loss = model(batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"])[0]
    loss.backward()
    optimizer.step()
    model.zero_grad()
    lr_scheduler.step()
    return float(loss)


def step_with_its_own_loss(model, batch, optimizer, lr_scheduler):
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    loss = torch.nn.functional.cross_entropy(model(**inputs).logits, batch["labels"])
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
    lr_scheduler.step()
    return loss.detach().numpy()


def evaluation_of_all_logits(model, dataloader):
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(**batch).logits for batch in dataloader])
    labels = torch.cat([batch["labels"] for batch in dataloader])
    model.train(was_training)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return loss, (logits.argmax(-1) == labels).float().mean()


@torch.no_grad()
def evaluation_that_repeats_the_loss(model, dataloader):
    model.train(False)
    losses, right = [], []
    for batch in dataloader:
        outputs = model(**batch)
        losses += [outputs.loss.item()] * len(batch["labels"])
        right += (outputs.logits.max(dim=-1).indices == batch["labels"]).tolist()
    return [sum(losses) / len(losses), sum(right) / len(right)]


def evaluation_that_counts(model, dataloader):
    model.eval()
    texts = len(dataloader.dataset)
    loss = right = 0
    with torch.no_grad():
        for batch in dataloader:
            outputs = model(**batch)
            loss += outputs["loss"] * len(batch["labels"]) / texts
            right += torch.sum(torch.argmax(outputs["logits"], dim=1) == batch["labels"])
    return loss.numpy(), right / texts


def accumulation_with_split(model, batch, pieces):
    size = -(-len(batch["labels"]) // pieces)
    columns = {name: tensor.split(size) for name, tensor in batch.items()}
    for place in range(pieces):
        part = {name: tensors[place] for name, tensors in columns.items()}
        loss = model(**part).loss
        loss = loss * len(part["labels"]) / len(batch["labels"])
        loss.backward()


def accumulation_of_sums(model, batch, pieces):
    model.zero_grad()
    total = len(batch["labels"])
    for rows in torch.arange(total).tensor_split(pieces):
        part = {name: tensor[rows] for name, tensor in batch.items()}
        labels = part.pop("labels")
        torch.nn.functional.cross_entropy(model(**part).logits, labels, reduction="sum").div(total).backward()


def accumulation_with_slices(model, batch, pieces):
    total = len(batch["labels"])
    bounds = [round(total * place / pieces) for place in range(pieces + 1)]
    for start, end in pairwise(bounds):
        part = {name: tensor[start:end] for name, tensor in batch.items()}
        ((end - start) / total * model(**part).loss).backward()


class TestNotebook3(Exercising):
    number = 3
    ways = {  # noqa: RUF012
        "train_step": [step_that_clears_first, step_that_names_its_arguments, step_with_its_own_loss],
        "evaluate": [
            evaluation_of_all_logits,
            evaluation_that_repeats_the_loss,
            evaluation_that_counts,
        ],
        "accumulate": [accumulation_with_split, accumulation_of_sums, accumulation_with_slices],
    }

    def names(self):
        return names()

    def cells(self):
        """The ranking is asked in one cell, and checked in another after the measurement."""
        path = next(path for path in NOTEBOOKS if path.stem.startswith("03"))
        asked = next(cell.source for cell in code_cells(path) if cell.id == "rank")
        found = super().cells()
        assert "check.ranking(my_ranking)" in found["ranking"][0]
        return found | {"ranking": (f"{asked}\ncheck.ranking(my_ranking)", "my_ranking")}


def told(answer, exercise="train_step"):
    check = exercises(3, names())
    return check.told(check.exercises[exercise], answer)


@pytest.mark.parametrize("order", [RANKING, [*RANKING[2::-1], *RANKING[:2:-1]]])
def test_the_order_inside_a_half_of_the_ranking_is_free(order):
    """Which random choice comes first is chance: another seed gives another order."""
    assert told(order, "ranking").startswith("Right: order, dropout, classifier")


def test_a_ranking_needs_all_six():
    """With one name twice, nobody knows what the learner thinks of the missing one."""
    text = told(["order", *RANKING[:5]], "ranking")
    assert text.startswith("A list of these six was expected, each once: classifier, clipping")


def test_an_exception_in_the_learners_function_is_one_sentence_with_its_line():
    """A traceback through our check would send the learner looking for a mistake there."""
    source = "def train_step(model, batch, optimizer, lr_scheduler):\n    loss = 1\n    loss.backwrd()\n"
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    written = {}
    exec(compile(source, "<cell>", "exec"), written)
    assert told(written["train_step"]) == (
        "Your function stopped in its line 3, `loss.backwrd()`: "
        "AttributeError: 'int' object has no attribute 'backwrd'"
    )


def test_a_function_with_other_arguments_is_told_so():
    assert told(lambda model: 1).startswith("Your function could not be called: TypeError")


def test_a_function_that_returns_too_little_is_told_what_was_expected():
    """An unpacking error of the check itself would be blamed on how the function is called."""
    assert "differs in what it returns: 0.5 instead of 'two numbers'" in told(lambda *_: 0.5, "evaluate")


def test_another_mistake_names_what_differs():
    """A mistake that nobody foresaw still gets a place to look at."""

    def twice(model, batch, optimizer, lr_scheduler):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
        return loss.item()

    assert "the number of optimizer steps in three calls: 6 instead of 3" in told(twice)


def test_a_check_leaves_the_random_numbers_as_they_were():
    """A learner who checks an answer would otherwise get another training than one who does not."""
    torch.manual_seed(1)
    told(step_that_clears_first)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1))


def test_a_missing_name_says_which_cell_to_run():
    check = exercises(3, {})
    assert check.told(check.exercises["train_step"], step_that_clears_first) == (
        "This check needs `device`. Run the cells above first, then this one again."
    )


def test_an_exercise_that_does_not_exist_is_named_with_its_neighbour():
    with pytest.raises(
        AttributeError, match=r"No exercise is called trainstep\. Did you mean check\.train_s"
    ):
        _ = exercises(3, names()).trainstep


def test_several_answers_are_told_to_go_into_brackets(capsys):
    """`check.setting(320, 8, "longest")` is an easy slip, and a traceback says nothing about it."""
    exercises(3, names()).ranking("order", "dropout")
    assert "One answer was expected, check.ranking(answer), and 2 came." in capsys.readouterr().out


def test_check_itself_lists_the_exercises_and_what_is_solved():
    check = exercises(3, names())
    check.told(check.exercises["ranking"], RANKING)
    assert repr(check).splitlines()[0] == "1 of 4 exercises solved here."
    assert "check.ranking (solved)" in repr(check).splitlines()


def test_progress_counts_each_solved_exercise_once():
    check = exercises(3, names())
    told_to = []
    check.listen(lambda: told_to.append(check.progress()))
    for _ in range(2):
        check.told(check.exercises["ranking"], RANKING)
    assert told_to[-1] == "1 of 4 exercises solved here."


def test_hint_and_solution_are_printed_when_asked_for(capsys):
    check = exercises(3, names())
    check.accumulate.hint()
    check.accumulate.solution()
    printed = capsys.readouterr().out
    assert printed.startswith("Hint: `backward` adds") and "def accumulate(model, batch, pieces):" in printed
    assert "After 10 minutes: check.accumulate.hint()" in repr(check.accumulate)
    assert "put () behind it" in repr(check.accumulate.hint)


@pytest.mark.parametrize(
    ("given", "right", "text"),
    [
        (1.6, 1.609, "1.6 is right as far as it goes. Give two digits more."),
        (0, 0.02, "0 is not it"),
        (0.0, 0.02, "0 is not it"),
        (1.5, 1.609, "1.5 is not it"),
    ],
)
def test_a_right_answer_with_too_few_digits_is_told_so(given, right, text):
    """0 is what nearly every small number rounds to, so it says nothing."""
    exercise = Value(name="x", minutes=1, hint="", solution="", right=lambda _: right, because=str)
    assert text in exercise.told(given, Names({}))[1]
