import contextlib
import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dovela.errors import CheckpointError
from dovela.folder import MANIFEST, MANIFEST_TMP, STAGING, listing, reading, recover, resolve, save_files

CRASH = Path(__file__).parent / "support" / "crash.py"
OLD = {"config.json": b"old", "model.safetensors": b"old weights"}
NEW = {"config.json": b"new", "model.safetensors.index.json": b"new index", "model-00001-of-00001.safetensors": b"new"}


def read(folder: Path) -> dict[str, bytes]:
    return {name: resolve(folder, name).read_bytes() for name in listing(folder)}


def interrupt(folder: Path, monkeypatch: pytest.MonkeyPatch, when: str = "_publish") -> None:
    """Save NEW onto OLD, and stop after the commit as a killed process would."""
    save_files(folder, OLD)
    with monkeypatch.context() as patch:
        patch.setattr(f"dovela.folder.{when}", lambda folder: None)
        save_files(folder, NEW, remove=["model.safetensors"])


def crash(*arguments: object) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, CRASH, *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# A kill at any instant.


def test_a_save_killed_at_each_of_its_file_operations_leaves_the_old_set_or_the_new(tmp_path):
    report = crash("every", tmp_path, 1).splitlines()
    assert len(report) == 3  # onto nothing, onto one file, onto shards
    for line in report:  # every phase was met
        assert all(phase in line for phase in ("clean:old", "staging:old", "committed:new", "staging:new")), line


def test_two_hundred_kills_at_random_instants_leave_two_hundred_whole_checkpoints(tmp_path):
    assert crash("random", tmp_path, 200).startswith("200 kills: 200 whole checkpoints")


def test_savers_take_turns_and_a_reader_can_hold_them_off(tmp_path):
    assert "all whole" in crash("together", tmp_path, 20)


# What readers see, and what comes after.


def test_files_of_one_save_replace_those_of_another_and_all_else_survives(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "log").write_text("mine")
    (tmp_path / "pytorch_model.bin").write_text("mine")
    save_files(tmp_path, OLD)
    save_files(tmp_path, NEW, remove=["model.safetensors", "was never there"])
    assert read(tmp_path) == {**NEW, "pytorch_model.bin": b"mine"}
    assert (tmp_path / "runs" / "log").read_text() == "mine"
    assert not (tmp_path / STAGING).exists()


def test_a_committed_save_is_read_through_its_journal_and_finished_by_the_next(tmp_path, monkeypatch):
    interrupt(tmp_path, monkeypatch)
    assert (tmp_path / "config.json").read_bytes() == b"old"
    assert read(tmp_path) == NEW
    assert resolve(tmp_path, "model.safetensors") is None
    save_files(tmp_path, {"vocab.txt": b"v"})
    assert read(tmp_path) == {**NEW, "vocab.txt": b"v"}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {**NEW, "vocab.txt": b"v"}


def test_recover_shows_other_programs_what_dovela_sees(tmp_path, monkeypatch):
    interrupt(tmp_path, monkeypatch)
    recover(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == NEW


def test_an_uncommitted_save_means_nothing_and_the_next_one_clears_it_away(tmp_path):
    save_files(tmp_path, OLD)
    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING / "config.json").write_text("half")
    (tmp_path / STAGING / MANIFEST_TMP).write_text('{"files": ["config.json"], "removed": []}')
    assert read(tmp_path) == OLD
    save_files(tmp_path, {"vocab.txt": b"v"})
    assert read(tmp_path) == {**OLD, "vocab.txt": b"v"}
    assert not (tmp_path / STAGING).exists()


def test_the_current_folder_and_a_folder_that_does_not_exist_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_files(".", OLD)
    save_files("a/b", NEW)
    assert read(Path()) == OLD
    assert read(Path("a/b")) == NEW


def test_a_link_in_the_folder_is_replaced_and_its_target_kept(tmp_path):
    (tmp_path / "target").write_text("of others")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").symlink_to(tmp_path / "target")
    save_files(tmp_path / "folder", OLD)
    assert read(tmp_path / "folder") == OLD
    assert (tmp_path / "target").read_text() == "of others"


def test_a_file_may_be_called_manifest(tmp_path):
    save_files(tmp_path, {"manifest.json": b"{}", "manifest.tmp": b"full"})
    assert read(tmp_path) == {"manifest.json": b"{}", "manifest.tmp": b"full"}


def test_a_function_writes_its_file_itself(tmp_path):
    save_files(tmp_path, {"model.safetensors": lambda path: path.write_bytes(b"written")})
    assert read(tmp_path) == {"model.safetensors": b"written"}


# What cannot be written.


def untouched(folder: Path) -> bool:
    return read(folder) == OLD and not (folder / STAGING).exists()


def full_disk(path: Path) -> None:
    path.write_bytes(b"some of it")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_old_files_and_says_so(tmp_path):
    save_files(tmp_path, OLD)
    with pytest.raises(CheckpointError, match=r"No space left on device.*before is untouched\. Free some space"):
        save_files(tmp_path, {**NEW, "last": full_disk}, remove=["model.safetensors"])
    assert untouched(tmp_path)
    with pytest.raises(CheckpointError, match="No space left"):
        save_files(tmp_path / "fresh", {"config.json": full_disk})
    assert not (tmp_path / "fresh").exists()


def test_a_file_larger_than_may_be_written_is_the_same_error(tmp_path):
    save_files(tmp_path, OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(CheckpointError, match="File too large"):
            save_files(tmp_path, {**NEW, "model.safetensors": bytes(2 << 20)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert untouched(tmp_path)


def test_safetensors_own_error_for_a_full_disk_is_ours_too(tmp_path):
    class SafetensorError(Exception):
        pass

    def write(path: Path) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    save_files(tmp_path, OLD)
    with pytest.raises(CheckpointError, match=r"os error 28.*untouched"):
        save_files(tmp_path, {"model.safetensors": write})
    assert untouched(tmp_path)


def test_an_error_of_the_caller_passes_through_and_leaves_the_old_files(tmp_path):
    save_files(tmp_path, OLD)
    with pytest.raises(ZeroDivisionError):
        save_files(tmp_path, {**NEW, "last": lambda path: 1 // 0})
    assert untouched(tmp_path)


def test_a_failing_commit_leaves_the_old_files(tmp_path, monkeypatch):
    save_files(tmp_path, OLD)
    flushed = []

    def fsync(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        if (tmp_path / STAGING / MANIFEST).exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def rmtree(path: Path, *, ignore_errors: bool) -> None:
        assert not (path / MANIFEST).exists()  # it goes first: a kill in here must not leave it without its files
        remove_all(path, ignore_errors=ignore_errors)

    remove_all = shutil.rmtree
    monkeypatch.setattr("os.fsync", fsync)
    monkeypatch.setattr("shutil.rmtree", rmtree)
    with pytest.raises(CheckpointError, match=r"Input/output error.*untouched"):
        save_files(tmp_path, NEW)
    assert untouched(tmp_path)
    assert {path.name for path in flushed} >= {*NEW, MANIFEST_TMP, STAGING}


@pytest.fixture
def shared():
    """A folder with OLD that everybody may read, and that this process may not write while it is `nobody`."""
    with tempfile.TemporaryDirectory() as name:
        save_files(name, OLD)
        Path(name).chmod(0o555)
        yield Path(name)
        Path(name).chmod(0o755)


@contextlib.contextmanager
def nobody():
    """Without the rights of root, to whom no folder is closed."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_folder_that_may_not_be_written(shared):
    with nobody():
        with pytest.raises(CheckpointError, match=r"Permission denied.*untouched.*a folder that you may write to"):
            save_files(shared, NEW)
        with pytest.raises(CheckpointError, match=r"could not be written .Permission denied"):
            save_files(shared / "inner", NEW)
        with reading(shared):
            assert read(shared) == OLD
        recover(shared)
    assert untouched(shared)


def test_a_folder_that_may_not_be_read(shared):
    shared.chmod(0)
    uses = [resolve, lambda folder, name: listing(folder), lambda folder, name: recover(folder)]
    with nobody():
        for use in uses:
            with pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\)"):
                use(shared, "config.json")


def test_the_index_comes_last_for_a_variant_too(tmp_path, monkeypatch):
    order = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, target: (order.append(path.name), real(path, target)))
    index, shards = "model.safetensors.index.fp16.json", [f"model.fp16-0000{i}-of-00002.safetensors" for i in (1, 2)]
    save_files(tmp_path, dict.fromkeys([index, *shards, "config.json"], b""))
    assert order == [MANIFEST_TMP, *shards, "config.json", index]


@pytest.mark.parametrize("inside", ["", "under/it"])
def test_a_file_where_the_folder_should_be(tmp_path, inside):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match=r"is, or lies under, a file and not a folder\. Choose another folder"):
        save_files(tmp_path / "file" / inside, NEW)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_a_file_should_be(tmp_path):
    save_files(tmp_path, OLD)
    (tmp_path / "vocab.txt").mkdir()
    with pytest.raises(CheckpointError, match=r"vocab.txt: is a folder, where a file is to be written. Move it away"):
        save_files(tmp_path, {**NEW, "vocab.txt": b""})
    assert read(tmp_path) == OLD


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", STAGING, MANIFEST, "a\\b"])
def test_names_stay_in_the_folder(tmp_path, name):
    with pytest.raises(CheckpointError, match="is not the name of a file in this folder"):
        save_files(tmp_path, {name: b""})
    with pytest.raises(CheckpointError, match="is not the name of a file in this folder"):
        save_files(tmp_path, OLD, remove=[name])


def test_a_rename_that_fails_after_the_commit_says_that_the_new_files_count(tmp_path, monkeypatch):
    save_files(tmp_path, OLD)
    real = Path.replace

    def replace(path: Path, target: Path) -> None:
        if Path(target).parent == tmp_path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(CheckpointError, match=r"new files are complete.*Input/output error.*the next save"):
        save_files(tmp_path, NEW, remove=["model.safetensors"])
    monkeypatch.undo()
    assert read(tmp_path) == NEW


@pytest.mark.parametrize(
    "manifest",
    [
        b"{",
        b"[]",
        b'{"files": []}',
        b'{"files": ["../../etc/passwd"], "removed": []}',
        b'{"files": [], "removed": ["/etc/passwd"]}',
        b'{"files": [3], "removed": []}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_journal_that_dovela_did_not_write_is_refused(tmp_path, manifest):
    save_files(tmp_path, OLD)
    (tmp_path / STAGING).mkdir()
    (tmp_path / STAGING / MANIFEST).write_bytes(manifest)
    for use in (lambda: resolve(tmp_path, "config.json"), lambda: save_files(tmp_path, NEW), lambda: recover(tmp_path)):
        with pytest.raises(CheckpointError, match=r"save.json: is not the record of a save .* Delete"):
            use()
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == set(OLD)


def test_a_journal_behind_a_link_is_refused(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / MANIFEST).write_text(json.dumps({"files": ["config.json"], "removed": []}))
    (elsewhere / "config.json").write_text("not ours")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / STAGING).symlink_to(elsewhere)
    with pytest.raises(CheckpointError, match="is not the record of a save"):
        resolve(tmp_path / "folder", "config.json")
    assert (elsewhere / "config.json").exists()


def test_where_folders_cannot_be_locked_saving_works(tmp_path, monkeypatch):
    def flock(descriptor: int, mode: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    save_files(tmp_path, OLD)
    assert read(tmp_path) == OLD
    monkeypatch.setattr("dovela.disk.CAN_LOCK", False)
    save_files(tmp_path, NEW, remove=["model.safetensors"])
    assert read(tmp_path) == NEW


def test_the_module_needs_nothing_but_the_standard_library():
    code = "import sys, dovela.folder, dovela.checkpoint, dovela.hub\n"
    code += "print({'numpy', 'torch', 'huggingface_hub'} & set(sys.modules))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True).strip() == "set()"
