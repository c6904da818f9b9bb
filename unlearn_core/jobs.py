"""The job queue, on Dask: the same code on a laptop and on a cluster.

Without a scheduler's address one local cluster is started at the first submit, with one worker
process, or one a GPU.  The Dask key is the run key (a retry adds its number), so the same run is
never computed twice.  Workers take one job at a time.  What a job does is read from the run
folder (`runs.status`); the queue itself only knows what waits.  Importing this module starts
nothing and loads no torch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.runs import faults
from unlearn_core.runs.plan import with_parents
from unlearn_core.runs.status import Status
from unlearn_core.runs.store import Store

if TYPE_CHECKING:
    from distributed import Client, Future

SLOT = {"slot": 1}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class InterruptedRunError(KnownFailureError):
    """The worker that made this run died; it is not made again until someone asks."""


def run_job(config: dict[str, Any], root: str, device: str, *_needs: str) -> str:
    """Make one run in a worker process and return its key."""
    from unlearn_core.runs.pipeline import execute

    wanted = RunConfig.from_dict(config)
    key, store = wanted.key(), Store(root, demo=True)
    if store.state(key) == "interrupted":  # Dask tries again where a worker died; we do not
        raise InterruptedRunError(f"The worker that made {wanted.method} ({key}) died.")
    _use_own_gpu()
    try:
        execute(wanted, store=store, device=device)
    except Exception as error:
        known = faults.named(error, store.root)
        with contextlib.suppress(OSError):  # the disk may be what failed
            if store.state(key) == "queued":  # it failed before it began
                store.mark(key, "failed", faults.message(known), faults.details(known))
        if known is error:
            raise
        raise known from error
    return key


class JobQueue:
    """Submits runs, lists what is not finished, cancels and retries. One per server.

    Parameters
    ----------
    store : Store
        On a cluster: on a file system that all workers share.
    scheduler : str, optional
        Address of a running Dask scheduler; default `UNLEARN_SCHEDULER`, else a local cluster.
    device : {"auto", "cpu", "cuda"}
    """

    def __init__(self, store: Store, scheduler: str | None = None, device: str = "auto") -> None:
        self.store = store
        self.scheduler = scheduler or os.environ.get("UNLEARN_SCHEDULER") or None
        self.device = device
        self._client: Client | None = None
        self._futures: dict[str, Future[str]] = {}
        self._attempts: dict[str, int] = {}
        self._lock = threading.RLock()

    def submit(self, configs: Sequence[RunConfig]) -> list[str]:
        """Queue these runs and the runs they need; return the keys of `configs`.

        What is finished, queued or running already is not queued again.
        """
        with self._lock:
            needed = {c.key(): c for config in configs for c in with_parents(config)}
            wanted = self._enqueue_all(needed.values())
            for config in wanted:  # a cluster takes seconds to start: the disk knows by now
                self._submit_one(config)
        return [config.key() for config in configs]

    def jobs(self) -> list[Status]:
        """Return every run that is queued, running or left unfinished, in order of asking."""
        return [self._with_dask(status) for status in self.store.statuses()]

    def cancel(self, key: str) -> None:
        """Stop a run at its next step, or take it out of the queue."""
        with self._lock:
            self.store.request_cancel(key)
            if self.store.state(key) == "queued":
                self.store.mark(key, "cancelled", "cancelled before it began")
                future = self._futures.pop(key, None)
                if future is not None:
                    future.cancel()

    def retry(self, key: str) -> None:
        """Queue again a run that did not finish, and what it needs.

        Raises
        ------
        RunNotFoundError
            If it was never asked for.
        """
        self.submit([self.store.requested(key)])

    def dismiss(self, key: str) -> None:
        """Remove what is left of a run that did not finish."""
        with self._lock:
            if self.store.state(key) not in (None, "queued", "running"):
                self.store.delete(key)

    def wait(self, keys: Sequence[str]) -> None:
        """Block until these runs have ended; raise the error of the first that failed."""
        for key in keys:
            if key in self._futures:
                self._futures[key].result()

    def close(self) -> None:
        """Let go of the cluster; a local one ends, with what it was making."""
        with self._lock:
            if self._client is not None:
                cluster = self._client.cluster
                self._client.close()
                if cluster is not None:
                    cluster.close()
                self._client = None
                self._futures.clear()

    def _enqueue_all(self, configs: Iterable[RunConfig]) -> list[RunConfig]:
        """Note on disk which runs are wanted; return those that are not made or waiting yet."""
        wanted: list[RunConfig] = []
        try:
            wanted.extend(config for config in configs if self._enqueue(config))
        except OSError:  # such as a full disk: all are queued or none
            for config in wanted:
                shutil.rmtree(self.store.work / config.key(), ignore_errors=True)
            raise
        return wanted

    def _enqueue(self, config: RunConfig) -> bool:
        """Note on disk that a run is wanted; False if it is made, waiting or running already."""
        key = config.key()
        future = self._futures.get(key)
        is_waiting = future is not None and future.status == "pending"
        if self.store.exists(key) or (
            is_waiting and self.store.state(key) in ("queued", "running")
        ):
            return False
        if not self.store.is_locked(key):  # otherwise another process is making it
            self.store.enqueue(config)
        return True

    def _submit_one(self, config: RunConfig) -> None:
        key = config.key()
        self._attempts[key] = attempt = self._attempts.get(key, 0) + 1
        needs = [self._futures[k] for k in self._needs(config)]
        self._futures[key] = self._connect().submit(
            run_job,
            config.to_dict(),
            str(self.store.root),
            self.device,
            *needs,
            # a second attempt needs a key of its own: Dask may still be ending the first
            key=key if attempt == 1 else f"{key}-{attempt}",
            priority=-sum(self._attempts.values()),  # first come, first served
            resources=SLOT,
            pure=False,
        )

    def _needs(self, config: RunConfig) -> list[str]:
        keys = [parent.key() for parent in with_parents(config)[:-1]]
        return [k for k in keys if k in self._futures and not self.store.exists(k)]

    def _with_dask(self, status: Status) -> Status:
        """Correct the state of a run that waits for something that will not happen."""
        if status.state != "queued":
            return status
        future = self._futures.get(status.key)
        if future is None:
            if self.scheduler is not None or self.store.is_locked(status.key):
                return status  # another server may have queued it
            why = "the server that queued it has ended"
        elif future.status in ("error", "cancelled", "lost"):
            why = "a run that it needs did not finish"
        else:
            return status
        return replace(status, state="interrupted", message=why)

    def connect(self) -> None:
        """Reach the scheduler now rather than at the first submit.

        Raises
        ------
        InputError
            If there is none at this address.
        """
        try:
            self._connect()
        except (OSError, ValueError) as error:
            raise InputError(f"No Dask scheduler at {self.scheduler}: {error}") from error

    def _connect(self) -> Client:
        if self._client is None:
            from distributed import Client

            self._client = Client(self.scheduler or _local_cluster())
        return self._client


def run_on_cluster(configs: Sequence[RunConfig], scheduler: str, store: Store) -> list[str]:
    """Make these runs on the cluster at this address; return what to say of each that failed.

    That is one line, after the traceback where it is a fault of the program.
    """
    queue = JobQueue(store, scheduler)
    failures = []
    try:
        queue.connect()
        for key in queue.submit(configs):
            try:
                queue.wait([key])
            except Exception as error:  # the others are made all the same
                failures.append(faults.report(error, f"run {key} failed"))
    finally:
        queue.close()
    return failures


def _local_cluster() -> Any:
    import dask
    from distributed import LocalCluster

    # Dask would give every worker one thread; a run here has the machine to itself
    threads = str(os.cpu_count() or 1)
    dask.config.set(
        {f"distributed.nanny.pre-spawn-environ.{name}": threads for name in THREAD_VARIABLES}
    )
    return LocalCluster(
        n_workers=_count_gpus() or 1,
        threads_per_worker=1,
        processes=True,
        resources=SLOT,
        memory_limit=0,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs="CRITICAL",
    )


def _count_gpus() -> int:
    """Count GPUs without loading torch in the server."""
    if shutil.which("nvidia-smi") is None:
        return 0
    with contextlib.suppress(subprocess.SubprocessError, OSError):
        command = ["nvidia-smi", "--list-gpus"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
        return len(done.stdout.splitlines())
    return 0


def _use_own_gpu() -> None:
    """Give each worker of a local cluster its own GPU, by the worker's number."""
    import torch
    from distributed import get_worker

    count = torch.cuda.device_count()
    name = get_worker().name
    if count and isinstance(name, int):
        torch.cuda.set_device(name % count)
