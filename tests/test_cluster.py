"""The local cluster: a stranger on the same machine cannot speak to it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from distributed import SpecCluster

from unlearn_core import cluster as clusters
from unlearn_core.checks import InputError
from unlearn_core.cluster import QuietScheduler, QuietWorker, cluster_client, local_client
from unlearn_core.jobs import JobQueue

NOBODY = 65534
STRANGER = """
import asyncio, os, socket, ssl, sys
from distributed import Client, Security
from distributed.comm import connect

port, mark = sys.argv[1:]
strange = Security.temporary()  # a certificate, but not the cluster's
ways = {
    "tcp://": {},
    "tls://": strange.get_connection_args("client"),
}

def as_client(protocol):
    security = strange if protocol == "tls://" else None
    with Client(f"{protocol}127.0.0.1:{port}", security=security, timeout=2) as client:
        client.run_on_scheduler(lambda: open(mark, "w").close())
        client.run(lambda: open(mark, "w").close())

async def raw(protocol):
    comm = await connect(f"{protocol}127.0.0.1:{port}", timeout=2, **ways[protocol])
    await comm.write({"op": "identity", "reply": True})
    await comm.read()

def without_verifying():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", int(port)), timeout=2) as plain:
        with context.wrap_socket(plain) as wrapped:
            wrapped.sendall(b"x" * 64)
            if not wrapped.recv(1):
                raise OSError("closed")

tries = [lambda p=p: as_client(p) for p in ways]
tries += [lambda p=p: asyncio.run(raw(p)) for p in ways] + [without_verifying]

def everything(report):
    for number, attempt in enumerate(tries):
        try:
            attempt()
        except Exception as error:
            report(f"refused {number}: {type(error).__name__}")
        else:
            report(f"ANSWERED {number}")

with socket.socket() as unused:  # all that loads late loads while the files can be read
    unused.bind(("127.0.0.1", 0))
    port, real = unused.getsockname()[1], port
everything(lambda line: None)
port = real
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
print("uid", os.getuid())
everything(print)
"""


def visit(port, mark):
    """Return what a stranger, who is nobody where that can be, is told at this port."""
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, str(port), str(mark)],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"uid {os.getuid() or NOBODY}\n" in done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def client():
    client = local_client()
    client.wait_for_workers(1, timeout=120)
    yield client
    client.cluster.close()
    client.close()


@pytest.fixture
def writable():
    """A folder in which everyone may write."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def listening(process):
    """Return (process, address, port) of every port that it and its children listen on."""
    family = [process, *process.children(recursive=True)]
    return [
        (member, connection.laddr.ip, connection.laddr.port)
        for member in family
        for connection in member.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]


@pytest.mark.slow
def test_every_port_of_the_local_cluster_refuses_whoever_has_not_its_certificate(client, writable):
    found = listening(psutil.Process())
    addresses = {client.scheduler.address}
    for name, worker in client.scheduler_info()["workers"].items():
        addresses |= {name, worker["nanny"]}
        assert not worker["services"]  # no web pages
    ports = {int(address.rpartition(":")[2]) for address in addresses}
    assert {port for _, _, port in found} == ports  # scheduler, worker, nanny, and nothing else
    assert {ip for _, ip, _ in found} == {"127.0.0.1"}
    assert all(address.startswith("tls://") for address in addresses)

    for port in sorted(ports):
        mark = writable / f"ran-{port}"
        told = visit(port, mark)
        assert told.count("refused") == 5, told
        assert "ImportError" not in told
        assert "PermissionError" not in told
        assert not mark.exists()
    assert client.submit(sum, [1, 2]).result(timeout=60) == 3  # and it still works for its owner


@pytest.mark.slow
def test_the_stranger_of_this_test_would_have_run_code_on_an_open_scheduler(writable):
    scheduler = {"cls": QuietScheduler, "options": {"host": "127.0.0.1", "dashboard": False}}
    with SpecCluster(scheduler=scheduler) as cluster:
        told = visit(cluster.scheduler_address.rpartition(":")[2], writable / "ran")
    assert "ANSWERED 0" in told
    assert (writable / "ran").exists()


@pytest.mark.slow
def test_no_key_of_the_local_cluster_is_on_the_disk_or_in_a_command_line(client):
    assert "PRIVATE KEY" in client.security.tls_client_key
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    for member in family:
        shown = " ".join([*member.cmdline(), *member.environ().values()])
        assert "PRIVATE KEY" not in shown
    workers = client.scheduler_info()["workers"].values()
    folders = {Path(worker["local_directory"]) for worker in workers}
    folders |= {Path(tempfile.gettempdir()), Path.cwd()}
    assert [path for folder in folders for path in folder.glob("*/dask.pem")] == []


@pytest.fixture
def connect(monkeypatch, tmp_path):
    """Connect to a scheduler whose workers, in this process, have these resources."""
    monkeypatch.setattr(clusters, "WAIT_SECONDS", 1)
    witness = tmp_path / "cache" / "owners" / "me"
    witness.parent.mkdir(parents=True)
    witness.touch()

    def start(*resources, witness=witness):
        everywhere = {"host": "127.0.0.1"}
        scheduler = {"cls": QuietScheduler, "options": {**everywhere, "dashboard": False}}
        workers = {
            number: {"cls": QuietWorker, "options": {**everywhere, "nthreads": 1, "resources": has}}
            for number, has in enumerate(resources)
        }
        with SpecCluster(scheduler=scheduler, workers=workers) as cluster:
            cluster_client(cluster.scheduler_address, witness).close()

    return start


def test_a_cluster_that_can_make_runs_is_taken(connect):
    connect({"slot": 1}, {})


@pytest.mark.parametrize(
    ("resources", "missing", "help_"),
    [
        ([], "No worker is connected to tcp://127.0.0.1:", "unlearn worker tcp://127.0.0.1:"),
        ([{}, {"GPU": 1}], "has the resource slot", "unlearn worker tcp://127.0.0.1:"),
    ],
)
def test_what_a_cluster_lacks_is_one_line_with_the_command_that_helps(
    connect, resources, missing, help_
):
    with pytest.raises(InputError) as error:
        connect(*resources)
    assert missing in str(error.value)
    assert help_ in str(error.value)
    assert "\n" not in str(error.value)


def test_workers_that_do_not_see_the_store_are_named(connect, tmp_path):
    elsewhere = tmp_path / "not-shared"
    with pytest.raises(InputError, match=f"The store {elsewhere} is not there on tcp://.*shared?"):
        connect({"slot": 1}, witness=elsewhere / "owners" / "me")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "nowhere", "ftp://x:1"])
def test_no_scheduler_at_an_address_is_said_before_anything_waits(
    store, tiny, monkeypatch, address
):
    monkeypatch.setattr(clusters, "WAIT_SECONDS", 1)
    with pytest.raises(
        InputError, match=r"no Dask scheduler at .*; start one with: dask scheduler"
    ):
        JobQueue(store, address).submit([tiny])
    assert store.statuses() == []
