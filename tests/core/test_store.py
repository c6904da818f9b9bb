"""The store: what is listed is whole, and everything else says what is wrong with it."""

import json
import os
import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from unlearn_core.runs.artefact import (
    MANIFEST,
    CorruptRunError,
    OtherVersionError,
    RunNotFoundError,
)
from unlearn_core.runs.manifest import read_manifest
from unlearn_core.runs.status import STATUS, Status, read_status
from unlearn_core.runs.store import Store, default_root
from unlearn_core.runs.writer import CONFIG


def make_run(store, config, *, number=1.0):
    """Commit a small finished run and return its key."""
    with store.lock(config.key()):
        writer = store.begin(config)
        writer.update(state="running")
        writer.arrays("arrays.safetensors", {"a": np.full(3, number)})
        writer.arrays("frames/000002.safetensors", {"features": np.ones((2, 2), np.float32)})
        writer.table("history.parquet", pd.DataFrame({"step": [1, 2]}))
        writer.json("metrics.json", {"values": {"x": number}, "reasons": {}, "layers": []})
        writer.log("made by a test")
        writer.live({"step": 1})
        writer.commit(store.runs, {"steps": 2, "environment": {}})
    return config.key()


@pytest.fixture
def key(store, tiny):
    return make_run(store, tiny)


def test_a_finished_run_is_read_back_as_it_was_written(store, tiny, key):
    run = store.load(key)
    assert store.list() == [key]
    assert store.exists(key)
    assert store.verify(key) == []
    assert run.key == key
    assert run.config == tiny
    assert run.manifest["steps"] == 2
    assert (run.arrays("arrays.safetensors")["a"] == 1).all()
    assert list(run.frames()) == [2]
    assert list(run.history()["step"]) == [1, 2]
    assert run.metrics()["values"] == {"x": 1.0}
    assert store.log(key) == "made by a test\n"
    assert not store.statuses()
    assert sorted(p.name for p in run.folder.iterdir()) == sorted(
        [MANIFEST, "arrays.safetensors", "frames", "history.parquet", "log.txt", "metrics.json"]
    )


def test_a_missing_run_is_not_found_under_its_key(store):
    with pytest.raises(RunNotFoundError, match="no finished run 0123456789abcdef"):
        store.load("0123456789abcdef")
    assert not store.exists("0123456789abcdef")
    assert store.list() == []


def test_a_truncated_file_is_named_when_the_run_is_opened(store, key):
    path = store.runs / key / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptRunError, match=r"arrays\.safetensors has .* the manifest says"):
        store.load(key)
    assert "arrays.safetensors" in store.verify(key)[0]


def test_a_missing_file_is_named_when_the_run_is_opened(store, key):
    (store.runs / key / "frames" / "000002.safetensors").unlink()
    with pytest.raises(CorruptRunError, match=r"000002\.safetensors is missing"):
        store.load(key)
    assert len(store.verify(key)) == 1


def test_a_changed_byte_is_found_when_the_file_is_read_and_by_verify(store, key):
    path = store.runs / key / "arrays.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    run = store.load(key)
    with pytest.raises(CorruptRunError, match=r"arrays\.safetensors has changed"):
        run.arrays("arrays.safetensors")
    assert [line for line in store.verify(key) if "arrays.safetensors has changed" in line]
    assert len(store.verify(key)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"7", b"\xff\x00", b"[" * 100_000, b'{"config": 1']
)
def test_a_broken_manifest_is_named(store, key, content):
    (store.runs / key / MANIFEST).write_bytes(content)
    with pytest.raises(CorruptRunError, match=r"manifest\.json has changed since it was written"):
        store.load(key)
    assert len(store.verify(key)) == 1


def test_every_changed_bit_of_a_manifest_is_reported(store, key):
    path = store.runs / key / MANIFEST
    whole = path.read_bytes()
    missed = []
    for bit in range(len(whole) * 8):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        try:
            read_manifest(path)
        except CorruptRunError as error:
            if str(path) in str(error):
                continue
        missed.append(bit)
    assert missed == []
    path.write_bytes(whole + b"\n")
    assert [fault for fault in store.verify(key) if str(path) in fault]
    path.write_bytes(whole)
    assert store.verify(key) == []


def test_a_run_of_an_older_version_is_told_apart_from_a_damaged_one(store, tiny, key):
    old = {"config": tiny.to_dict(), "label": "Original", "files": {}}
    (store.runs / key / MANIFEST).write_text(json.dumps(old))
    with pytest.raises(OtherVersionError, match=r"manifest\.json is of schema before 4"):
        store.load(key)


@pytest.mark.parametrize("object_", ["folder", "fifo", "link to nowhere", "unreadable"])
def test_verify_survives_any_object_in_place_of_a_file_and_names_it(store, key, object_):
    for name in (MANIFEST, "metrics.json"):
        path = store.runs / key / name
        content = path.read_bytes()
        path.unlink()
        put(path, object_)
        if name == MANIFEST and object_ in ("link to nowhere", "folder", "fifo"):
            assert key in store.leftovers()
        else:
            assert [fault for fault in store.verify(key) if str(path) in fault]
        path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(content)
    assert store.verify(key) == []


def put(path, object_):
    if object_ == "folder":
        path.mkdir()
    elif object_ == "fifo":
        os.mkfifo(path)
    elif object_ == "unreadable":
        path.write_bytes(b"")
    else:
        path.symlink_to("/nowhere/at/all")


def test_a_damaged_manifest_still_tells_what_the_run_was_asked_to_be(store, tiny, key):
    path = store.runs / key / MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"steps": 2,', b'"steps": 3,'))
    assert store.damaged_config(key) == tiny
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 7'))
    assert store.damaged_config(key) is None  # not the run that the folder is called by


def test_a_run_under_anothers_key_is_found_by_verify(store, tiny, key):
    other = replace(tiny, seed=1).key()
    (store.runs / key).rename(store.runs / other)
    (fault,) = store.verify(other)
    assert key in fault


def test_a_file_that_the_run_does_not_hold_is_named(store, key):
    with pytest.raises(CorruptRunError, match=f"The run {key} holds no model.safetensors"):
        store.load(key).weights()


def test_a_run_without_metrics_has_empty_ones(store, tiny):
    with store.lock(tiny.key()):
        writer = store.begin(tiny)
        writer.commit(store.runs, {})
    assert store.load(tiny.key()).metrics() == {"values": {}, "reasons": {}, "layers": []}


def test_nan_is_refused_in_json_because_missing_has_a_reason(store, tiny):
    writer = store.begin(tiny)
    with pytest.raises(ValueError, match="JSON compliant"):
        writer.json("metrics.json", {"x": float("nan")})


def test_a_folder_without_a_manifest_is_not_listed(store, tiny, key):
    (store.runs / key / MANIFEST).unlink()
    assert store.list() == []
    assert not store.exists(key)
    with pytest.raises(RunNotFoundError):
        store.load(key)
    make_run(store, tiny, number=2.0)  # and is replaced whole
    assert (store.load(key).arrays("arrays.safetensors")["a"] == 2).all()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b'{"key": "a"', b"[]", b"null", b"\xff", b'{"state": 3}', b'{"losses": []}'),
        b"[" * 100_000,
        b'{"key": "KEY", "method": "rfa", "seed": 0, "state": "paused"}',  # of a newer version
        b'{"key": "../../..", "method": "rfa", "seed": 0, "state": "failed"}',  # of another run
    ],
)
def test_a_status_that_cannot_be_read_is_that_of_an_interrupted_run(store, tiny, content):
    good = store.enqueue(replace(tiny, seed=1))
    store.enqueue(tiny)
    (store.work / tiny.key() / STATUS).write_bytes(content.replace(b"KEY", tiny.key().encode()))
    found = {status.key: status for status in store.statuses()}
    assert found[good.key] == good
    assert found[tiny.key()].state == "interrupted"
    assert STATUS in found[tiny.key()].message
    assert store.requested(tiny.key()) == tiny  # so it can be retried
    store.delete(tiny.key())
    assert [status.key for status in store.statuses()] == [good.key]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, partial(os.symlink, "/dev/zero")])
def test_what_is_no_file_in_a_work_folder_is_never_waited_for(store, tiny, patience, make):
    store.enqueue(tiny)
    folder = store.work / tiny.key()
    for name in (STATUS, CONFIG, "live.jsonl", "log.txt"):
        (folder / name).unlink(missing_ok=True)
        make(folder / name)
    [status] = store.statuses()
    assert (status.key, status.state) == (tiny.key(), "interrupted")
    assert STATUS in status.message
    with pytest.raises(RunNotFoundError, match=CONFIG):
        store.requested(tiny.key())
    assert store.live(tiny.key()).empty
    assert store.log(tiny.key()) == ""
    store.delete(tiny.key())
    assert store.statuses() == []


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"null", b"\xff"])
def test_a_request_that_cannot_be_read_names_its_file(store, tiny, content):
    store.enqueue(tiny)
    (store.work / tiny.key() / CONFIG).write_bytes(content)
    with pytest.raises(RunNotFoundError, match=f"{CONFIG} does not tell which run it is"):
        store.requested(tiny.key())


def test_the_request_for_another_run_is_not_taken_for_this_one(store, tiny):
    store.enqueue(tiny)
    other = replace(tiny, seed=1).to_dict()
    (store.work / tiny.key() / CONFIG).write_text(json.dumps(other))
    with pytest.raises(RunNotFoundError, match="tells of another run"):
        store.requested(tiny.key())


def test_a_changed_byte_in_log_or_live_history_hides_no_other_line(store, tiny):
    writer = store.begin(tiny)
    for step in (1, 2, 3):
        writer.live({"step": step})
    writer.log("made by a test")
    for name in ("live.jsonl", "log.txt"):
        path = writer.folder / name
        path.write_bytes(path.read_bytes() + b"\xff\n[1]\n" + b"[" * 100_000 + b"\n")
    assert store.live(tiny.key())["step"].tolist() == [1, 2, 3]
    assert store.log(tiny.key()).startswith("made by a test\n")


def test_a_status_of_a_newer_version_is_read_without_what_is_new_in_it(store, tiny):
    status = store.enqueue(tiny)
    path = store.work / tiny.key() / STATUS
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert read_status(path.parent) == status


def test_a_run_in_progress_is_not_listed_and_shows_its_progress(store, tiny):
    with store.lock(tiny.key()):
        writer = store.begin(tiny)
        writer.update(state="running", stage="train", step=3, total=12)
        writer.live({"step": 3, "loss/objective": 0.5})
        (status,) = store.statuses()
        assert (status.state, status.stage, status.step) == ("running", "train", 3)
        assert status.fraction == 0.25
        assert store.list() == []
        assert store.live(tiny.key())["loss/objective"].tolist() == [0.5]
    assert store.requested(tiny.key()) == tiny


def test_half_a_line_of_a_live_history_is_left_out(store, tiny):
    writer = store.begin(tiny)
    writer.live({"step": 1})
    with (writer.folder / "live.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "lo')
    assert store.live(tiny.key())["step"].tolist() == [1]
    assert store.live("0" * 16).empty


def test_a_run_whose_process_is_gone_is_interrupted(store, tiny):
    with store.lock(tiny.key()):
        store.begin(tiny).update(state="running", step=1, total=2)
        assert store.statuses()[0].state == "running"
    (status,) = store.statuses()
    assert status.state == "interrupted"
    assert "ended" in status.message
    assert store.list() == []


def test_a_failed_run_keeps_its_status_config_and_log_only(store, tiny):
    writer = store.begin(tiny)
    writer.json("metrics.json", {})
    writer.arrays("frames/1.safetensors", {"a": np.ones(1)})
    writer.log("ValueError: broken")
    writer.fail("failed", "broken")
    (status,) = store.statuses()
    assert (status.state, status.message) == ("failed", "broken")
    assert store.log(tiny.key()) == "ValueError: broken\n"
    assert sorted(p.name for p in writer.folder.iterdir()) == ["config.json", "log.txt", STATUS]


def test_statuses_come_in_the_order_of_asking(store, tiny):
    asked = [store.enqueue(replace(tiny, seed=seed)).key for seed in (5, 1, 3)]
    assert [status.key for status in store.statuses()] == asked
    assert {status.state for status in store.statuses()} == {"queued"}


def test_asking_again_forgets_an_earlier_cancel_and_failure(store, tiny):
    key = store.enqueue(tiny).key
    store.request_cancel(key)
    assert store.is_cancel_requested(key)
    store.mark(key, "failed", "broken")
    store.enqueue(tiny)
    assert not store.is_cancel_requested(key)
    assert (store.statuses()[0].state, store.statuses()[0].message) == ("queued", "")


def test_a_cancel_for_a_run_that_nobody_asked_for_leaves_nothing(store):
    store.request_cancel("0" * 16)
    assert not store.is_cancel_requested("0" * 16)
    assert not store.root.exists()
    with pytest.raises(RunNotFoundError):
        store.requested("0" * 16)


def test_clean_removes_what_did_not_finish_and_leaves_what_runs_and_what_did(store, tiny, key):
    failed, interrupted, running, left, bare, waits = (replace(tiny, seed=s) for s in range(1, 7))
    store.begin(failed).fail("failed", "broken")
    store.begin(interrupted).update(state="running")
    store.leave(store.enqueue(left).key)
    store.enqueue(waits)
    (store.work / bare.key()).mkdir()  # killed before its status was written
    with store.lock(running.key()):
        store.begin(running).update(state="running")
        removed = store.clean()
        kept = {running.key(): "running", waits.key(): "queued"}
        assert {status.key: status.state for status in store.statuses()} == kept
    assert set(removed) == {c.key() for c in (failed, interrupted, left, bare)}
    assert {p.name for p in store.work.iterdir()} == set(kept)
    assert store.list() == [key]


def test_delete_removes_a_run_finished_or_not(store, tiny, key):
    store.delete(key)
    assert store.list() == []
    assert not (store.runs / key).exists()
    store.begin(tiny).fail("failed", "broken")
    store.delete(key)
    assert store.statuses() == []
    with pytest.raises(RunNotFoundError, match=r"no run .* to delete"):
        store.delete(key)


def test_the_fingerprint_changes_when_a_run_comes_is_redone_or_goes(store, tiny):
    marks = [store.fingerprint()]
    key = make_run(store, tiny)
    marks.append(store.fingerprint())
    assert store.fingerprint() == marks[-1]
    store.begin(replace(tiny, seed=9)).update(state="running")
    assert store.fingerprint() == marks[-1]  # a run in progress is not a finished one
    make_run(store, tiny, number=2.0)
    marks.append(store.fingerprint())
    store.delete(key)
    assert store.fingerprint() == marks[0]
    assert len(set(marks)) == 3


def test_shipped_runs_are_listed_where_asked_for_and_cannot_be_deleted(store, tiny):
    shipped = Store(store.root / "demo")
    key = make_run(shipped, tiny, number=1.0)
    own_only, both = Store(store.root), Store(store.root, demo=True)
    assert own_only.list() == []
    assert both.list() == [key]
    assert both.is_shipped(key)
    with pytest.raises(RunNotFoundError):
        both.delete(key)
    make_run(both, tiny, number=2.0)  # the store's own come first
    assert both.list() == [key]
    assert not both.is_shipped(key)
    assert (both.load(key).arrays("arrays.safetensors")["a"] == 2).all()
    assert shipped.verify(key) == []


def test_a_linked_file_is_the_same_file(store, tiny, key):
    other = replace(tiny, seed=1)
    writer = store.begin(other)
    writer.link(store.load(key), "arrays.safetensors")
    writer.commit(store.runs, {})
    store.delete(key)
    assert store.verify(other.key()) == []
    assert (store.load(other.key()).arrays("arrays.safetensors")["a"] == 1).all()


def test_a_status_is_written_whole_or_not_at_all(store, tiny):
    folder = store.begin(tiny).folder
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.append(read_status(folder))

    reader = threading.Thread(target=read)
    reader.start()
    writer = store.begin(tiny)
    for step in range(300):
        writer.update(state="running", step=step, message="x" * step)
    stop.set()
    reader.join()
    assert all(s is None or isinstance(s, Status) for s in seen)
    assert read_status(folder).step == 299


def test_a_second_writer_waits_for_the_lock(store, tiny):
    order = []

    def second():
        with store.lock(tiny.key()):
            order.append("second")

    with store.lock(tiny.key()):
        assert store.is_locked(tiny.key())
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.3)
        assert thread.is_alive()
        order.append("first")
    thread.join(timeout=5)
    assert order == ["first", "second"]
    assert not store.is_locked(tiny.key())


def test_nothing_in_a_run_is_a_pickle(store, key):
    for path in (store.runs / key).rglob("*"):
        if path.is_file():
            assert path.suffix in (".json", ".parquet", ".safetensors", ".txt")


def test_the_root_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "elsewhere"))
    assert default_root() == tmp_path / "elsewhere"
    monkeypatch.delenv("UNLEARN_CACHE")
    assert default_root().name == "cache"
    assert (default_root().parent / "unlearn_core").is_dir()


def test_manifests_list_size_and_hash_of_every_file(store, key):
    import hashlib

    manifest = json.loads((store.runs / key / MANIFEST).read_text(encoding="utf-8"))
    names = {p.relative_to(store.runs / key).as_posix() for p in (store.runs / key).rglob("*.*")}
    assert set(manifest["files"]) == names - {MANIFEST}
    for name, entry in manifest["files"].items():
        content = (store.runs / key / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
