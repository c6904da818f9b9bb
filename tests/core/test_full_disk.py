"""A disk that is full, may not be written or loses its power: said in one line, nothing lost."""

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from unlearn_core.cli.main import main
from unlearn_core.engine.pipeline import execute, validate
from unlearn_core.jobs import JobQueue, run_job
from unlearn_core.runs import status, writer
from unlearn_core.runs.faults import DiskError
from unlearn_core.runs.store import Store
from unlearn_core.runs.writer import RunWriter

KEPT = ["config.json", "log.txt", "status.json"]
LARGE = 100_000  # bytes that the full disk of these tests has no room for


@pytest.fixture
def config(tiny):
    return validate(replace(tiny, method="neggrad", settings={"epochs": 1}))


@pytest.fixture
def made(store, config, comparison, no_maps):
    """A store that holds what the run needs."""
    for name in ("base", "retrain"):
        key = comparison.runs[name].key
        shutil.copytree(comparison.store.runs / key, store.runs / key)
    return store


def full(number=errno.ENOSPC):
    def raise_it(*_, **__):
        raise OSError(number, os.strerror(number))

    return raise_it


def assert_failed(store, config, message):
    [found] = store.statuses()
    assert (found.key, found.state) == (config.key(), "failed")
    assert message in found.message
    assert sorted(path.name for path in (store.work / config.key()).iterdir()) == KEPT
    assert found.message in store.log(config.key())
    assert [fault for key in store.list() for fault in store.verify(key)] == []


@pytest.mark.parametrize("name", ["tensors", "arrays", "table", "live", "json", "log"])
def test_a_disk_that_fills_up_fails_the_run_with_its_name_and_retry_works(
    made, config, monkeypatch, name
):
    """Writing fails for as long as what was written before lies there, the log included."""
    write = getattr(RunWriter, name)

    def fail_while_it_is_large(self, *arguments):
        if sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) > LARGE:
            full()()
        write(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, name, fail_while_it_is_large)
        if name in ("tensors", "live", "log"):  # nothing large comes before these
            patch.setattr("unlearn_core.engine.making.Making._draw", lambda *_: full()())
        with pytest.raises(DiskError, match=r"No space left on the disk of .*cache: .* free"):
            execute(config, store=made, device="cpu")
    assert_failed(made, config, f"No space left on the disk of {made.root}: ")
    assert execute(config, store=made, device="cpu").key == config.key()
    assert made.statuses() == []


@pytest.mark.parametrize("step", ["describe_file", "_flush_folder"])
def test_a_disk_that_fills_up_at_the_very_end_leaves_no_half_run(made, config, monkeypatch, step):
    with monkeypatch.context() as patch:
        patch.setattr(writer, step, full())
        with pytest.raises(DiskError):
            execute(config, store=made, device="cpu")
    assert not made.exists(config.key())
    assert_failed(made, config, "No space left")
    assert made.requested(config.key()) == config  # so that it can be retried


def test_a_rename_that_fails_keeps_the_request(made, config, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.rename", full())
        with pytest.raises(DiskError):
            execute(config, store=made, device="cpu")
    assert_failed(made, config, "No space left")
    assert made.requested(config.key()) == config


def test_what_cannot_be_said_does_not_stop_what_can(store, config, monkeypatch):
    made = store.begin(config)
    made.arrays("arrays.safetensors", {})
    monkeypatch.setattr(made, "log", full())
    made.fail("failed", "no room", "more")
    assert store.statuses()[0].message == "no room"
    monkeypatch.setattr(made, "update", full())
    made.fail("failed", "again")
    assert sorted(path.name for path in made.folder.iterdir()) == ["config.json", "status.json"]


def test_a_disk_that_is_full_before_the_run_begins_is_said_by_the_job(store, config, monkeypatch):
    store.enqueue(config)
    monkeypatch.setattr("unlearn_core.jobs._use_own_gpu", lambda: None)
    monkeypatch.setattr(Store, "lock", full(errno.EROFS))
    with pytest.raises(DiskError, match="can only be read"):
        run_job(config.to_dict(), str(store.root), "cpu", 1, False, False)
    [found] = store.statuses()
    assert (found.state, found.message) == ("failed", f"The disk of {store.root} can only be read.")


def test_a_fault_before_the_run_begins_has_its_traceback_in_the_log(store, config, monkeypatch):
    def trip(*_):
        raise KeyError("x")

    store.enqueue(config)
    monkeypatch.setattr("unlearn_core.jobs._use_own_gpu", lambda: None)
    monkeypatch.setattr("unlearn_core.engine.pipeline.validate", trip)
    with pytest.raises(KeyError):
        run_job(config.to_dict(), str(store.root), "cpu", 1, False, False)
    assert store.statuses()[0].message.startswith("KeyError: 'x' (a fault of this program")
    assert "in trip" in store.log(config.key())


def test_of_a_launch_that_cannot_be_written_down_nothing_is_left(store, config, monkeypatch):
    write, calls = status.write_status, []

    def second_fails(folder, what):
        calls.append(what.key)
        (full() if len(calls) == 2 else write)(folder, what)

    monkeypatch.setattr("unlearn_core.runs.writer.write_status", second_fails)
    with pytest.raises(OSError, match="No space left"):
        JobQueue(store).submit([config])
    assert len(calls) == 2
    assert list(store.work.iterdir()) == []


def test_a_run_is_on_the_disk_before_it_is_visible(store, config, monkeypatch):
    """Power may be lost at any moment: what is listed must be whole."""
    events = []
    fsync = os.fsync

    def note(handle):
        events.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    made = store.begin(config)
    made.json("metrics.json", {"values": {}})
    made.arrays("frames/1.safetensors", {})
    monkeypatch.setattr(os, "fsync", note)
    rename = type(made.folder).rename
    monkeypatch.setattr(
        type(made.folder), "rename", lambda *a: (events.append("rename"), rename(*a))[1]
    )
    made.commit(store.runs, {})
    before, after = events[: events.index("rename")], events[events.index("rename") + 1 :]
    names = ("metrics.json", "frames/1.safetensors", "manifest.json", "frames", "")
    assert {str(made.folder / name) for name in names} <= set(before)
    assert after == [str(store.runs)]


def test_what_a_run_ended_with_survives_a_power_loss_and_its_progress_costs_nothing(
    store, config, monkeypatch
):
    flushed = []
    monkeypatch.setattr(status, "flush", flushed.append)
    made = store.begin(config)
    assert flushed
    flushed.clear()
    made.update(state="running", step=1)
    made.update(step=2)
    assert flushed == []
    made.update(state="failed", message="x")
    assert len(flushed) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount the small disk that is filled")
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip(
            "the system, such as a container, lets nobody mount the small disk that is filled"
        )
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place, left):
    with (place / "filler").open("wb") as file:
        file.write(bytes(shutil.disk_usage(place).free - left))


COMMAND = ["compare", "--forget-class", "3", "--methods", "retrain", "--train-examples", "200"]
COMMAND += ["--epochs", "1", "--width", "4", "--quiet", "--device", "cpu"]


@pytest.mark.parametrize("left", [0, 50_000, 300_000])
def test_a_small_disk_that_is_full_is_one_line_and_the_same_command_works_later(
    small_disk, monkeypatch, capsys, no_maps, left
):
    monkeypatch.setenv("UNLEARN_CACHE", str(small_disk / "cache"))
    fill(small_disk, left)
    assert main(COMMAND) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: No space left on the disk of {small_disk / 'cache'}: ")
    assert error.count("\n") == 1
    work = small_disk / "cache" / "work"
    left_over = [path for path in work.rglob("*") if path.is_file()] if work.exists() else []
    assert sum(path.stat().st_size for path in left_over) < 10_000
    store = Store(small_disk / "cache")
    assert store.list() == []
    if left:
        assert store.statuses()[0].state == "failed"
        assert "No space left" in store.log(store.statuses()[0].key)
    (small_disk / "filler").unlink()
    assert main(COMMAND) == 0
    assert main(["verify"]) == 0


def test_a_disk_that_can_only_be_read_is_one_line(small_disk, monkeypatch, capsys):
    monkeypatch.setenv("UNLEARN_CACHE", str(small_disk / "cache"))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert main(COMMAND) == 1
    expected = f"error: The disk of {small_disk / 'cache'} can only be read.\n"
    assert capsys.readouterr().err == expected
