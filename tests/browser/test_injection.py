"""Protects a learner from text that runs as a script in the browser, or that sends a request."""

import json
import re
import socket
import threading

import pytest
from notebook_files import NOTEBOOKS, code_cells

pytestmark = pytest.mark.faults

# Each would set `window.injected`, or ask ADDRESS, where it became part of the page.
TEXTS = [
    "<script>window.injected=1</script> good",
    '<img src=x onerror="window.injected=1"> good',
    "<svg onload=window.injected=1><circle r=9></svg> good",
    "<svg><script>window.injected=1</script></svg> good",
    '<a href="javascript:window.injected=1">good</a>',
    "</style><script>window.injected=1</script><style>*{background:url(ADDRESS)}</style> good",
    "</textarea></pre></div><script>window.injected=1</script> good",
    '" autofocus onfocus="window.injected=1" x=" good',
    "' onmouseover='window.injected=1' x=' good",
    '"><iframe src=ADDRESS></iframe> good',
    "<iframe srcdoc='<script>parent.injected=1</script>'></iframe> good",
    "<link rel=stylesheet href=ADDRESS><meta http-equiv=refresh content='0;url=ADDRESS'> good",
    "<object data=ADDRESS></object><video src=ADDRESS><audio src=ADDRESS> good",
    "<details open ontoggle=window.injected=1>good</details>",
    "<marquee onstart=window.injected=1>good</marquee>",
    r"$\href{javascript:window.injected=1}{good}$ and $$\style{background:url(ADDRESS)}{x}$$",
    r"\(\href{javascript:window.injected=1}{good}\) \[\unicode{x3c}\] \begin{equation}x^2\end{equation}",
    "It was $10, then good again for $5",
    "&lt;script&gt;window.injected=1&lt;/script&gt; &#60;img src=x onerror=window.injected=1&#62; good",
    "\x1b[31mred\x1b[0m \x1b]8;;ADDRESS\x1b\\good\x1b]8;;\x1b\\",
    (
        "![good](ADDRESS) [good](javascript:window.injected=1)"
        " {{constructor.constructor('window.injected=1')()}} ${window.injected=1}"
    ),
    "%s %d %(name)s {} {0} {name!r} good",
]
# without a space: one piece, to a tokenizer that splits nowhere else
WHOLE = "<img/src=x/onerror=window.injected=1>"
# Nothing that the course builds itself has one of these.
FOREIGN = (
    "script, iframe, svg circle, object, video, audio, link, meta, marquee, img[src='x'], details[open],"
    " mjx-container, .MathJax, a[href^='javascript'], a[href*='127.0.0.1'], [autofocus], [onfocus],"
    " [onerror], [onload], [onmouseover], [ontoggle], [onstart]"
)
SETUP = """
import json
from pathlib import Path
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
from transformers import PreTrainedTokenizerFast, TrainingArguments
from helpers.profiles import PROFILES
from helpers.train.runs import Run
from helpers.show.lab.panel import HyperparameterPanel
from helpers.show.review import ReviewTester
from helpers.show.tokens import TokenExplorer

TEXTS = json.loads({texts!r})
profile = PROFILES["offline"]
name = profile.model
tokenizer = AutoTokenizer.from_pretrained(name, model_max_length=512)
words = Tokenizer(models.WordLevel({{"[UNK]": 0, {whole!r}: 1}}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
splitting = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", model_max_length=512)
config = AutoConfig.from_pretrained(name, num_labels=len(TEXTS), id2label=dict(enumerate(TEXTS)))
model = AutoModelForSequenceClassification.from_pretrained(name, config=config)
label_names = TEXTS
reviews = {{"validation": {{"text": TEXTS}}}}
labels = np.arange(len(TEXTS))
logits = np.roll(np.eye(len(TEXTS)), 1, axis=0) * 9
folder = Path("../runs/injection")
runs = [
    Run(
        text,
        settings=dict.fromkeys(["learning_rate", "seed", text], text),
        status=text,
        message=text,
        seconds=1.0,
    )
    for text in TEXTS
]
for run in runs:
    run.log(1, 1.0)
    run.log_evaluation(1, 1.0, accuracy=0.5)
for number, run in enumerate(runs[:2], 1):
    run.save(folder / f"run_{{number}}.json")
Run("../../x", status="finished").save(folder / "run_90.json")
Run("<b>", status="finished").save(folder / "run_<img src=x onerror=window.injected=1>.json")
(folder / "run_91.json").write_text('{{"name": "<img src=x onerror=window.injected=1>"}}')

def train(args, run, train_size):
    run.log(1, 1.0)
    raise RuntimeError(TEXTS[args.seed])
"""
PANEL = """
args = TrainingArguments(output_dir="out", seed=0, num_train_epochs=1, learning_rate=1e-4, report_to="none")
lab = HyperparameterPanel(train, args, train_rows=80, eval_rows=100, folder=folder, runs=runs)
lab
"""


@pytest.fixture(scope="module")
def listener():
    """Note whoever follows a link of the texts. Yields the address and the connections."""
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def listen():
            while not ended.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                connections.append(client.recv(1000))
                client.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/seen", connections
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def texts(listener):
    return [text.replace("ADDRESS", listener[0]) for text in TEXTS]


@pytest.fixture(scope="module")
def opened(lab, texts):
    """Open a notebook in which each text stands in every place.

    Each is a review, a label's name, a run's name, a setting, a message, and what a training fails with.
    """
    mistakes = next(cell.source for path in NOTEBOOKS for cell in code_cells(path) if cell.id == "mistakes")
    setup = SETUP.format(texts=json.dumps(texts), whole=WHOLE)
    lab.requests = []
    lab.page.on("request", lambda request: lab.requests.append(request.url))
    explorer = "tokens = TokenExplorer(tokenizer, TEXTS[0])\ntokens"
    tester = "tester = ReviewTester(model, tokenizer, TEXTS[0])\ntester"
    whole = ["TokenExplorer(splitting, TEXTS[0])", "ReviewTester(model, splitting, TEXTS[0])"]
    lab.put("injection.ipynb", [setup, explorer, tester, *whole, mistakes, PANEL])
    lab.open("injection.ipynb")
    lab.run_all()
    return lab


@pytest.fixture
def nothing_happened(opened, listener):
    """Check after the test that no script ran, and that only the Jupyter server was asked for anything."""
    yield
    # for an image's error or a frame's load; the next test finds what takes longer
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("() => window.injected === undefined"), "a script ran"
    elsewhere = [
        url
        for url in opened.requests
        if not url.startswith((opened.url, "data:", "blob:", opened.url.replace("http", "ws")))
    ]
    assert elsewhere == [] and listener[1] == []


def foreign(place) -> list[str]:
    """Find elements that a text has made of itself."""
    return place.locator(FOREIGN).evaluate_all("all => all.map(element => element.outerHTML.slice(0, 200))")


def squeezed(text: str) -> str:
    """Remove what a page shows in its own way: white space and control characters."""
    return re.sub(r"[\s\x00-\x1f]", "", text)


def test_the_notebook_ran(opened, nothing_happened):
    """Otherwise the tests below would look at empty places."""
    assert opened.page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts() == []
    assert opened.ask("[len(tokens._groups) > 3, len(lab.runs) > len(TEXTS)]") == [True, True]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_typed_into_the_token_explorer(opened, texts, number, nothing_happened):
    cell = opened.cell("TokenExplorer(tokenizer")
    cell.locator("textarea").first.fill(texts[number])
    opened.page.wait_for_timeout(300)
    assert opened.ask("tokens.text.value") == texts[number]
    assert foreign(cell.locator(".widget-html")) == []
    assert cell.get_by_text("good", exact=True).count() >= 1
    for element in cell.locator("[title]").all()[:3]:
        element.hover()


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_typed_into_the_review_tester(opened, texts, number, nothing_happened):
    """This model's labels are the same texts."""
    cell = opened.cell("ReviewTester(model")
    cell.locator("textarea").first.fill(texts[number])
    cell.locator("textarea").first.blur()
    opened.page.wait_for_timeout(400)
    shown = cell.locator(".widget-html")
    assert foreign(shown) == []
    assert squeezed(texts[number]) in squeezed(" ".join(shown.all_text_contents()))


@pytest.mark.parametrize("marker", ["TokenExplorer(splitting", "ReviewTester(model, splitting"])
def test_a_piece_that_is_a_whole_tag(opened, texts, marker, nothing_happened):
    """BERT's tokenizer separates "<" from what follows. Others do not."""
    cell = opened.cell(marker)
    for text in (WHOLE, f"{WHOLE} good {WHOLE}", *texts):
        cell.locator("textarea").first.fill(text)
        cell.locator("textarea").first.blur()
        opened.page.wait_for_timeout(200)
        assert foreign(cell.locator(".widget-html")) == []


def test_read_in_the_table_of_worst_mistakes(opened, texts, nothing_happened):
    """The cell is notebook 2's own."""
    cell = opened.cell("worst_mistakes(")
    assert foreign(cell.locator("table")) == []
    assert "<" in cell.locator("table").inner_text()
    opened.picture("injection-mistakes")


def test_read_from_runs_and_run_files(opened, texts, nothing_happened):
    cell = opened.cell("HyperparameterPanel(train")
    cell.scroll_into_view_if_needed()
    assert foreign(cell.locator(".jp-OutputArea-output")) == []
    assert "run_91.json is left out" in cell.inner_text(), "a file that is no run is named"
    assert opened.ask("[run.name for run in lab.runs][:1]") == ["run 1"], (
        "the file says what a run is called, not its content"
    )
    opened.picture("injection-runs")


@pytest.fixture(scope="module")
def runs_hidden(opened):
    """A picture of the two dozen loaded runs takes a second, and a training draws several."""
    opened.ask(
        "[box.unobserve_all('value') or setattr(box, 'value', False) for box in lab._list._boxes.values()]"
        " and None"
    )


def test_shown_as_a_message(opened, texts, nothing_happened):
    message = opened.cell("HyperparameterPanel(train").locator("[role=status]").first
    for text in texts:
        opened.ask(f"lab._say({text!r}, details={text!r})")
        opened.page.wait_for_timeout(100)
        assert squeezed(text) in squeezed(message.text_content())
        assert foreign(opened.cell("HyperparameterPanel(train").locator(".widget-html")) == []


@pytest.mark.parametrize("number", [0, 4, 15])
def test_what_a_training_fails_with_is_shown_as_text(opened, texts, number, nothing_happened, runs_hidden):
    cell = opened.cell("HyperparameterPanel(train")
    opened.ask(f"lab.controls.set(seed={number})")
    cell.get_by_role("button", name="Run", exact=True).click()
    message = cell.locator("[role=status]", has_text="RuntimeError")
    message.wait_for(timeout=60_000)
    assert squeezed(f"RuntimeError: {texts[number]}") in squeezed(message.text_content())
    assert foreign(cell.locator(".widget-html")) == []
    opened.ask("lab.delete(lab.runs[-1]) or lab._say('')")


def test_a_run_with_a_path_for_a_name_stays_in_its_folder(opened, tmp_path, nothing_happened):
    """The run's file says "../../x". Once, Delete removed a file of that name, wherever it lay."""
    outside = opened.ask("str(folder.resolve().parents[1] / 'x.json')")
    opened.ask(f"open({outside!r}, 'w').write('mine') and None")
    opened.ask("lab.delete(next(run for run in lab.runs if run.name == 'run 90'))")
    assert opened.ask(f"[Path({outside!r}).exists(), (folder / 'run_90.json').exists()]") == [True, False]
    paths = (
        "[lab._folder.path(name).resolve() for name in ('../../x', '/etc/x', '..', 'a/b', 'C:\\\\x', 'x\\0')]"
    )
    assert opened.ask(f"all(path.parent == folder.resolve() for path in {paths})")
