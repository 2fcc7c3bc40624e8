"""Show each notebook's multiple-choice questions folded as text, for where there are no live widgets.

After you change `QUESTIONS` in `helpers/learn/notebook_0N.py`, this command writes them into the cell
`questions` of its notebook again:

    python -m helpers.tools.questions
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.language import N_
from helpers.learn.quiz import Question, marked
from helpers.tools.cells import rewrite

ROOT = Path(__file__).resolve().parents[2]


def folded(questions: Sequence[Question], translate: Callable[[str], str] = str) -> str:
    """Return the Markdown of all questions. Each is folded, and its answer is folded once more inside it.

    `translate` gives each text in the language of the notebook.
    """
    title = translate(N_("The same questions, folded"))
    return "\n\n".join([f"## {title}", *(_folded(question, translate) for question in questions)])


def questions_of(path: Path) -> Sequence[Question]:
    """Return the questions of the notebook at `path`, by the number that its name begins with.

    A notebook without a file in `helpers/learn` has none.
    """
    name = f"helpers.learn.notebook_{path.name[:2]}"
    return importlib.import_module(name).QUESTIONS if importlib.util.find_spec(name) else ()


def _folded(question: Question, translate: Callable[[str], str]) -> str:
    numbered = list(enumerate(question.options, 1))
    # The right option first, then why each of the others is wrong
    told = sorted(numbered, key=lambda pair: not pair[1].right)
    options = "".join(f"<li>{marked(translate(option.text))}</li>" for option in question.options)
    right = translate(N_("{number} is right. {why}"))
    reasons = "<br>".join(
        right.format(number=f"<b>{number}</b>", why=marked(translate(option.why)))
        if option.right
        else f"{number}: {marked(translate(option.why))}"
        for number, option in told
    )
    answer = translate(N_("Answer"))
    return (
        f"<details><summary>{marked(translate(question.text))}</summary><ol>{options}</ol>\n"
        f"<details><summary>{answer}</summary>{reasons}</details></details>"
    )


if __name__ == "__main__":
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        questions = questions_of(path)
        if questions and rewrite(path, "questions", folded(questions)):
            print(f"rewritten: {path.relative_to(ROOT)}")
