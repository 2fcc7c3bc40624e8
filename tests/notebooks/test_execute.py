"""Protects a learner from a cell that fails: every notebook runs from top to bottom, offline."""

import copy
import html
import json
import os
import re

import pytest
from alternatives import Pictures, says_too_little
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell
from notebook_files import NOTEBOOKS, ROOT, noise, read

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
STEMS = [path.stem for path in NOTEBOOKS]
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9", "FINETUNE_PROFILE": "offline"}

# What is asked in the kernel after the last cell: an expression that json can write.
QUESTIONS = {
    "01_prepare_dataset": (
        "{'rows': len(small_train_dataset), 'share': [cost.padding_share for cost in costs], 'width':"
        " len(small_train_dataset[0]['input_ids'])}"
    ),
    "02_train_with_trainer": (
        "{'losses': run.series('loss')[1], 'status': run.status, 'evaluations': len(run.evaluations),"
        " 'accuracy': accuracy, 'labels': sorted(answer['label'] for answer in answers), 'mistakes':"
        " len(mistakes), 'freed': 'model' not in globals(), 'pasted':"
        " pasted_code_gives_the_same_losses(panel), 'references': list(references.values()), 'aligned':"
        " labels.tolist() == reviews['validation']['label'][:], 'grouped': args.train_sampling_strategy,"
        " 'curves': [short.series('loss')[1] for short in curves],"
        " 'overfit': [overfit.series('loss')[1][-1], eval_losses], 'test_rows': test_rows_seen()}"
    ),
    "03_native_pytorch_loop": (
        "{'losses': run.series('loss')[1], 'status': run.status, 'accuracy': accuracy, 'gaps':"
        " list(gaps.values()), 'pasted': pasted_code_gives_the_same_losses(panel),"
        " 'test_rows': test_rows_seen()}"
    ),
    "04_lab": (
        "{'training': panel.training, 'loaders': len(datasets_seen), 'told': [name for name in"
        " dir(experiments) if getattr(getattr(experiments, name), '_told', None)], 'learning': [sum(w.numel()"
        " for w in new_model(1, *start).parameters() if w.requires_grad) for start in [(), ('random"
        " weights',), ('pretrained', 1), ('pretrained', 2), ('frozen body',)]], 'as_pretrained':"
        " [bool((new_model(1, start).base_model.embeddings.word_embeddings.weight =="
        " new_model(2).base_model.embeddings.word_embeddings.weight).all()) for start in ('frozen body',"
        " 'random weights')], 'pasted': pasted_code_gives_the_same_losses(panel)}"
    ),
    "05_results_you_can_defend": (
        "{'losses': [point['loss'] for point in trainer.state.log_history if 'loss' in point], 'status':"
        " 'finished', 'accuracies': list(map(float, accuracies)), 'intervals': len(table), 'fell':"
        " float(chosen.mean() - fresh.mean()), 'by_method': {method: {rows: sum(values) / len(values)"
        " for rows, values in by_rows.items()} for method, by_rows in by_method.items()}, 'lowest':"
        " lowest['epoch'], 'loop': [epoch, best_epoch], 'errors': [float(curve.error) for curve in"
        " curves.values()], 'guess': exam['guess'], 'again': open_exam(trainer, profile,"
        " helpers.exam_folder(), 0.9, 0.1) == exam, 'exam': [exam['rows'], exam['accuracy'],"
        " bool(exam['validation_accuracy'] == model_right.mean())], 'test_rows': test_rows_seen()}"
    ),
    "06_your_own_data": (
        "{'losses': [point['loss'] for point in trainer.state.log_history if 'loss' in point], 'status':"
        " 'finished', 'rows': [mine.rows_read, mine.rows_dropped, {split: len(rows) for split, rows in"
        " mine.dataset.items()}], 'macro': table.loc['macro-F1'].tolist(), 'names': mine.label_names,"
        " 'answered': pd.read_csv(answered, keep_default_na=False)['label'].tolist(), 'expected':"
        " [mine.label_names[i] for i in test_logits.argmax(axis=-1)], 'card': str(card), 'several':"
        " f1(judged_on, judged_labels, threshold, 'micro'), 'test_rows': test_rows_seen()}"
    ),
    "07_fast_and_unbreakable": (
        "{'losses': run.series('loss')[1], 'status': run.status, 'trainer': trainer_run.status,"
        " 'speeds': list(speeds.values()), 'resumed': [unbroken, resumed], 'test_rows': test_rows_seen()}"
    ),
    "08_more_than_one_device": (
        "{'first': gap[1], 'largest': max(gap.values()), 'steps': len(gap), 'processes':"
        " [one['processes'], two['processes']], 'reported': reported, 'rows': one['rows'] == two['rows'],"
        " 'prediction': check.exercises['prediction'].right(check._names), 'accuracies': [one['accuracy'],"
        " two['accuracy'], answered_right.double().mean().item()], 'test_rows': test_rows_seen()}"
    ),
    "09_keras": (
        "{'losses': run.series('loss')[1], 'status': run.status, 'accuracy': accuracy, 'evaluations':"
        " len(run.evaluations), 'gaps': gaps, 'first': gap[1], 'loaded': bool(np.array_equal(*both)),"
        " 'tensorflow': [name for name in sys.modules if name.startswith('tensorflow')],"
        " 'removed': [name for name in dir(transformers) if name.startswith('TFAuto')],"
        " 'test_rows': test_rows_seen()}"
    ),
}

# Goes behind the setup cell, and notes every dataset that is trained or evaluated on.
NOTE_DATASETS = """
import torch.utils.data
datasets_seen = []
make_loader = torch.utils.data.DataLoader.__init__
def noted(self, dataset, *args, **kwargs):
    datasets_seen.append(dataset)
    make_loader(self, dataset, *args, **kwargs)
torch.utils.data.DataLoader.__init__ = noted

def test_rows_seen():
    from helpers.data import load_reviews
    def rows(dataset):
        ids = dataset.with_format(None)["input_ids"][:]
        return {tuple(row[: len(row) - row[::-1].index(tokenizer.sep_token_id)]) for row in ids}
    closed = rows(load_reviews(profile)["test"])
    seen = [rows(dataset) for dataset in datasets_seen if "input_ids" in getattr(dataset, "column_names", ())]
    return [len(seen) >= 2, len(set().union(*seen) & closed)]
"""

# The panel trains, then its code is run as if pasted into a cell.
PASTED = """
def pasted_code_gives_the_same_losses(panel):
    settings = {"train_size": 100, "num_train_epochs": 1, "per_device_train_batch_size": 4}
    first = panel.run(**settings, learning_rate=3e-4, warmup_steps=0.2, seed=3)
    names = dict(globals())
    exec(panel._source.value, names)
    return [first.series("loss")[1], names["again"].series("loss")[1]]
"""


@pytest.fixture(scope="module", params=STEMS)
def executed(request, tmp_path_factory):
    """Return stem, executed notebook, and answers to its question. A cell that raises fails here."""
    path = NOTEBOOKS[STEMS.index(request.param)]
    notebook = read(path)
    # What these promise does not depend on how long they train
    short = {"FINETUNE_SIZES": "num_train_epochs=1"} if path.stem.startswith(("06", "07", "09")) else {}
    # Runs of an earlier time would show in notebook 4
    runs = {"FINETUNE_RUNS": str(tmp_path_factory.mktemp("runs"))} if path.stem == "04_lab" else {}
    others = {}
    if path.stem == "09_keras":
        others["PYTHONPATH"] = with_tensorflow(tmp_path_factory.mktemp("installed"))
    return path.stem, notebook, execute_and_ask(notebook, QUESTIONS[path.stem], **short, **others, **runs)


def with_tensorflow(folder):
    """Write an empty package of that name, as if it were installed. Return the path on which it is found."""
    (folder / "tensorflow").mkdir()
    (folder / "tensorflow" / "__init__.py").touch()
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


def execute_and_ask(notebook, question, **env):
    """Run all cells in a fresh kernel with the variables `env`, then evaluate `question` there."""
    setup = next(i for i, cell in enumerate(notebook.cells) if cell.id == "setup")
    notebook.cells.insert(setup + 1, new_code_cell(NOTE_DATASETS))
    notebook.cells.append(new_code_cell(f"{PASTED}\nimport json; print(json.dumps({question}))"))
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=os.environ | OFFLINE | env)
    return json.loads(notebook.cells[-1].outputs[-1]["text"])


def outputs(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield from ((cell.id, output) for output in cell.outputs)


def test_each_notebook_has_its_question():
    assert sorted(QUESTIONS) == STEMS


def test_nothing_on_stderr_that_a_learner_would_worry_about(executed):
    """The text explains a progress bar and the load report. It does not explain a warning."""
    _, notebook, _ = executed
    assert noise(notebook) == []


def test_pictures_are_there(executed):
    stem, notebook, _ = executed
    drawn = {name for name, output in outputs(notebook) if "image/png" in output.get("data", {})}
    drawing = re.compile(
        r"^(plots|judged)\.|live_curve\(\w*run, |^\w+Explorer\(|^(panel|tester)$", re.MULTILINE
    )
    expected = {
        cell.id for cell in notebook.cells if cell.cell_type == "code" and drawing.search(cell.source)
    }
    # Most panels of notebook 4 have nothing to draw before a training
    assert drawn == expected and len(expected) >= (1 if stem == "04_lab" else 2), stem


def test_it_learned_what_it_promises(executed):
    stem, notebook, answer = executed
    if stem == "01_prepare_dataset":
        assert answer["rows"] == 1_000 and answer["width"] == 512
        assert answer["share"][0] > answer["share"][1] > answer["share"][2]
        return
    if stem == "04_lab":
        assert (answer["training"], answer["loaders"], answer["told"]) == (False, 0, []), (
            "everything waits for a button"
        )
        everything, random, first, second, body = answer["learning"]
        assert everything == random > first > second > body == 645
        assert answer["as_pretrained"] == [True, False], "random weights are not the pretrained ones"
        losses, pasted = answer["pasted"]
        assert len(losses) >= 20 and losses == pasted, "the code under the lab repeats its run"
        return
    assert answer["test_rows"] == [True, 0], "the test split stays closed"
    if stem == "08_more_than_one_device":
        assert answer["processes"] == [1, 2] and answer["rows"] and answer["steps"] == 20
        assert answer["first"] < 1e-6 and answer["largest"] < 1e-4, "two processes are one with batch 8"
        assert answer["reported"] == answer["prediction"], "the check expects what the script does"
        one, two, in_notebook = answer["accuracies"]
        assert one == two and in_notebook > 0.35
        printed = "".join(output.get("text", "") for _, output in outputs(notebook))
        assert len(re.findall(r"^The last loss: (.+)$", printed, re.MULTILINE)) == 2
        assert len(set(re.findall(r"^The last loss: (.+)$", printed, re.MULTILINE))) == 1
        return
    losses = answer["losses"]
    assert answer["status"] == "finished" and losses[-1] < losses[0]
    if "pasted" in answer:
        first, pasted = answer["pasted"]
        assert len(first) >= 20 and first == pasted, (
            "the code shown under the panel reproduces its run, to the last bit"
        )
        assert answer["accuracy"] > 0.40
    if stem == "02_train_with_trainer":
        assert answer["evaluations"] == 3 and answer["mistakes"] == 5 and answer["freed"]
        assert answer["aligned"] and answer["grouped"] == "group_by_length", (
            "with grouping, Trainer shuffles the rows that it predicts"
        )
        assert answer["labels"] == [
            "1 star",
            "2 star",
            "3 stars",
            "4 stars",
            "5 stars",
        ], "the saved model names its classes"
        commonest, counting = answer["references"]
        assert 0.15 < commonest < 0.3 < counting
        ends = [(sum(curve[:10]) / 10, sum(curve[-10:]) / 10) for curve in answer["curves"]]
        (low, low_end), (fits, fits_end), (_, high_end) = ends
        assert fits_end < fits - 0.15 and abs(low_end - low) < 0.1 and high_end > fits_end + 0.1, (
            "the curves show what the text says of them"
        )
        training_loss, validation_losses = answer["overfit"]
        assert training_loss < 0.5 and validation_losses[-1] > min(validation_losses) + 0.1
    elif stem == "03_native_pytorch_loop":
        assert len(answer["gaps"]) >= 4 and answer["gaps"][-1] == 0 < answer["gaps"][-2], (
            "on a CPU in float32 the Trainer's losses are the loop's losses, to the last bit"
        )
    elif stem == "05_results_you_can_defend":
        of = answer["by_method"]
        assert of["fine-tuned"]["250"] > of["random weights"]["250"] + 0.05, "pretraining pays with few rows"
        assert abs(of["fine-tuned"]["7000"] - of["TF-IDF"]["7000"]) < 0.03, "with all rows they are level"
        assert answer["fell"] > 0.01, "the winner falls on fresh rows"
        assert answer["lowest"] < 8 and answer["loop"][0] - answer["loop"][1] in (0, 3), "it overfits"
        assert answer["errors"][1] < answer["errors"][0], "the temperature helps on rows that did not fit it"
        rows, accuracy, same = answer["exam"]
        assert rows == 1_000 and same and answer["guess"] is None
        assert 0.45 < accuracy < 0.7
        assert answer["again"], "the second call shows the first record"
    elif stem == "06_your_own_data":
        rows, dropped, sizes = answer["rows"]
        assert rows == 2_400 and sum(sizes.values()) == rows - sum(dropped.values())
        assert len(answer["names"]) == 7 and len(set(answer["macro"])) == 3, "each remedy changes answers"
        agree = [one == other for one, other in zip(answer["answered"], answer["expected"], strict=True)]
        assert sum(agree) > 0.98 * len(agree), "a fresh process gives this model's answers"
        assert (
            "95 % interval" in answer["card"] and "None" not in answer["card"] and "{" not in answer["card"]
        )
        said = "".join(output.get("text", "") for name, output in outputs(notebook) if name == "weighted")
        plain, weighted = re.findall(r"loss (\S+)", said)
        assert plain != weighted, "weights that do not reach the loss change nothing"
        assert answer["several"] > 0.45
    elif stem == "09_keras":
        assert answer["evaluations"] == 1 and answer["accuracy"] > 0.40 and answer["loaded"]
        assert answer["tensorflow"] == [], "Colab has it installed, and it would take the GPU's memory"
        assert answer["removed"] == [], "Transformers has no TensorFlow classes, as the text says"
        printed = [(name, output.get("text", "")) for name, output in outputs(notebook)]
        losses = {
            wanted: re.findall(r"loss (\S+)", "".join(text for name, text in printed if name == wanted))
            for wanted in ("first-try", "classifier")
        }
        assert [len(set(twice)) for twice in losses.values()] == [2, 1], "only the first try has dropout on"
        gaps = answer["gaps"]
        # The first loss comes before the first step; the last digit of a 32-bit number near 1 is 1e-7
        assert answer["first"] < 1e-6 and gaps["none"] < 1e-3, "Keras's losses are the loop's"
        by_size = sorted(gaps, key=gaps.get)
        assert by_size[-2:] == ["clipnorm in place of global_clipnorm", "from_logits=True forgotten"]
        assert gaps["epsilon: Keras's 1e-7"] > 3 * gaps["none"]
    else:
        assert answer["trainer"] == "finished"
        said = "".join(output.get("text", "") for name, output in outputs(notebook) if name == "fewer-train")
        learning = dict(re.findall(r"^(.+?) +([\d,]+) weights learn", said, re.MULTILINE))
        assert learning == {"all weights": "1,247,749", "frozen body": "645", "LoRA": "8,837"}, (
            "a frozen body that learns would be as slow as the others, and nobody would see it"
        )
        assert answer["speeds"][-1] > 1.5 * answer["speeds"][0] > 0, "the ladder leads upwards"
        unbroken, resumed = answer["resumed"]
        assert len(unbroken) == 10 and unbroken == resumed


def test_a_page_without_widgets_shows_pictures_and_sentences(executed):
    """nbconvert and GitHub have no kernel, so a widget would be an empty box."""
    stem, notebook, _ = executed
    panels = [
        output
        for _, output in outputs(notebook)
        if WIDGET_VIEW in output.get("data", {}) and "image/png" in output["data"]
    ]
    expected = {
        "01_prepare_dataset": 2,
        "02_train_with_trainer": 2,
        "03_native_pytorch_loop": 1,
        "04_lab": 1,
        "05_results_you_can_defend": 2,
    }
    assert len(panels) == expected.get(stem, 0)
    if not panels:
        return  # the page would show what the next test looks at
    saved = copy.deepcopy(notebook)
    saved.metadata.pop("widgets", None)  # as committed, and as on GitHub
    page, _ = HTMLExporter().from_notebook_node(saved)
    for output in panels:
        assert output["data"]["image/png"].strip()[:200] in page.replace("\n", ""), (
            "the picture is in the page"
        )
        assert f"When this cell ran: {html.escape(output['data']['text/plain'], quote=False)}"[:60] in page
    pictures = [picture for picture in Pictures(page).found if picture["src"].startswith("data:")]
    assert len(pictures) == sum("image/png" in output.get("data", {}) for _, output in outputs(notebook))
    assert [picture["alt"] for picture in pictures if says_too_little(picture.get("alt"))] == []


def test_every_picture_says_what_it_shows(executed):
    """JupyterLab takes the alternative text from the HTML, other front ends take it from the metadata."""
    stem, notebook, _ = executed
    alts = []
    for _, output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            alts.append(output.metadata["image/png"].get("alt"))
            html_alts = [picture.get("alt") for picture in Pictures(output.data.get("text/html", "")).found]
            assert WIDGET_VIEW in output.data or html_alts == alts[-1:]
    assert len(alts) >= (1 if stem == "04_lab" else 2)
    assert [alt for alt in alts if says_too_little(alt)] == []


PRESS_INTERRUPT = """
import os, signal, threading, time

def press_after_three_points():
    while (recorded := globals().get("run")) is None or len(recorded.history) < 3:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press_after_three_points, daemon=True).start()
"""


@pytest.mark.parametrize(
    ("stem", "train_cell"), [("02_train_with_trainer", "train-ours"), ("07_fast_and_unbreakable", "loop")]
)
def test_interrupting_the_training_cell_keeps_model_and_history(stem, train_cell):
    """The ■ button sends SIGINT. The cell must end without an error, and what was learned must remain."""
    notebook = read(NOTEBOOKS[STEMS.index(stem)])
    position = next(i for i, cell in enumerate(notebook.cells) if cell.id == train_cell)
    before = [cell for cell in notebook.cells[:position] if cell.id not in ("ladder", "train")]
    notebook.cells = [*before, new_code_cell(PRESS_INTERRUPT), notebook.cells[position]]
    model_works = (
        "model(**{k: v.to(model.device) for k, v in tokenizer('good',"
        " return_tensors='pt').items()}).logits.shape[-1]"
    )
    answer = execute_and_ask(notebook, f"[run.status, len(run.history), {model_works}]")
    assert answer[0] == "stopped" and answer[1] >= 3 and answer[2] == 5
    assert any("Interrupted" in output.get("text", "") for output in notebook.cells[-2].outputs)
