"""Protects a reader of the tutorial: each of its steps is a cell of the course, with its names and calls."""

import ast
import re

import pytest
from notebook_files import NOTEBOOKS, ROOT, code_cells, read

TABLE = ROOT / "docs" / "tutorial.md"
ROW = re.compile(
    r"^\| (\d+) \| [^|]+ \| \[(\d)\]\(\.\./notebooks/([\w.]+)\) `([a-z-]+)` \| [^|]+ \|$", re.MULTILINE
)
# What the step makes, and what it calls
STEPS = {
    1: (["dataset"], ["load_dataset"]),
    2: (["tokenizer"], ["AutoTokenizer.from_pretrained"]),
    3: (["tokenize_function", "tokenized_datasets"], ["map"]),
    4: (["small_train_dataset", "small_eval_dataset"], ["select"]),
    5: (["model"], ["AutoModelForSequenceClassification.from_pretrained"]),
    6: (["training_args"], ["TrainingArguments"]),
    7: (["metric"], ["evaluate.load"]),
    8: (["compute_metrics"], ["np.argmax", "metric.compute"]),
    9: (["training_args"], ["TrainingArguments"]),
    10: (["trainer"], ["Trainer"]),
    11: ([], ["trainer.train"]),
    12: ([], ["torch.cuda.empty_cache"]),
    13: (["tokenized_datasets"], ["remove_columns"]),
    14: (["tokenized_datasets"], ["rename_column"]),
    15: ([], ["set_format"]),
    16: (["small_train_dataset", "small_eval_dataset"], []),
    17: (["train_dataloader", "eval_dataloader"], ["DataLoader"]),
    18: (["model"], ["AutoModelForSequenceClassification.from_pretrained"]),
    19: (["optimizer"], ["AdamW"]),
    20: (["num_epochs", "num_training_steps", "lr_scheduler"], ["get_scheduler"]),
    21: (["device"], ["torch.device", "model.to"]),
    22: (
        ["progress_bar"],
        [
            "tqdm",
            "model.train",
            "model",
            "loss.backward",
            "optimizer.step",
            "lr_scheduler.step",
            "optimizer.zero_grad",
            "progress_bar.update",
        ],
    ),
    23: (
        ["metric", "predictions"],
        ["model.eval", "torch.no_grad", "torch.argmax", "metric.add_batch", "metric.compute"],
    ),
}
# Keywords and constants by which a reader recognises a step
PARTS = {
    3: ["padding='max_length'", "truncation=True", "batched=True"],
    5: ["num_labels="],
    9: ["eval_strategy='epoch'"],
    10: [
        "model=model",
        "args=training_args",
        "train_dataset=small_train_dataset",
        "eval_dataset=small_eval_dataset",
        "compute_metrics=compute_metrics",
    ],
    12: ["del model", "del trainer"],
    14: ["'label', 'labels'"],
    15: ["'torch'"],
    17: ["shuffle=True", "batch_size=8"],
    20: ["'linear'", "num_warmup_steps=0"],
}


def rows():
    return {
        int(number): (file, cell) for number, _, file, cell in ROW.findall(TABLE.read_text(encoding="utf-8"))
    }


def source(number):
    file, cell = rows()[number]
    return next(c.source for c in code_cells(ROOT / "notebooks" / file) if c.id == cell)


def made(tree):
    names = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def called(tree):
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return set(calls) | {call.split(".")[-1] for call in calls}


def test_the_table_has_every_step():
    assert sorted(rows()) == sorted(STEPS)


@pytest.mark.parametrize("number", STEPS)
def test_the_cell_makes_the_names_of_its_step_and_makes_its_calls(number):
    """Whoever comes from the tutorial looks for its names."""
    tree = ast.parse(source(number))
    names, calls = STEPS[number]
    assert set(names) <= made(tree) and set(calls) <= called(tree)
    text = ast.unparse(tree)
    assert [part for part in PARTS.get(number, []) if part not in text] == []


def test_the_steps_stand_in_the_order_of_the_tutorial():
    """`free` is the last cell of notebook 2, because the lab needs what it frees."""
    order = [(path.name, cell.id) for path in NOTEBOOKS for cell in code_cells(path)]
    places = [order.index(rows()[number]) for number in STEPS]
    assert places == sorted(places)


def test_the_loop_is_plain_pytorch():
    """With a helper of ours inside, nobody could write it from an empty cell."""
    tree = ast.parse(source(22))
    lines = [line for line in source(22).splitlines() if line.strip() and not line.strip().startswith("#")]
    ours = {"helpers", "machine", "profile"}
    for path in NOTEBOOKS:
        for cell in code_cells(path):
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers"):
                    ours |= {alias.asname or alias.name for alias in node.names}
    assert len(lines) <= 15
    assert {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & ours == set()


def test_between_the_tutorials_first_steps_stands_nothing_else():
    """A beginner gave up where row groups were explained before one review was seen."""
    cells = [cell.id for cell in read(NOTEBOOKS[0]).cells]
    assert cells.index("small") - cells.index("setup") <= 10


def test_the_videos_are_links():
    """An embedded player would ask another company's server as soon as the page is open."""
    text = {path.stem[:2]: path.read_text(encoding="utf-8") for path in NOTEBOOKS}
    for number, video in {"01": "_BZearw7f0w", "02": "nvBXf7s7vTI", "03": "Dh9CL8fyG80"}.items():
        assert re.search(
            rf"ideo, English, 4 min\]\(https://www\.youtube\.com/watch\?v={video}\)", text[number]
        )
        assert "YouTubeVideo" not in text[number] and "iframe" not in text[number]


def test_the_third_route_names_cells_that_take_its_steps():
    """Whoever comes for `compile` and `fit` finds them behind the names that the table gives."""
    text = TABLE.read_text(encoding="utf-8").partition("## The third route")[2].partition("\n## ")[0]
    named = [re.findall(r"`([a-z-]+)`", row.split(" | ")[1]) for row in text.splitlines() if " | `" in row]
    sources = {cell.id: cell.source for cell in code_cells(ROOT / "notebooks" / "09_keras.ipynb")}
    calls = [called(ast.parse("\n".join(sources[cell] for cell in cells))) for cells in named]
    assert len(calls) == 5
    for expected, found in zip(
        (["load_reviews"], ["DataLoader"], ["TorchModuleWrapper"], ["compile"], ["fit"]), calls
    ):
        assert set(expected) <= found
