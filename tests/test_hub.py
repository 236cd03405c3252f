import fcntl
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dovela.errors import CheckpointError
from dovela.folder import STAGING, save_files
from dovela.hub import OPTIONS, push_saved, push_to_hub, source, split_options
from hub_server import TOKEN, HubServer

NAME = "distilbert/distilbert-base-uncased"
FILES = {"config.json": b'{"model_type": "distilbert"}', "model.safetensors": b"w" * 300_000, "sub/config.json": b"{}"}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        path = tmp_path / "served" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "served"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def hub(folder, cache, monkeypatch):
    with HubServer() as server:
        server.add(NAME, folder, revisions=("main", "v1"))
        server.use(monkeypatch, cache)
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's retries
        yield server


def half_written(cache: Path) -> list[Path]:
    return list(cache.rglob("*.incomplete"))


def downloads(hub: HubServer) -> int:
    return sum(request.startswith("GET") and "/resolve/" in request for request in hub.requests)


# A folder.


def test_a_folder_is_its_files(folder):
    src = source(folder)
    assert src.is_local
    assert src.label == str(folder)
    assert src.find("config.json") == folder / "config.json"
    assert src.find("vocab.txt") is None
    assert src.names() == ["config.json", "model.safetensors"]
    assert source(str(folder), subfolder="sub").require("config.json").read_bytes() == b"{}"


def test_a_folder_after_a_save_that_was_cut_short(tmp_path, monkeypatch):
    save_files(tmp_path, {"config.json": b"old", "vocab.txt": b""})
    monkeypatch.setattr("dovela.folder._publish", lambda folder: None)
    save_files(tmp_path, {"config.json": b"new"}, remove=["vocab.txt"])
    src = source(tmp_path)
    assert src.require("config.json").read_bytes() == b"new"
    assert src.find("vocab.txt") is None
    assert src.names() == ["config.json"]


def test_a_missing_file_lists_what_is_there(folder, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"served: has no file 'vocab.txt' \(it has config.json, model.safetensors"
    ):
        source(folder).require("vocab.txt")
    with pytest.raises(CheckpointError, match=r"has no subfolder 'onnx' \(it has config.json"):
        source(folder, subfolder="onnx")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"empty: has no file 'x'$"):
        source(tmp_path / "empty").require("x")


@pytest.mark.parametrize("name", ["./x", "/no/x", "a/b/c", "x/", "a/b/", "../x", "~/no/such", "", Path("org/model")])
def test_what_looks_like_a_path_is_never_asked_of_the_hub(name, hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"there is no such folder \(looked in .*'org/model'"):
        source(name)
    assert hub.requests == []


def test_a_file_is_not_a_source(folder):
    with pytest.raises(CheckpointError, match="is a file, where a folder or a name on the hub is expected"):
        source(folder / "config.json")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\b", "C:\\x", "", ".", "a\0"])
def test_file_names_stay_inside(name, folder, hub):
    for src in (source(folder), source(NAME)):
        with pytest.raises(CheckpointError, match="would lie outside of it"):
            src.find(name)
    if name:
        with pytest.raises(CheckpointError, match="would lie outside of it"):
            source(NAME, subfolder=name)
    assert hub.requests == []


def test_a_link_in_a_folder_is_followed(folder, tmp_path):
    (tmp_path / "elsewhere").write_text("x")
    (folder / "link.json").symlink_to(tmp_path / "elsewhere")
    assert source(folder).require("link.json").read_text() == "x"


def test_while_reading_no_save_gets_in(folder, hub):
    with source(folder).reading():
        descriptor = os.open(folder, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    with source(NAME).reading():
        pass


# A name on the hub.


def test_a_name_is_downloaded_once_and_then_found_in_the_cache(hub, cache):
    src = source(NAME)
    assert not src.is_local
    assert src.label == NAME
    assert src.require("config.json").read_bytes() == FILES["config.json"]
    assert src.require("model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert src.find("vocab.txt") is None
    assert downloads(hub) == 2
    asked = len(hub.requests)
    assert src.find("config.json")
    assert src.find("vocab.txt") is None
    assert len(hub.requests) == asked  # known to this source
    assert source(NAME).require("model.safetensors").is_relative_to(cache)
    assert downloads(hub) == 2
    assert source(NAME, force_download=True).find("config.json")
    assert downloads(hub) == 3


def test_all_files_come_from_the_commit_of_the_first(hub, folder):
    src = source(NAME)
    first = src.require("config.json")
    commit = hub.repos[NAME].commit
    assert first.parent.name == commit
    src.find("model.safetensors")
    assert f"GET /{NAME}/resolve/{commit}/model.safetensors" in hub.requests


def test_subfolder_revision_and_cache_dir(hub, tmp_path):
    src = source(NAME, subfolder="sub", revision="v1", cache_dir=tmp_path / "other")
    assert src.label == f"{NAME}/sub"
    assert src.names() == ["config.json"]
    path = src.require("config.json")
    assert path.read_bytes() == b"{}"
    assert path.is_relative_to(tmp_path / "other")
    with pytest.raises(CheckpointError, match=r"/sub: has no file 'x' \(it has config.json\)"):
        src.require("x")


def test_offline_everything_comes_from_the_cache(hub, cache, monkeypatch):
    src = source(NAME)
    src.require("config.json")
    assert src.find("vocab.txt") is None
    hub.requests.clear()
    again = source(NAME, local_files_only=True)
    assert again.label == f"{NAME} (offline, from the cache)"
    assert again.require("config.json").read_bytes() == FILES["config.json"]
    assert again.find("vocab.txt") is None
    assert again.names() == ["config.json"]
    with pytest.raises(
        CheckpointError, match=r"offline, from the cache\): has no file 'model.safetensors' \(it has config"
    ):
        again.require("model.safetensors")
    with pytest.raises(
        CheckpointError, match=r"config.json is not in the cache.*Load it once with local_files_only=False"
    ):
        source("org/other", local_files_only=True).find("config.json")
    with pytest.raises(CheckpointError, match="not in the cache"):
        source(NAME, revision="v2", local_files_only=True).find("config.json")
    assert hub.requests == []


CHILD = """
import json, sys
from dovela.errors import CheckpointError
from dovela.hub import source
answers = []
for name in sys.argv[1:]:
    try:
        src = source(name)
        answers.append([src.require("config.json").read_text(), src.find("vocab.txt") is None])
    except CheckpointError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


def test_the_environment_decides_in_a_process_of_its_own(hub, cache):
    def run(**more: str) -> list:
        env = hub.env(cache, PYTHONPATH=os.pathsep.join(filter(None, sys.path)), **more)
        command = [sys.executable, "-c", CHILD, NAME, "org/absent"]
        return json.loads(subprocess.check_output(command, env=env, text=True, timeout=120))

    found, absent = run()
    assert found == [FILES["config.json"].decode(), True]
    assert "org/absent: there is no such name on http://127.0.0.1" in absent
    hub.requests.clear()
    found, absent = run(HF_HUB_OFFLINE="1")
    assert found == [FILES["config.json"].decode(), True]
    assert "cannot be fetched: offline mode is on, it is not in the cache, and there is no folder" in absent
    assert hub.requests == []


# What goes wrong on a hub.


def test_a_name_that_does_not_exist(hub):
    with pytest.raises(CheckpointError) as caught:
        source("org/modle").find("config.json")
    message = str(caught.value)
    assert f"org/modle: there is no such name on {hub.endpoint}, or it is private; and there is no folder" in message
    assert "Check the spelling; for a private one log in with `hf auth login`, or pass token=…" in message


def test_a_name_that_no_hub_can_have(hub):
    with pytest.raises(CheckpointError, match=r"neither a folder here nor a name that a hub can have.*'org/model'"):
        source("a model?").find("config.json")
    assert hub.requests == []


def test_gated_and_private_names_need_a_token(hub, folder):
    hub.add("org/gated", folder, gated=True)
    hub.add("org/private", folder, private=True)
    with pytest.raises(CheckpointError, match=r"org/gated: is gated .* Accept its terms at .*/org/gated, then log in"):
        source("org/gated").find("config.json")
    with pytest.raises(CheckpointError, match=r"no such name .*, or it is private"):
        source("org/private").find("config.json")
    for name in ("org/gated", "org/private"):
        assert source(name, token=TOKEN).require("config.json").read_bytes() == FILES["config.json"]


def test_a_revision_that_does_not_exist(hub):
    with pytest.raises(CheckpointError, match=r"has no revision 'v9'.*listed at .*/tree/main"):
        source(NAME, revision="v9").find("config.json")


def test_a_connection_dropped_midway(hub, cache):
    hub.fault("model.safetensors", "drop")
    src = source(NAME)
    src.require("config.json")
    with pytest.raises(CheckpointError, match=r"the connection to .* was lost while model.safetensors .*try again"):
        src.find("model.safetensors")
    assert half_written(cache) == []
    hub.fault("model.safetensors", None)
    assert src.require("model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_truncated_download(hub, cache):
    hub.fault("model.safetensors", "truncate")
    with pytest.raises(
        CheckpointError, match=r"download of model.safetensors was cut short: .*300000.*Nothing of it was"
    ):
        source(NAME).find("model.safetensors")
    assert half_written(cache) == []
    hub.fault("model.safetensors", None)
    assert source(NAME).require("model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_failing_hub(hub, cache):
    hub.fault("config.json", "error")
    with pytest.raises(CheckpointError, match=r"answered config.json with HTTP status 500\. Try again later"):
        source(NAME).find("config.json")


def test_no_network_takes_what_is_cached_and_else_says_so(hub, cache):
    source(NAME).require("config.json")
    hub.stop()
    assert source(NAME).require("config.json").read_bytes() == FILES["config.json"]
    with pytest.raises(
        CheckpointError, match=r"cannot be reached, and model.safetensors is not in the cache.*the network"
    ):
        source(NAME).find("model.safetensors")
    assert half_written(cache) == []


def test_a_hub_without_an_address_is_given_up_at_once(hub, cache, monkeypatch):
    source(NAME).require("config.json")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://no-such-host.invalid")
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", None)  # it is not even asked
    assert source(NAME).require("config.json").read_bytes() == FILES["config.json"]
    for name, options in (("org/absent", {}), (NAME, {"force_download": True})):
        with pytest.raises(CheckpointError, match=r"http://no-such-host.invalid cannot be reached, and config.json is"):
            source(name, **options).find("config.json")


def test_offline_nothing_can_be_downloaded_anew(hub):
    with pytest.raises(CheckpointError, match="local_files_only and force_download contradict each other"):
        source(NAME, local_files_only=True, force_download=True)


def test_another_process_s_download_is_left_alone(hub, cache):
    from filelock import FileLock

    source(NAME).require("config.json")
    (blobs,) = cache.glob("models--*/blobs")
    locks = cache / ".locks" / blobs.parent.name
    hub.fault("model.safetensors", "truncate")
    real = source(NAME)._half_written()
    assert real == {}
    with FileLock(locks / "abc.lock"):
        src = source(NAME)
        started = src._half_written()
        (blobs / "abc.incomplete").write_text("theirs")
        (blobs / "def.incomplete").write_text("ours")
        src._sweep(started)
    assert half_written(cache) == [blobs / "abc.incomplete"]


# Uploading.


def test_a_folder_is_pushed_and_comes_back(hub, folder, tmp_path, monkeypatch):
    hub.add("me/mine", tmp_path / "remote")
    (tmp_path / "remote").mkdir()
    with monkeypatch.context() as patch:  # a save that was cut short is finished first
        patch.setattr("dovela.folder._publish", lambda folder: None)
        save_files(folder, {"config.json": b'{"model_type": "bert"}', "vocab.txt": b"v"})
    url = push_to_hub(folder, "me/mine", token=TOKEN, private=False)
    assert url.startswith(f"{hub.endpoint}/me/mine/commit/")
    assert not (tmp_path / "remote" / STAGING).exists()
    src = source("me/mine")
    assert src.names() == ["config.json", "model.safetensors", "sub/config.json", "vocab.txt"]
    assert src.require("config.json").read_bytes() == b'{"model_type": "bert"}'


def test_uploads_that_cannot_be(hub, folder, tmp_path):
    with pytest.raises(CheckpointError, match="there is no such folder to upload"):
        push_to_hub(tmp_path / "none", "me/mine")
    with pytest.raises(CheckpointError, match=r"HTTP status 401\. Log in with `hf auth login`, or pass token"):
        push_to_hub(folder, "me/mine", token="hf_wrong")
    with pytest.raises(CheckpointError, match=r"answered the upload with HTTP status 403\. Log in"):
        push_to_hub(folder, "others/theirs", token=TOKEN)
    hub.stop()
    with pytest.raises(CheckpointError, match=r"the connection to .* was lost while the upload"):
        push_to_hub(folder, "me/mine", token=TOKEN)


class Saved:
    def save_pretrained(self, folder) -> None:
        (Path(folder) / "config.json").write_text("saved")


def test_what_can_be_saved_can_be_pushed(hub, tmp_path):
    (tmp_path / "remote").mkdir()
    hub.add("me/mine", tmp_path / "remote")
    push_saved(Saved(), "me/mine", token=TOKEN, commit_message="First")
    assert {path.name for path in (tmp_path / "remote").iterdir()} == {"config.json"}


def test_arguments_of_source_are_told_from_others():
    given = {"revision": "v1", "dim": 3, "token": None}
    assert split_options(given) == ({"revision": "v1", "token": None}, {"dim": 3})
    assert given.keys() == {"revision", "dim", "token"}
    assert set(inspect.signature(source).parameters) - {"name_or_path"} == OPTIONS
