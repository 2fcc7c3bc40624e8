"""Protects a learner on the Hub's profiles: from an empty cache, and again without any network.

More notebooks run on them with `python tests/hub/profiles.py`, every week.
"""

import json
import re

from helpers.profiles import PROFILES
from hub.conftest import SECRET, environment, printed, python, run_notebook
from hub.test_faults import LINES

NOWHERE = "http://127.0.0.1:9"


def check_requests(hub, profile):
    """Check that every file was asked for once, at the pinned commit, and that nothing else was fetched."""
    pinned = {p.model: p.model_revision for p in PROFILES.values()} | {
        p.dataset: p.dataset_revision for p in PROFILES.values()
    }
    for path in hub.paths("/resolve/"):
        name, revision, file = re.search(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path).groups()
        assert revision == pinned[name], path
        assert name in (profile.model, profile.dataset) or file == "config.json", (
            f"{path}: for another profile's time estimate, config.json will do"
        )
    contents = [
        request.path
        for request in hub.requests
        if request.method == "GET"
        and request.status == 200
        and ("/resolve-cache/" in request.path or "/cdn/" in request.path)
    ]
    assert len(contents) == len(set(contents)), "a file was downloaded twice"
    assert not [path for path in contents if path.endswith((".h5", ".msgpack"))]
    talk = [path for path in hub.paths() if "/commits/" in path or "/discussions" in path]
    assert talk == [], "asking the Hub to convert weights is none of the course's business"


def test_small_is_chosen_and_runs_from_an_empty_cache_then_without_network(hub, home):
    env = environment(hub.url, home)
    texts = [printed(run_notebook(number, env, "small")) for number in (1, 2, 3)]
    for text in texts:
        assert "Profile   small: the Hugging Face Hub answers, and there is no GPU" in text
        assert SECRET not in text
    assert re.search(r"→ small +\d+ MB to download, \d+ MB on disk; about \d+ (seconds|minutes)", texts[0])
    assert "→ small     nothing more to download" in texts[2]
    assert re.search(r"the fused kernel: the losses differ by at most 0 in \d+ steps", texts[2])
    check_requests(hub, PROFILES["small"])

    asked = len(hub.requests)
    text = printed(run_notebook(1, environment(NOWHERE, home), "small"))
    chosen = "Profile small: the Hugging Face Hub does not answer, but this was downloaded earlier"
    assert chosen in " ".join(text.split())
    assert "full      needs the Hugging Face Hub\n" in text
    code = "[is_cached(PROFILES['small']), model(PROFILES['small']).config.num_hidden_layers]"
    answer = python(LINES + f"print(json.dumps({code}))", environment(NOWHERE, home, HF_HUB_OFFLINE="1"))
    assert json.loads(answer.splitlines()[-1]) == [True, 4]
    assert len(hub.requests) == asked


def test_full_runs_from_an_empty_cache_then_without_network(hub, home):
    """Notebook 1 loads data and tokenizer with the same lines on every profile; it runs on `small`."""
    env = environment(hub.url, home, FINETUNE_PROFILE="full")
    text = printed(run_notebook(2, env, "full"))
    assert "Profile   full: chosen by name (FINETUNE_PROFILE)" in text and SECRET not in text
    check_requests(hub, PROFILES["full"])
    assert not hub.paths("pytorch_model.bin"), "safetensors is there"

    code = (
        "[is_cached(full), len(data(full)['train']), len(tokenizer(full)) > 5_000,"
        " model(full).config.num_hidden_layers]"
    )
    answer = python(LINES + f"print(json.dumps({code}))", environment(NOWHERE, home, HF_HUB_OFFLINE="1"))
    assert json.loads(answer.splitlines()[-1]) == [True, 8_000, True, 12], "full has all rows"


def test_a_korean_notebook_takes_headlines(hub, home):
    """Its classes have no order, its dataset no test split, and its letters no glyph in matplotlib's font."""
    text = printed(run_notebook(2, environment(hub.url, home), "korean", language="ko"))
    assert "korean: Hugging Face Hub가 응답하고 GPU는 없습니다" in text and SECRET not in text
    assert not re.search(r"\bstars?\b|\breviews?\b|별점|Glyph", text)
    assert all(name in text for name in ("IT과학", "경제", "사회", "생활문화", "세계", "스포츠", "정치"))
    check_requests(hub, PROFILES["korean"])
