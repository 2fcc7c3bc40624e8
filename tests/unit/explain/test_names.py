"""Protects a learner who runs cells out of order from a bare NameError."""

import json
import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers.explain import install_hook, names

pytestmark = pytest.mark.faults

LESSON = [
    "# A lesson",
    "profile = 1",
    "## The `model`\n```python\n# no heading\n```",
    "import json\nmodel = profile",
    "model.bit_length()",
    "### Later",
    "def score():\n    return model + limit",
    "limit = 3\nmodel = None",
    "del model",
]


def write(path, sources):
    """Write a notebook of these cells. Those that begin with # are text."""
    cells = [
        {
            "cell_type": "markdown" if source.startswith("#") else "code",
            "source": source.splitlines(keepends=True),
        }
        for source in sources
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")


@pytest.fixture
def open_notebook(tmp_path, monkeypatch):
    """Write the lesson. JupyterLab says which file it is."""
    path = tmp_path / "lesson.ipynb"
    write(path, LESSON)
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    return path


@pytest.fixture
def shell(monkeypatch):
    shell = InteractiveShell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    install_hook()
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell, capsys):
    """Return a function that runs a cell and returns what it shows."""

    def run(source):
        shell.run_cell(source, store_history=True)
        return re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).strip()

    return run


def test_one_sentence_names_section_and_cell(run, open_notebook):
    assert (
        run("model.bit_length()")
        == "`model` is made in the section 'The model' by the cell that begins `import json`: "
        "run that cell first, or run all cells above this one with Run → Run All Above Selected Cell."
    )
    assert "by the cell that begins `profile = 1`" in run("import json\nmodel = profile"), (
        "which needs a cell before it, in turn"
    )


def test_the_cell_failed_all_the_same(shell, open_notebook):
    """If only a notice took the error's place, Run All would go on."""
    assert isinstance(shell.run_cell("model.bit_length()").error_in_exec, NameError)


def test_colab_has_another_menu(run, open_notebook, monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert run("model.bit_length()").endswith("or run all cells above this one with Runtime → Run before.")


def test_a_name_that_a_function_of_the_notebook_misses(run, open_notebook):
    """A training function runs when it is called, cells below its definition. Here `map` calls it, from C."""
    run("model = 1\n" + LESSON[6])
    assert "`limit` is made in the section 'Later'" in run("list(map(lambda n: score(), [1]))")


@pytest.mark.parametrize(
    "source",
    [
        "modle.bit_length()",  # a typo
        "print(split)",  # a name inside a function or comprehension is made for nobody else
        "def f():\n    inner\n    inner = 1\nf()",  # UnboundLocalError is a NameError
        "exec('model', {})",  # a name that other code misses
        "raise NameError('model')",
        "{}['model']",
        "int.model",
        "raise KeyboardInterrupt",
    ],
)
def test_all_other_errors_look_as_always(run, open_notebook, source):
    write(open_notebook, [*LESSON, "inner = 1", "parts = [split for split in 'ab']"])
    shown = run(source)
    assert "is made" not in shown and "run that cell first" not in shown
    assert "Traceback" in shown and source.splitlines()[-1] in shown


def test_a_name_error_inside_a_library_is_the_librarys(run, open_notebook, tmp_path, monkeypatch):
    """The sentence would send the learner to a cell that makes another `model`."""
    (tmp_path / "a_library.py").write_text("def fit():\n    return model\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    shown = run("import a_library\na_library.fit()")
    assert "Traceback" in shown and "a_library.py" in shown and "is made" not in shown


def test_a_deleted_name_says_so(run, open_notebook):
    for cell in (LESSON[1], LESSON[3], LESSON[8]):
        run(cell)
    assert (
        run("model.bit_length()")
        == "`model` was deleted by the cell that begins `del model`. To get it back, "
        "run the cell that begins `import json` in the section 'The model' again."
    )


def test_a_cell_that_frees_twice_says_that_it_has_freed(run, open_notebook):
    """The advice to train again, in order to free what the training takes, leads in a circle."""
    for cell in (LESSON[1], LESSON[3], LESSON[8]):
        run(cell)
    assert run("del model") == (
        "`model` was deleted by this cell itself when it ran before. If the cell only frees memory, it has "
        "done so. To get `model` back, run the cell that begins `import json` in the section 'The model' "
        "again."
    )


def test_a_cell_that_deletes_first_sends_to_the_cell_that_makes(run, open_notebook):
    """It does so the second time, too: nobody has deleted what was never made."""
    assert "is made in the section 'The model'" in run("del model")
    assert "is made in the section 'The model'" in run("del model")


def test_of_several_cells_the_last_above_counts(run, open_notebook):
    """Cells further down make `config` and the like again. The learner has not missed those."""
    write(
        open_notebook,
        ["## One", "config = 1", "## Two", "config = 2", "print(config)", "## Three", "config = 3"],
    )
    assert "section 'Two'" in run("print(config)")
    assert "section 'Two'" in run("print(config)\nprint()"), "changed since it was saved"
    assert "section 'One'" in run("print(config, 1)"), "typed in by the learner"


def test_the_cell_that_fails_is_not_the_one_to_run_first(run, open_notebook):
    write(open_notebook, ["total = total + 1"])
    assert "Traceback" in run("total = total + 1")


def test_every_way_to_make_a_name_counts(tmp_path):
    source = """
import a, b.c, d as e
from f import g as h
i, (j, *k) = 1, (2, 3)
for l in []:
    m = 1
with open(n) as o:
    p: int = 1
def q(r):
    s = 1
class T:
    u = 1
v = lambda w: [x for x in y]
if (z := 1):
    none = None
    none += 1
    try:
        tried = 1
    finally:
        del gone
"""
    write(tmp_path / "a.ipynb", [source])
    (cell,) = names.read(tmp_path / "a.ipynb")
    assert sorted(cell.makes) == sorted([*"abehijklmopqvzT", "tried"]) and cell.deletes == {"gone"}


@pytest.mark.parametrize("text", ["", '{"cells": [', "null", '{"worksheets": []}', "\xff"])
def test_a_file_that_is_no_notebook_costs_the_sentence_only(run, open_notebook, text):
    """JupyterLab may be writing it at this moment."""
    open_notebook.write_text(text, encoding="latin-1")
    assert run("model.bit_length()").endswith("\nNameError: name 'model' is not defined")


def test_a_cell_of_ipython_only_is_passed_over(run, open_notebook):
    write(open_notebook, ["%matplotlib inline\nmodel = 1", "model = 2", "model + 1"])
    assert "begins `model = 2`" in run("model + 1")


def test_vs_code_says_which_file_it_is(run, shell, open_notebook, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "no such file")
    shell.user_ns["__vsc_ipynb_file__"] = str(open_notebook)
    assert "section 'The model'" in run("model.bit_length()")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Write two notebooks that make the same name. Colab does not say which of them is open."""
    write(
        tmp_path / "notebooks" / "01.ipynb", ["setup = 1", "## One", "same = 1", "same + 1", "only_one = 1"]
    )
    write(tmp_path / "notebooks" / "02.ipynb", ["setup = 1", "## Two", "same = 2", "same + 2\nprint('two')"])
    monkeypatch.setattr(names, "_NOTEBOOKS", tmp_path / "notebooks")


def test_of_several_notebooks_the_one_with_the_running_cell(run, course):
    run("setup = 1")
    assert "section 'One'" in run("same + 1") and "section 'Two'" in run("same + 2\nprint('two')")
    assert "section 'Two'" in run("same + 3\nprint('two')"), "changed by the learner"


def test_of_several_notebooks_the_one_whose_cells_were_run(run, course):
    run("setup = 1")
    run("same = 2")
    run("del same")
    assert "begins `same = 2`" in run("same"), "typed in by the learner, in the second"
    assert "Traceback" in run("only_one"), "which a cell of another notebook makes"


def test_the_setup_cell_may_run_twice(shell):
    before = shell.showtraceback
    install_hook()
    assert shell.showtraceback is before


def test_outside_a_notebook_nothing_is_installed(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    assert install_hook() is None
