"""Protects a learner's machine: no eval, no pickle, no open JupyterLab, no printed token."""

import ast
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from notebook_files import NOTEBOOKS, ROOT, code_cells

pytestmark = pytest.mark.faults

PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
SECRETS = {"environ", "getenv", "get_token", "HfFolder", "notebook_login"}
KEYWORDS = {
    "shell": True,
    "trust_remote_code": True,
    "verify": False,
    "verify_ssl": False,
    "check_hostname": False,
    "allow_pickle": True,
}
UNVERIFIED = {"_create_unverified_context", "CERT_NONE", "disable_warnings"}
NO_TOKEN = re.compile(
    r"""token\s*=\s*(''|""|\s|$)|allow_origin|allow_remote_access|disable_check_xsrf|password\s*=|--ip\b|0\.0\.0\.0""",
    re.MULTILINE,
)


def sources():
    """Yield name and Python code of everything that runs on a learner's machine."""
    files = [*(ROOT / "helpers").rglob("*.py"), *(ROOT / "binder").glob("*.py")]
    yield from ((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files)
    yield from ((f"{path.name}:{cell.id}", cell.source) for path in NOTEBOOKS for cell in code_cells(path))


def findings(source: str) -> list[str]:
    """Find what in this Python would be dangerous.

    That is: run foreign code, trust a server blindly, open a port to the network, or print a secret.
    """
    return [
        f"line {node.lineno}: {found}" for node in ast.walk(ast.parse(source)) if (found := _wrong_with(node))
    ]


def _wrong_with(node: ast.AST) -> str | None:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        return next((f"import of {name}" for name in names if name.partition(".")[0] in PICKLES), None)
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "0.0.0.0" in node.value:
        return "an address that the whole network reaches"
    if isinstance(node, ast.Attribute) and node.attr in UNVERIFIED:
        return node.attr
    return _wrong_call(node) if isinstance(node, ast.Call) else None


def _wrong_call(call: ast.Call) -> str | None:
    name = ast.unparse(call.func)
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
    if name in {"eval", "exec", "compile", "__import__"} | SHELLS or name.endswith("read_pickle"):
        return name
    if name == "torch.load" and given.get("weights_only") is not True:
        return "torch.load without weights_only=True"
    if name == "print" and any(
        getattr(part, "attr", getattr(part, "id", None)) in SECRETS for part in ast.walk(call)
    ):
        return "print of the environment or a token"
    return next(
        (f"{keyword}={value}" for keyword, value in KEYWORDS.items() if given.get(keyword) is value), None
    )


BAD = """eval(text)
exec(text)
__import__(name)
os.system(command)
subprocess.run(command, shell=True)
import pickle
from joblib import load
pandas.read_pickle(path)
np.load(path, allow_pickle=True)
torch.load(path)
torch.load(path, weights_only=False)
AutoModel.from_pretrained(name, trust_remote_code=True)
requests.get(url, verify=False)
ssl._create_unverified_context()
context.verify_mode = ssl.CERT_NONE
server.bind(("0.0.0.0", 80))
print(os.environ["HF_TOKEN"])
print(f"logged in as {get_token()}")""".splitlines()
GOOD = (
    "model.eval()\ntorch.load(path, weights_only=True)\nsubprocess.run([sys.executable, '-m', 'pip'],"
    " check=True)\nprint('trust_remote_code')"
)


@pytest.mark.parametrize("line", BAD)
def test_each_of_these_lines_would_be_found(line):
    """A search that finds nothing proves nothing."""
    assert len(findings(line)) == 1


def test_harmless_lines_are_not_found():
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("name", "source"), [pytest.param(name, source, id=name) for name, source in sources()]
)
def test_no_code_runs_what_it_was_given_or_opens_a_door(name, source):
    assert findings(source) == []


def _commands() -> dict[str, str]:
    """Find everything that starts a server or tells how to.

    That is: README's blocks, Binder's scripts, and server settings if there ever are any.
    """
    blocks = re.findall(
        r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    files = [path for path in (ROOT / "binder").iterdir() if path.is_file()] + [*ROOT.glob("jupyter*config*")]
    return {"README.md": "\n".join(blocks)} | {path.name: path.read_text(encoding="utf-8") for path in files}


def test_nothing_switches_jupyters_token_off():
    assert NO_TOKEN.search("jupyter lab --ServerApp.token='' x") and NO_TOKEN.search(
        "jupyter lab --IdentityProvider.token="
    )
    assert {
        name: found.group() for name, text in _commands().items() if (found := NO_TOKEN.search(text))
    } == {}


def _answer(url: str) -> tuple[int, str]:
    """Return the status and the final address."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, response.url
    except urllib.error.HTTPError as error:
        return error.code, url


def _port_is_open(port: int, process: subprocess.Popen) -> bool:
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


def test_jupyterlab_started_as_the_readme_says_wants_its_token(tmp_path):
    """Without the token, any page in the same browser and anyone on the machine could run code as the
    learner.
    """
    options = re.search(r"jupyter lab (.*)", _commands()["README.md"])[1].split()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    env = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"} | folders
    command = [sys.executable, "-m", "jupyterlab", *options, "--no-browser", "--allow-root", f"--port={port}"]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT)
    try:
        assert _port_is_open(port, process), (tmp_path / "log").read_text()
        assert _answer(f"http://127.0.0.1:{port}/api/contents")[0] == 403
        assert _answer(f"http://127.0.0.1:{port}/api/kernels?token=")[0] == 403
        assert "/login" in _answer(f"http://127.0.0.1:{port}/lab")[1]
        token = re.search(r"\?token=([0-9a-f]{32,})", (tmp_path / "log").read_text())[1]
        assert _answer(f"http://127.0.0.1:{port}/api/contents?token={token}")[0] == 200, (
            "else the refusals above mean nothing"
        )
    finally:
        process.terminate()
        process.wait(20)


def test_the_setup_cell_prints_no_token():
    """Learners copy its table into questions and screenshots."""
    secret = "hf_secretsecret"
    env = os.environ | {"HF_TOKEN": secret, "HUGGING_FACE_HUB_TOKEN": secret, "FINETUNE_PROFILE": "offline"}
    code = "import helpers; helpers.setup(); import helpers.machine as e; print(e.detect_machine())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert "Profile   offline" in done.stdout and secret not in done.stdout + done.stderr
