"""Start a local Dask cluster, or connect to one that is running.

Dask runs whatever is sent to its ports.  So the local cluster demands a certificate on each of
them that is made at the start and known to its own processes only, and it opens no port for
pages.  Import this module late: it loads Dask.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, Worker

from unlearn_core.checks import InputError
from unlearn_core.machine import has_gpu, visible_gpus
from unlearn_core.runs.at_once import SLOT, SMALL_SLOT

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
WAIT_SECONDS = 10


class _WithoutPages:
    """Keeps a scheduler or worker from serving Dask's web pages, which ask for no password."""

    def start_http_server(self, *_: object, **__: object) -> None:
        """Open no port."""


class QuietScheduler(_WithoutPages, Scheduler):
    """A scheduler without web pages."""


class QuietWorker(_WithoutPages, Worker):
    """A worker without web pages."""


def local_client(at_once: int = 1) -> Client:
    """Start a cluster with one worker process, or one a GPU, and return its client.

    Further workers, `at_once` in all, take only runs of small networks, which use one thread.
    """
    use_all_threads()
    security = Security.temporary()
    everywhere = {"host": "127.0.0.1", "protocol": "tls://", "security": security}
    worker: dict[str, Any] = {
        "cls": Nanny,
        "options": {
            **everywhere,
            "worker_class": QuietWorker,
            "nthreads": 1,
            "memory_limit": 0,
            "silence_logs": "CRITICAL",
        },
    }
    able = [{**SLOT, **SMALL_SLOT}] * (_count_gpus() or 1)
    able += [SMALL_SLOT] * (at_once - len(able))
    workers = {
        number: {**worker, "options": {**worker["options"], "resources": resources}}
        for number, resources in enumerate(able)
    }
    cluster = SpecCluster(
        scheduler={"cls": QuietScheduler, "options": {**everywhere, "dashboard": False}},
        workers=workers,
        security=security,
        silence_logs="CRITICAL",
    )
    return Client(cluster)


def use_all_threads() -> None:
    """Give a worker all threads of its machine: a run has it to itself, Dask would say one."""
    threads = str(os.cpu_count() or 1)
    dask.config.set(
        {f"distributed.nanny.pre-spawn-environ.{name}": threads for name in THREAD_VARIABLES}
    )


def cluster_client(address: str, witness: Path) -> Client:
    """Connect to a cluster after checking that its workers can make runs of this store.

    Parameters
    ----------
    address : str
        Of its scheduler.
    witness : Path
        A file of the store that every worker must see.

    Raises
    ------
    InputError
        With the command that helps, if there is no scheduler, no worker with a slot, if one of
        them cannot import this package, or a worker does not see the store.
    """
    start = f"start one on each machine with: unlearn worker {address}"
    try:
        client = Client(address, timeout=WAIT_SECONDS)
    except (OSError, ValueError):
        raise InputError(
            f"There is no Dask scheduler at {address}; start one with: dask scheduler"
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError:
            raise InputError(f"No worker is connected to {address}; {start}") from None
        workers = slots(client)
        if not workers:
            raise InputError(f"No worker of {address} has the resource slot; {start}")
        _require_package(client, workers)
        _require_store(client, workers, witness)
    except BaseException:
        client.close()
        raise
    return client


def slots(client: Client) -> list[str]:
    """Return the addresses of the workers that take runs."""
    known: Mapping[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return [name for name, worker in known.items() if worker["resources"].get("slot", 0) >= 1]


def _require_package(client: Client, workers: list[str]) -> None:
    def can_import() -> bool:  # travels as code: a function of this package would not arrive
        import importlib.util

        return importlib.util.find_spec("unlearn_core") is not None

    imports = {"the scheduler": client.run_on_scheduler(can_import)}
    imports.update(client.run(can_import, workers=workers))
    without = [name for name, is_there in imports.items() if not is_there]
    if without:
        raise InputError(
            f"unlearn_core is not installed on {', '.join(without)}; "
            "there, run in a copy of the project: pip install '.[cluster]'"
        )


def _require_store(client: Client, workers: list[str], witness: Path) -> None:
    path = str(witness)

    def sees() -> bool:
        import os

        return os.path.exists(path)  # noqa: PTH110 - travels as code, the less it needs the better

    blind = [name for name, is_seen in client.run(sees, workers=workers).items() if not is_seen]
    if blind:
        raise InputError(
            f"The store {witness.parents[1]} is not there on {', '.join(blind)}; "
            "set UNLEARN_CACHE to a folder that all machines share."
        )


def _count_gpus() -> int:
    """Count the GPUs that this process may use, without loading torch in the server."""
    if not has_gpu():
        return 0
    visible = visible_gpus()
    if visible is not None:
        return len(visible)
    if shutil.which("nvidia-smi") is None:
        return 0
    command = ["nvidia-smi", "--list-gpus"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (subprocess.SubprocessError, OSError):
        return 0
    return len(done.stdout.splitlines())
