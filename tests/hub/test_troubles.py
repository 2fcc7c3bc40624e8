"""Protects a learner behind an office's network, or with an old token, from advice that cannot help.

The probe of the setup cell must fail whenever the downloads would, and the sentence must name the reason.
"""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import huggingface_hub
import pytest
from datasets import config
from huggingface_hub import constants
from machines import CPU

from helpers.explain import explain
from helpers.explain.hub import in_short, trouble
from helpers.hub import cache, reach
from helpers.profiles import PROFILES
from helpers.start import session
from hub.conftest import SECRET, environment, python
from hub.server import LoopbackHub
from hub.test_faults import LINES, SMALL

pytestmark = pytest.mark.faults

VARIABLES = (
    *("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "FINETUNE_PROFILE", "HF_ENDPOINT"),
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "CURL_CA_BUNDLE"),
)


@pytest.fixture
def learner(monkeypatch, tmp_path):
    """Make this process a learner's before the setup cell. `point_to` sets the Hub's address."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for module, name, value in (
        (constants, "HF_HUB_OFFLINE", False),
        (config, "HF_HUB_OFFLINE", False),
        (constants, "HF_TOKEN_PATH", str(tmp_path / "token")),
        (constants, "HF_HUB_CACHE", str(tmp_path / "hub")),
        (reach, "_problem", None),
        (reach, "_went_offline", False),
    ):
        monkeypatch.setattr(module, name, value)
    cache._info.cache_clear()
    huggingface_hub.close_session()
    yield SimpleNamespace(
        point_to=lambda url: monkeypatch.setattr(constants, "ENDPOINT", url),
        set=monkeypatch.setenv,
        token_file=tmp_path / "token",
    )
    huggingface_hub.close_session()


def said_by_the_setup_cell():
    """Return the row "Hub" of the setup cell, as it stands there after the Hub was asked."""
    assert not reach.ask_hub()
    return trouble(reach.why_not())


def said_by_a_later_cell():
    """Return what a cell shows that loads a model which is not in the cache."""
    from transformers import AutoConfig

    with pytest.raises(OSError) as caught:
        AutoConfig.from_pretrained("prajjwal1/bert-mini", revision="0" * 40)
    return explain(caught.value)


def test_a_refused_token_is_named_and_so_is_the_way_out(hub, learner):
    """The Hub answers 401 to everything that carries a bad token. The learner looked for a typing error."""
    hub.mode = "badtoken"
    learner.point_to(hub.url)
    learner.set("HF_TOKEN", SECRET)
    row = said_by_the_setup_cell()
    assert "refuses the token in HF_TOKEN" in row and "need no token" in row and "%env HF_TOKEN= " in row
    assert row in said_by_a_later_cell() and "spelling" not in row and SECRET not in row
    learner.set("HF_TOKEN", "")
    assert reach.ask_hub(), "the advice helps, without a restart"


def test_a_refused_token_of_an_earlier_login_is_named(hub, learner):
    hub.mode = "badtoken"
    learner.point_to(hub.url)
    learner.token_file.write_text(SECRET)
    row = said_by_the_setup_cell()
    assert f"refuses the token in {learner.token_file}" in row and "!hf auth logout" in row
    learner.token_file.unlink()  # as `hf auth logout` does
    assert reach.ask_hub()


def test_a_token_that_works_is_sent_and_no_trouble(hub, learner):
    learner.point_to(hub.url)
    learner.set("HF_TOKEN", SECRET)
    assert reach.ask_hub() and hub.requests[-1].authorization == f"Bearer {SECRET}"
    assert trouble(reach.why_not()) is None


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Make a company's authority, and its certificate for the Hub's address, as PEM files."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make certificates")
    folder = tmp_path_factory.mktemp("company")
    (folder / "extensions").write_text(
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n"
    )
    new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for command in (
        f"req -x509 {new_key} -days 2 -subj /CN=Company -addext keyUsage=critical,keyCertSign"
        " -keyout authority.key -out authority.pem",
        f"req {new_key} -subj /CN=Hub -keyout hub.key -out hub.request",
        "x509 -req -in hub.request -CA authority.pem -CAkey authority.key -CAcreateserial -days 2"
        " -extfile extensions -out hub.crt",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    pem = folder / "hub.pem"
    pem.write_bytes((folder / "hub.key").read_bytes() + (folder / "hub.crt").read_bytes())
    return SimpleNamespace(authority=folder / "authority.pem", certificate=pem)


def test_a_company_certificate_is_named_and_ssl_cert_file_helps(repositories, learner, company):
    """The learner waited for 23 seconds of retries, and was told to run the cell again."""
    with LoopbackHub(repositories, certificate=company.certificate) as hub:
        learner.point_to(hub.url)
        learner.set("REQUESTS_CA_BUNDLE", str(company.authority))
        row = said_by_the_setup_cell()
        assert "a certificate that Python does not trust" in row
        assert f"%env SSL_CERT_FILE={company.authority}" in row, "a path that other programs use already"
        assert row in said_by_a_later_cell()
        learner.set("SSL_CERT_FILE", str(company.authority))
        assert reach.ask_hub(), "the advice helps, without a restart"


def test_a_certificate_file_that_is_not_there_is_named(hub, learner):
    learner.point_to(hub.url)
    learner.set("SSL_CERT_FILE", "/no/such/company.pem")
    row = said_by_the_setup_cell()
    assert "SSL_CERT_FILE names the file /no/such/company.pem, which does not exist" in row
    learner.set("SSL_CERT_FILE", "")
    assert reach.ask_hub()


def test_a_socks_proxy_without_its_package_is_named(hub, learner, monkeypatch):
    """The client is only built when it is needed: the data cell ended in an ImportError."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    learner.point_to(hub.url)
    learner.set("ALL_PROXY", "socks5://127.0.0.1:9")
    row = said_by_the_setup_cell()
    assert "ALL_PROXY names a SOCKS proxy, which needs the package socksio" in row
    assert "%pip install socksio" in row and row in said_by_a_later_cell()


@pytest.mark.parametrize("address", ['"http://user:secret@proxy:8080"', "socks4://user:secret@proxy:1"])
def test_a_proxy_without_a_scheme_that_works_is_named(hub, learner, address):
    """Quotes from a shell's file come along with the address."""
    learner.point_to(hub.url)
    learner.set("HTTP_PROXY", address)
    row = said_by_the_setup_cell()
    assert "What HTTP_PROXY holds is no address of a proxy" in row and "%env HTTP_PROXY= " in row
    assert row in said_by_a_later_cell() and "secret" not in row
    learner.set("HTTP_PROXY", "")
    assert reach.ask_hub(), "the advice helps"


def test_a_token_copied_with_an_ellipsis_is_named(hub, learner):
    """Web pages show tokens shortened. The libraries speak of an ordinal that is not in range."""
    learner.point_to(hub.url)
    learner.set("HF_TOKEN", "hf_abc…xyz")
    row = said_by_the_setup_cell()
    assert "The token in HF_TOKEN has a character that no token has" in row and "%env HF_TOKEN= " in row
    assert row in said_by_a_later_cell() and "hf_abc" not in row
    learner.set("HF_TOKEN", "")
    assert reach.ask_hub(), "the advice helps"


@pytest.mark.parametrize("kind", ["a file of another format", "a folder"])
def test_certificates_that_are_no_pem_file_are_named(hub, learner, tmp_path, kind):
    """Windows exports a certificate as .cer, which often is DER."""
    path = tmp_path if kind == "a folder" else tmp_path / "company.cer"
    if path != tmp_path:
        path.write_bytes(bytes(range(200)))
    learner.point_to(hub.url)
    learner.set("SSL_CERT_FILE", str(path))
    row = said_by_the_setup_cell()
    assert f"SSL_CERT_FILE names {path}, which is no file of certificates in PEM format" in row
    assert row in said_by_a_later_cell()


def test_a_proxy_that_is_gone_is_named(learner):
    """People take their laptop home from the office."""
    learner.point_to("https://hub.invalid")
    learner.set("HTTPS_PROXY", "http://user:secret@127.0.0.1:9")
    row = said_by_the_setup_cell()
    assert "through the proxy that HTTPS_PROXY names" in row and "%env HTTPS_PROXY= " in row
    assert row in said_by_a_later_cell() and "secret" not in row


def test_no_proxy_is_blamed_for_an_address_that_it_does_not_serve(learner):
    learner.point_to("http://127.0.0.1:9")
    learner.set("HTTP_PROXY", "http://127.0.0.1:9")
    learner.set("NO_PROXY", "127.0.0.1")
    assert said_by_the_setup_cell() is None


@pytest.mark.parametrize("address", ["hf-mirror.example", "ftp://hf-mirror.example", ""])
def test_an_address_that_is_none_is_corrected(learner, address):
    learner.point_to(address)
    row = said_by_the_setup_cell()
    assert f"HF_ENDPOINT is {address!r}" in row and "restart the kernel" in row
    assert f"%env HF_ENDPOINT=https://{'hf-mirror.example' if address else 'huggingface.co'} " in row


def test_a_login_page_is_named(hub, learner):
    """Hotel networks and some mirrors answer every address with a page of their own, and status 200."""
    hub.mode = "login page"
    learner.point_to(hub.url)
    row = said_by_the_setup_cell()
    assert hub.url in row and "something else answers" in row and "HF_ENDPOINT" not in row
    learner.set("HF_ENDPOINT", hub.url)
    assert "unset HF_ENDPOINT" in said_by_the_setup_cell()


def test_a_rate_limit_is_named_and_lifts(hub, learner):
    """What the setup cell has found must not outlive the reason for it."""
    hub.mode = "429"
    learner.point_to(hub.url)
    row = said_by_the_setup_cell()
    assert "a pause" in row and "(429)" in row and "run the setup cell again" in row
    assert row in said_by_a_later_cell()
    hub.mode = ""
    assert reach.ask_hub() and not constants.HF_HUB_OFFLINE and "HF_HUB_OFFLINE" not in os.environ


def test_a_network_that_is_just_gone_gets_no_row(learner):
    """The reason for the choice of the profile says it already."""
    learner.point_to("http://127.0.0.1:9")
    assert said_by_the_setup_cell() is None and "does not answer" in in_short(reach.why_not())
    assert "When the network is back, run the setup cell again" in said_by_a_later_cell()


@pytest.mark.parametrize("flag", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_each_of_three_flags_rules_out_the_hub_and_is_named(hub, learner, flag):
    """Each keeps one library offline. The probe knew of one only, and `auto` chose what it could not have."""
    learner.point_to(hub.url)
    learner.set(flag, "1")
    assert said_by_the_setup_cell() is None and not hub.requests
    assert session._choose("auto", CPU, answers=False) == (
        PROFILES["offline"],
        f"{flag} rules out the Hugging Face Hub",
    )
    message = said_by_a_later_cell()
    assert f"not in the cache, and {flag} rules out" in message and f"%env {flag}=0 " in message
    learner.set(flag, "0")
    assert reach.ask_hub(), "the advice helps, without a restart"


def test_auto_goes_offline_if_the_hub_answers_but_the_profile_cannot_be_had(hub, learner):
    """The probe is a single request. A mirror may lack the dataset; a limit may be reached after it."""
    hub.fault(f"/api/datasets/{SMALL.dataset}", times=99, status=429)
    learner.point_to(hub.url)
    assert reach.ask_hub() and session._cost_is_unknown(CPU)
    chosen, reason = session._choose("auto", CPU, answers=False)
    assert (chosen.name, reason) == ("offline", "the Hugging Face Hub cannot be used")
    assert "(429)" in trouble(reach.why_not())


def test_an_unknown_trouble_keeps_its_name(learner, monkeypatch):
    monkeypatch.setattr(reach, "_problem", RuntimeError("no one knows"))
    assert in_short(reach.why_not()) == "the Hugging Face Hub cannot be used (RuntimeError)"


# A learner's afternoon in one process. MODE changes what the Hub does.
STORY = """
import shutil
from urllib.request import urlopen
import helpers
from helpers.start import costs

costs.expected_minutes = lambda profile, machine: 1.0
PROFILES["small"] = p

def mode(name):
    urlopen(f"{os.environ['HF_ENDPOINT']}/test/mode/{name}").close()

def act(title):
    print("#", title)
    return helpers.setup("auto")[0].name

mode("badtoken")
assert act("an old token") == "offline"
print(explained(data, p))
os.environ["HF_TOKEN"] = ""
assert act("no token") == "small"
tokenizer(p)
os.environ["HF_TOKEN"] = "hf_expired"
print("# expired in the middle")
print(explained(data, full))
print(explained(model, p))
os.environ["HF_TOKEN"] = ""
print("# fetched")
print(explained(data, p), explained(model, p))
mode("429")
assert act("a pause, but everything is here") == "small"
print(explained(data, p))
mode("")
assert act("all well again") == "small"
for flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
    os.environ[flag] = "1"
    assert act(f"full cache, {flag}") == "small"
    print(explained(data, p), explained(model, p))
    del os.environ[flag]
shutil.rmtree(subset_folder(p))
os.environ[flag] = "1"
assert act("half a cache") == "offline"
print(explained(data, p))
"""


def test_the_whole_way_from_a_refused_token_to_a_full_cache(hub, home):
    """datasets drops the cause of its error, and a full cache needs no Hub. Only real calls show both."""
    said = python(LINES + STORY, environment(hub.url, home))
    parts = dict(part.split("\n", 1) for part in said.split("# ")[1:])
    for title in ("an old token", "expired in the middle"):
        assert parts[title].count("refuses the token in HF_TOKEN") == 2, title
        assert "spelling" not in parts[title]
    assert "offline: the Hugging Face Hub cannot be used" in parts["an old token"]
    assert "Hub " not in parts["no token"].replace("Hugging Face Hub", ""), "no row more than ever"
    assert parts["fetched"].strip() == "no error no error"
    assert "downloaded earlier" in " ".join(parts["a pause, but everything is here"].split())
    assert parts["a pause, but everything is here"].strip().endswith("no error")
    for flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        assert parts[f"full cache, {flag}"].strip().endswith("no error no error")
        assert f"{flag} rules out the Hugging Face Hub" in " ".join(parts[f"full cache, {flag}"].split())
    assert "not in the cache, and HF_DATASETS_OFFLINE rules out" in parts["half a cache"]
    assert "unknown (" not in said and SECRET not in said
