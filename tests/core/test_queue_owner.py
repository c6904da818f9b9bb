"""Who waits for a queued run, asked by one process about another."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from unlearn_core.cli.main import main
from unlearn_core.engine.making import CancelledError
from unlearn_core.engine.pipeline import execute
from unlearn_core.jobs import JobQueue
from unlearn_core.runs import queue_owner
from unlearn_core.runs.queue_owner import SILENT_SECONDS, is_alive, this_process

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import json, sys
from unlearn_core.config import RunConfig
from unlearn_core.runs.store import Store

store = Store(sys.argv[1])
for plain in json.loads(sys.argv[2]):
    store.enqueue(RunConfig.from_dict(plain))
print("queued", flush=True)
sys.stdin.read()
"""


class Server:
    """A process that queues runs and lives until it is killed."""

    def __init__(self, store, *configs):
        arguments = [str(store.root), json.dumps([config.to_dict() for config in configs])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "queued\n"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def serve(store):
    servers = []

    def start(*configs):
        servers.append(Server(store, *configs))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def waiting(store, tiny, serve):
    """Two runs in the queue of another server, and that server."""
    configs = [tiny.base(), tiny.retrained()]
    return [config.key() for config in configs], serve(*configs)


def states(store):
    return [status.state for status in store.statuses()]


def test_another_servers_queue_is_neither_interrupted_nor_cleaned_nor_dismissed(
    store, waiting, monkeypatch, capsys
):
    keys, _ = waiting
    queue = JobQueue(store)
    assert [(job.key, job.state) for job in queue.jobs()] == [(key, "queued") for key in keys]
    queue.dismiss(keys[0])
    assert store.clean() == []
    monkeypatch.setenv("UNLEARN_CACHE", str(store.root))
    assert main(["clean"]) == main(["verify"]) == 0
    printed = capsys.readouterr().out
    assert "0 unfinished runs removed" in printed
    assert "interrupted" not in printed
    assert states(store) == ["queued", "queued"]


def test_what_a_killed_server_left_waiting_is_interrupted_for_everyone_and_can_be_dismissed(
    store, waiting, monkeypatch, capsys
):
    keys, server = waiting
    server.kill()
    queue = JobQueue(store)
    why = ("interrupted", "the server that queued it has ended")
    assert [(job.state, job.message) for job in queue.jobs()] == [why, why]
    monkeypatch.setenv("UNLEARN_CACHE", str(store.root))
    assert main(["verify"]) == 0
    assert capsys.readouterr().out.count("was interrupted") == 2
    queue.dismiss(keys[0])
    assert [job.key for job in queue.jobs()] == keys[1:]
    assert store.clean() == keys[1:]
    assert list(store.owners.iterdir()) == []  # the dead are not kept


def test_a_run_that_two_servers_wait_for_waits_until_both_have_ended(store, tiny, serve):
    first, second = serve(tiny.base()), serve(tiny.base())
    asked = store.statuses()[0].created
    first.kill()
    assert states(store) == ["queued"]
    assert store.statuses()[0].created == asked
    second.kill()
    assert states(store) == ["interrupted"]


def test_a_stopped_server_on_this_machine_still_waits(store, waiting):
    _, server = waiting
    server.process.send_signal(signal.SIGSTOP)
    [owner] = store.owners.iterdir()
    os.utime(owner, (0, 0))
    assert states(store) == ["queued", "queued"]


def test_on_another_machine_the_sign_of_life_counts(store, tiny, monkeypatch):
    store.enqueue(tiny.base())
    owner = this_process(store.owners)
    monkeypatch.setattr(queue_owner.socket, "gethostname", lambda: "another-machine")
    assert states(store) == ["queued"]
    long_ago = time.time() - SILENT_SECONDS - 1
    os.utime(owner.path, (long_ago, long_ago))
    assert states(store) == ["interrupted"]
    assert owner.path.exists()  # only its own machine knows for certain


def test_a_queue_that_is_closed_waits_for_nothing(store, tiny, monkeypatch):
    class Client:
        cluster = None

        def close(self):
            pass

        def submit(self, *_args, **_options):
            raise OSError("no port is free")

    queue = JobQueue(store)
    monkeypatch.setattr(queue, "_connect", lambda: Client())
    with pytest.raises(OSError, match="no port is free"):
        queue.submit([tiny.retrained()])
    assert states(store) == ["interrupted", "interrupted"]
    assert is_alive(store.owners, this_process(store.owners).name)


@pytest.mark.parametrize("is_dismissed", [False, True])
def test_a_cancel_holds_for_every_server_that_waits_until_someone_asks_again(
    store, tiny, no_maps, monkeypatch, is_dismissed
):
    """The second server's worker waits for the lock while the first one's run is cancelled."""
    base, ended, waiting = tiny.base(), [], threading.Event()
    key, lock = base.key(), store.lock

    def noted_lock(key):
        if threading.current_thread() is waits:
            waiting.set()
        return lock(key)

    monkeypatch.setattr(store, "lock", noted_lock)

    def second_worker():
        try:
            ended.append(execute(base, store=store, device="cpu", queued=True))
        except CancelledError as error:
            ended.append(str(error))

    waits = threading.Thread(target=second_worker)

    def cancel(status):
        if status.step == 2 and not waits.is_alive():
            waits.start()
            assert waiting.wait(timeout=60)
            JobQueue(store).cancel(key)

    store.enqueue(base)
    with pytest.raises(CancelledError):
        execute(base, store=store, device="cpu", on_progress=cancel, queued=True)
    if is_dismissed:
        JobQueue(store).dismiss(key)
    waits.join()
    assert ended == ["original was cancelled before it began."]
    assert states(store) == ([] if is_dismissed else ["cancelled"])

    store.enqueue(base)
    assert execute(base, store=store, device="cpu", queued=True).key == key


def test_asking_again_while_the_first_attempt_still_stops_is_not_lost(store, tiny, no_maps):
    base = tiny.base()

    def cancel_and_ask_again(status):
        if status.step == 2:
            JobQueue(store).cancel(base.key())
            store.withdraw_cancel(base.key())

    store.enqueue(base)
    execute(base, store=store, device="cpu", on_progress=cancel_and_ask_again, queued=True)
    assert store.exists(base.key())


def test_a_cancelled_parent_is_not_made_for_its_child(store, tiny, no_maps):
    for config in (tiny.base(), tiny.retrained()):
        store.enqueue(config)
    JobQueue(store).cancel(tiny.base().key())
    with pytest.raises(CancelledError):
        execute(tiny.retrained(), store=store, device="cpu", queued=True)
    assert store.list() == []
    # a call of one's own asks for all that it needs
    assert execute(tiny.retrained(), store=store, device="cpu").key == tiny.retrained().key()


def test_an_attempt_after_a_death_is_counted(store, tiny):
    config = replace(tiny, seed=3)
    for attempt in (1, 2):
        store.begin(config).update(state="running")
        assert store.status(config.key()).attempt == attempt
    store.enqueue(config)
    assert store.begin(config).status.attempt == 1


def test_a_cancel_in_the_moment_in_which_a_run_begins_or_reports_is_not_lost(store, tiny):
    for seed in range(60):
        key = store.enqueue(replace(tiny, seed=seed)).key
        cancel = threading.Thread(target=JobQueue(store).cancel, args=(key,))
        cancel.start()
        writer = store.begin(replace(tiny, seed=seed))
        writer.update(state="running")
        cancel.join()
        assert store.is_cancel_requested(key)
