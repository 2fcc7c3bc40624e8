"""Protects a learner from an argument that the installed libraries no longer know.

`evaluation_strategy`, `tokenizer=`, `no_cuda` and others vanished from transformers 5, and tutorials broke
one by one.
"""

import ast
import importlib
import inspect
import sys

import pytest
from notebook_files import NOTEBOOKS, ROOT, code_cells

# Variables whose methods are called with keywords, and what they hold.
INSTANCES = {
    "tokenizer": "transformers:BertTokenizer",
    "trainer": "transformers:Trainer",
    "sample": "datasets:DatasetDict",
    "split": "datasets:Dataset",
    "metric": "evaluate:Metric",
    "model": "transformers:BertForSequenceClassification",
    "lr_scheduler": "torch.optim.lr_scheduler:LambdaLR",
    "optimizer": "torch.optim:AdamW",
    "run": "helpers.train:Run",
    "left": "matplotlib.axes:Axes",
    "right": "matplotlib.axes:Axes",
    "ax": "matplotlib.axes:Axes",
    "figure": "matplotlib.figure:Figure",
}
LIBRARIES = (
    "transformers",
    "datasets",
    "evaluate",
    "accelerate",
    "torch",
    "tqdm",
    "matplotlib",
    "sklearn",
    "pandas",
    "helpers",
    "IPython",
    "keras",
)

SOURCES = {path.stem: "\n\n".join(cell.source for cell in code_cells(path)) for path in NOTEBOOKS}
SOURCES |= {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "helpers").rglob("*.py")
    if path.name != "__init__.py"
}


def imported_names(tree):
    """Map the names to the objects for everything imported from the libraries."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                package = alias.name.split(".")[0]
                if package in LIBRARIES:
                    module = importlib.import_module(alias.name)
                    names[alias.asname or package] = module if alias.asname else sys.modules[package]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in LIBRARIES:
            module = importlib.import_module(node.module)
            for alias in node.names:
                found = getattr(module, alias.name, None)
                submodule = f"{node.module}.{alias.name}"
                names[alias.asname or alias.name] = (
                    importlib.import_module(submodule) if found is None else found
                )
    return names


def resolve(function, names):
    """Return the object that is called, or None where only running the code would tell."""
    if isinstance(function, ast.Name):
        return names.get(function.id) or instance_class(function.id, call=True)
    if isinstance(function, ast.Attribute):
        if isinstance(function.value, ast.Name) and function.value.id not in names:
            return getattr(instance_class(function.value.id), function.attr, None)
        return getattr(resolve(function.value, names), function.attr, None)
    if isinstance(function, ast.Subscript) and ast.unparse(function).startswith("dataset["):
        return importlib.import_module("datasets").Dataset
    return None


def instance_class(name, call=False):
    if name not in INSTANCES:
        return None
    module, _, cls = INSTANCES[name].partition(":")
    found = getattr(importlib.import_module(module), cls)
    return getattr(found, "__call__" if name == "tokenizer" else "forward", None) if call else found


def keyword_calls(source):
    """Yield (called object, keywords, code) for each call with keywords that can be resolved."""
    tree = ast.parse(source)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (
            keywords := [keyword.arg for keyword in node.keywords if keyword.arg]
        ):
            called = resolve(node.func, names)
            if callable(called):
                yield called, keywords, ast.unparse(node.func)


def unknown_keywords(called, keywords):
    try:
        parameters = inspect.signature(called).parameters
    except ValueError:  # some C functions have no signature
        return []
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return []
    return [keyword for keyword in keywords if keyword not in parameters]


@pytest.mark.parametrize("name", SOURCES)
def test_keywords_exist_in_the_installed_signatures(name):
    problems = {
        code: unknown
        for called, keywords, code in keyword_calls(SOURCES[name])
        if (unknown := unknown_keywords(called, keywords))
    }
    assert problems == {}


def test_the_check_sees_the_calls_that_matter():
    """A check that resolves nothing would pass for ever."""
    seen = {code for source in SOURCES.values() for _, _, code in keyword_calls(source)}
    expected = {
        "TrainingArguments",
        "Trainer",
        "load_dataset",
        "AdamW",
        "get_scheduler",
        "DataLoader",
        "metric.compute",
        "metric.add_batch",
        "tokenizer",
        "sample.map",
        "dataset['train'].shuffle",
        "torch.autocast",
    }
    assert expected - seen == set()


def test_the_check_fails_for_a_keyword_of_old():
    called, keywords, _ = next(
        keyword_calls(
            'from transformers import TrainingArguments\nTrainingArguments(evaluation_strategy="epoch")'
        )
    )
    assert unknown_keywords(called, keywords) == ["evaluation_strategy"]
