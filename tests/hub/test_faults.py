"""Protects a learner from a Hub that is slow, overloaded, gone, or that serves something else."""

import json
import pickle
import re

import pytest

from helpers.profiles import PROFILES
from hub.conftest import SECRET, environment, printed, python, run_notebook
from hub.repositories import METRIC
from hub.server import LoopbackHub, Repository

SMALL = PROFILES["small"]
WEIGHTS = f"GET /cdn/models/{SMALL.model}"
# the content of the Parquet files
ROWS = f"GET /api/resolve-cache/datasets/{SMALL.dataset}/{SMALL.dataset_revision}/yelp_review_full/"
UNREACHABLE = "could not be reached, or stopped answering"

# The notebooks' own lines as functions of a profile; `explained` is what a notebook would show of their
# errors.
LINES = """
import dataclasses, json, os, sys, time
os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "1"
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from helpers.explain import explain
from helpers.hub import is_cached
from helpers.data.columns import text_and_label
from helpers.data.pretrained import check_tokenizer
from helpers.hub.reach import hub_answers
from helpers.data.pretrained import load_config
from helpers.profiles import PROFILES
from helpers.hub.subset import dataset_source, subset_folder

def data(p):
    return text_and_label(load_dataset(dataset_source(p), p.dataset_config, revision=p.dataset_revision), p)

def tokenizer(p):
    tokenizer = AutoTokenizer.from_pretrained(
        p.model, revision=p.model_revision, config=load_config(p), model_max_length=p.max_length
    )
    check_tokenizer(tokenizer)
    return tokenizer

def model(p):
    return AutoModelForSequenceClassification.from_pretrained(
        p.model, revision=p.model_revision, config=load_config(p, num_labels=5)
    )

def explained(function, p):
    try:
        function(p)
    except Exception as error:
        return explain(error) or str(error)
    return "no error"

p = dataclasses.replace(PROFILES["small"], train_size=100, eval_size=100, subset_rows=500)
full = dataclasses.replace(PROFILES["full"], train_size=100, eval_size=100)
"""


def ask(hub, home, code, **more):
    """Return the value of the expression `code` after `LINES`, in a process that talks to `hub`."""
    return json.loads(
        python(LINES + f"print(json.dumps({code}))", environment(hub.url, home, **more)).splitlines()[-1]
    )


def test_a_passing_fault_is_retried_by_the_libraries(hub, home):
    hub.fault("config.json", times=2, status=503)
    hub.fault("vocab.txt", times=2, status=429)
    hub.fault(WEIGHTS, times=2, status=429)
    hub.fault(ROWS, times=2, status=503)
    assert ask(
        hub, home, "[len(data(p)['train']), len(tokenizer(p)) > 5_000, model(p).num_parameters() > 4_000_000]"
    ) == [500, True, True]
    assert [fault.times for fault in hub.faults] == [0, 0, 0, 0], "each fault was met"


def test_a_lasting_fault_is_explained(hub, home):
    hub.fault("/api/datasets", times=1, status=429)
    hub.fault(ROWS, times=99, status=503)
    hub.fault("config.json", times=99, status=429)
    messages = ask(hub, home, "[explained(data, p), explained(data, p), explained(tokenizer, p)]")
    for message, status in zip(messages, ("(429)", "(status 503)", "(429)")):
        assert status in message and 'PROFILE = "offline"' in message and "run this cell again" in message
        assert SECRET not in message


def test_a_tokenizer_without_its_vocabulary_is_an_error(hub, home):
    """transformers returns a tokenizer that knows five special tokens, and every word becomes [UNK]."""
    hub.fault("vocab.txt", times=99, status=503)
    assert "came without its vocabulary" in ask(hub, home, "explained(tokenizer, p)")


def test_a_cut_download_starts_again_where_it_was_cut(hub, home):
    hub.fault(WEIGHTS, times=1, cut_after=12_000_000)  # the client writes in chunks of 10 MB
    hub.fault(ROWS, times=1, cut_after=10_000)
    assert ask(hub, home, "[len(data(p)['train']), model(p).num_parameters() > 4_000_000]") == [500, True]
    again = [
        request.range
        for request in hub.requests
        if request.path.startswith(WEIGHTS.split()[1]) and request.method == "GET"
    ]
    assert again[0] is None and re.fullmatch(r"bytes=[1-9]\d+-", again[1])


def test_what_did_not_come_whole_is_never_used_half(hub, home):
    """Neither a model file in the cache may be used, nor a subset with one split of two."""
    hub.fault(WEIGHTS, times=99, cut_after=1_000_000)
    hub.fault(ROWS + "test", times=99, status=404)
    no_model, no_data, *here = ask(
        hub,
        home,
        "[explained(model, p), explained(data, p), is_cached(p), subset_folder(p).exists(),"
        " os.listdir(subset_folder(p).parent)]",
    )
    assert UNREACHABLE in no_model and no_data != "no error" and here == [False, False, []]
    assert hub.bytes_served("yelp_review_full/train") > 0, "the first split had come"
    hub.faults.clear()
    code = (
        "[len(data(p)['train']), len(tokenizer(p)) > 5_000, model(p).num_parameters() > 4_000_000,"
        " is_cached(p)]"
    )
    assert ask(hub, home, code) == [500, True, True, True]


def test_a_wrong_revision_is_an_error(hub, home):
    """The default branch must never take its place."""
    wrong = "dataclasses.replace({}, {}='0' * 40)"
    model = wrong.format("p", "model_revision")
    data = wrong.format("p", "dataset_revision")
    all_of_it = wrong.format("full", "dataset_revision")
    calls = (
        f"explained(model, {model}), explained(tokenizer, {model}), explained(data, {data}), explained(data,"
        f" {all_of_it})"
    )
    for message in ask(hub, home, f"[{calls}]"):
        assert "not this revision" in message


def test_a_wrong_name_is_explained(hub, home):
    calls = (
        "explained(model, dataclasses.replace(p, model='no/such')), explained(data, dataclasses.replace(p,"
        " dataset='no/such'))"
    )
    for message in ask(hub, home, f"[{calls}]"):
        assert "no public repository of this name" in message


def test_the_pinned_commit_is_what_one_gets_though_main_has_moved_on(hub, home):
    """The fixture's `main` has lost all files. If a call forgets the revision, it finds nothing."""
    unpinned = (
        "explained(model, dataclasses.replace(p, model_revision=None)), explained(data,"
        " dataclasses.replace(p, dataset_revision=None))"
    )
    pinned = "len(data(p)['train']), len(tokenizer(p)) > 5_000, model(p).config.hidden_size"
    no_model, no_data, *found = ask(hub, home, f"[{unpinned}, {pinned}]")
    assert "does not appear to have a file named" in no_model and "doesn't contain any data files" in no_data
    assert found == [500, True, 256]


def test_hub_gone_in_the_middle_of_a_notebook(hub, home):
    hub.fault(f"/{SMALL.model}/resolve/{SMALL.model_revision}/vocab.txt", times=1, then=hub.vanish)
    notebook = run_notebook(1, environment(hub.url, home), "small", allow_errors=True)
    cell = next(cell for cell in notebook.cells if cell.id == "tokenizer")
    error = next(output for output in cell.outputs if output.output_type == "error")
    assert len(error.traceback) <= 5, "one message, not forty frames"
    text = "\n".join(error.traceback)
    assert UNREACHABLE in text or "came without its vocabulary" in text
    assert 'PROFILE = "offline"' in text and "run this cell again" in text
    assert SECRET not in printed(notebook)


def test_a_slow_hub_is_waited_for_but_not_by_the_probe(hub, home):
    hub.fault("GET /api/models/google-bert/bert-base-cased", times=1, delay=8)
    hub.fault("config.json", times=2, delay=1.5)
    code = "[time.perf_counter(), hub_answers(), time.perf_counter(), len(tokenizer(p)) > 5_000]"
    began, answered, ended, tokenizer = ask(hub, home, code)
    assert not answered and ended - began < 3.5 and tokenizer


def test_the_probe_and_the_downloads_go_through_a_proxy(hub, home):
    """Offices and schools reach the Hub only so. The loopback Hub answers absolute addresses, too."""
    env = {
        "HF_ENDPOINT": "http://hub.invalid",
        "HTTP_PROXY": hub.url,
        "http_proxy": hub.url,
        "NO_PROXY": "",
        "no_proxy": "",
    }
    assert ask(hub, home, "[hub_answers(), load_config(p).hidden_size]", **env) == [True, 256]


def test_pickled_weights_run_no_code(tmp_path, home):
    """A .bin file is a pickle, and a pickle is a program."""
    trap = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return exec, (f"open({str(trap)!r}, 'w').close()",)

    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "config.json").write_text(
        '{"hidden_size": 256, "num_attention_heads": 4, "num_hidden_layers": 4, "vocab_size": 100}'
    )
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    with LoopbackHub(
        [Repository("models", SMALL.model, {SMALL.model_revision: folder}, SMALL.model_revision)]
    ) as hub:
        assert ask(hub, home, "explained(model, p)") != "no error"
        assert hub.paths("pytorch_model.bin"), "it was fetched"
    assert not trap.exists()


def test_the_metric_comes_from_its_space_as_well(hub, home):
    """The profiles use the bundled metric. `metric="accuracy"` takes the Hub's, with the same number."""
    code = (
        "[__import__('evaluate').load(m).compute(predictions=[1, 0, 2], references=[1, 1, 2])['accuracy'] for"
        " m in ('accuracy', p.metric)]"
    )
    theirs, ours = ask(hub, home, code)
    assert theirs == ours == pytest.approx(2 / 3)
    assert hub.paths(f"/spaces/{METRIC}/resolve/")


def test_a_subset_is_a_small_part_of_the_file_and_the_same_each_time(tmp_path, home, repositories):
    """For 500 rows of 20,000 it reads the footer and a few row groups, not the file.
    tests/benchmarks/bytes_served.py shows it at Yelp's size.
    """
    from benchmarks.bytes_served import write_repository

    repository = write_repository(tmp_path / "large", {"train": 20_000, "test": 20_000}, group=100)
    digests = []
    for attempt in range(2):
        with LoopbackHub([repository]) as hub:
            code = "[hash(tuple(data(p)['train']['text'])), len(data(p)['train'])]"
            digests.append(ask(hub, tmp_path / f"home{attempt}", code, PYTHONHASHSEED="0"))
            served = hub.bytes_served()
        assert served < 0.1 * sum(path.stat().st_size for path in (tmp_path / "large").rglob("*.parquet"))
    assert digests[0] == digests[1] and digests[0][1] == 500
