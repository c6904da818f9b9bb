"""Queue runs on Dask, on a laptop and on a cluster alike.

Without a scheduler's address a cluster of this machine is started at the first submit.  The Dask
key is the run key (a retry adds its number), so the same run is never computed twice.  Workers
take one job at a time.  What waits, is made or was cancelled is on disk (`runs.asking`), where
every other process sees the same.  Importing this module starts nothing and loads no torch.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.config import RunConfig
from unlearn_core.runs import faults, provenance
from unlearn_core.runs.at_once import SLOT, SMALL_SLOT, is_small
from unlearn_core.runs.plan import all_needed, parents
from unlearn_core.runs.queue_owner import this_process
from unlearn_core.runs.status import ACTIVE, Status
from unlearn_core.runs.store import Store

if TYPE_CHECKING:
    from distributed import Client, Future

# How often a run is begun where its worker dies: in front of a person, who may have had a reason
# to end it, once; on a cluster, where machines come and go, once more.
ATTEMPTS_HERE, ATTEMPTS_ON_CLUSTER = 1, 2
MOST_WAITING = 500  # runs: a slip of a form must not fill the disk of a server for days


class InterruptedRunError(KnownFailureError):
    """The worker that made this run died; it is not made again until someone asks."""


def run_job(
    config: dict[str, Any],
    root: str,
    device: str,
    attempts: int,
    again: bool,
    weights: bool,
    *_needs: str,
) -> str:
    """Make one run in a worker process and return its key."""
    from unlearn_core.engine.pipeline import execute

    wanted = RunConfig.from_dict(config)
    key, store = wanted.key(), Store(root, demo=True)
    status = store.status(key)
    # Dask itself would send a run to one worker after the other, whatever it does to them
    if status and status.state == "interrupted" and status.attempt >= attempts:
        raise InterruptedRunError(f"The worker that made {wanted.method} ({key}) died.")
    _use_own_gpu()
    try:
        execute(wanted, store=store, device=device, queued=True, again=again, weights=weights)
        store.forget_queued(key)
    except Exception as error:
        known = faults.named(error, store.root)
        with contextlib.suppress(OSError):  # the disk may be what failed
            if store.state(key) == "queued":  # it failed before it began
                store.mark(key, "failed", faults.message(known), faults.details(known))
        if known is error:
            raise
        raise known from error
    return key


def load_engine() -> None:
    """Import what every run needs, which takes seconds."""
    import unlearn_core.engine.pipeline  # noqa: F401


class JobQueue:
    """Submits runs, lists what is not finished, cancels and retries. One per server.

    Parameters
    ----------
    store : Store
        On a cluster: on a file system that all workers share.
    scheduler : str, optional
        Address of a running Dask scheduler; default `UNLEARN_SCHEDULER`, else a local cluster,
        as for "".
    device : {"auto", "cpu", "cuda"}
    at_once : int
        How many runs of small networks a local cluster makes at once; others come one at a time.
    """

    def __init__(
        self,
        store: Store,
        scheduler: str | None = None,
        device: str = "auto",
        *,
        at_once: int = 1,
    ) -> None:
        self.store = store
        given = os.environ.get("UNLEARN_SCHEDULER") if scheduler is None else scheduler
        self.scheduler = given or None
        self.device = device
        self.at_once = at_once
        self._client: Client | None = None
        self._futures: dict[str, Future[str]] = {}
        self._attempts: dict[str, int] = {}
        self._code: dict[str, provenance.Code] = {}  # when our workers started
        self._lock = threading.RLock()

    def submit(
        self, configs: Sequence[RunConfig], *, again: bool = False, weights: bool = False
    ) -> list[str]:
        """Queue these runs and the runs they need; return the keys of `configs`.

        What is finished and whole, queued or running already is not queued again; with `again` a
        finished run is, and made again if other code has made it.  A shipped run that left out its
        weights is made here where another run starts from it, or with `weights`.
        """
        with self._lock:
            if self.scheduler is not None:
                self._connect()  # or say what is wrong with it before anything waits for it
            else:
                self._renew_workers()
            needed = [need for config in configs for need in parents(config)]
            started_from = {each.key() for each in (*needed, *(configs if weights else ()))}
            wanted = self._enqueue_all(all_needed(configs), started_from, again=again)
            try:
                while wanted:  # a local cluster takes seconds to start: the disk knows by now
                    has_weights = wanted[0].key() in started_from
                    self._submit_one(wanted[0], again=again, weights=has_weights)
                    wanted.pop(0)
            except BaseException:
                for config in wanted:
                    self.store.leave(config.key())
                raise
        return [config.key() for config in configs]

    def jobs(self) -> list[Status]:
        """Return every run that is queued, running or left unfinished, in order of asking."""
        return self.store.statuses()

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
        """Remove status and log of a run that did not finish."""
        with self._lock:
            if self.store.state(key) not in (None, "queued", "running"):
                self.store.delete(key)

    def wait(self, keys: Sequence[str]) -> None:
        """Block until these runs have ended; raise the error of the first that failed."""
        for key in keys:
            if key in self._futures:
                self._futures[key].result()

    def is_pending(self, keys: Sequence[str]) -> bool:
        """Say whether one of these runs has not ended."""
        futures = [self._futures[key] for key in keys if key in self._futures]
        return any(future.status == "pending" for future in futures)

    def has_workers(self) -> bool:
        """Say whether there is a worker that can take a run."""
        from unlearn_core.cluster import slots

        return bool(slots(self._connect()))

    def load_workers(self) -> None:
        """Let every worker of a local cluster load torch now, also those that wait for a run."""
        from distributed import fire_and_forget

        client = self._connect()
        for address in client.scheduler_info(n_workers=-1)["workers"]:
            loading = client.submit(
                load_engine, workers=[address], resources=SMALL_SLOT, pure=False
            )
            fire_and_forget(loading)

    def close(self) -> None:
        """Disconnect from the cluster; a local one ends, with the run that it was making."""
        with self._lock:
            for key in self._futures:
                self.store.leave(key)
            self._futures.clear()
            if self._client is not None:
                cluster = self._client.cluster
                self._client.close()
                if cluster is not None:
                    cluster.close()
                self._client = None

    def _enqueue_all(
        self, configs: Iterable[RunConfig], started_from: Collection[str], *, again: bool
    ) -> list[RunConfig]:
        """Put runs into the queue on disk; return those that Dask has to be given.

        `started_from` are the keys of those that must hold their weights.
        """
        wanted: list[RunConfig] = []
        try:
            wanted.extend(
                config
                for config in configs
                if self._enqueue(config, again=again, weights=config.key() in started_from)
            )
            self._require_room()
        except (OSError, InputError):  # such as a full disk: all are queued or none
            for config in wanted:
                self.store.withdraw(config.key())
            raise
        return wanted

    def _require_room(self) -> None:
        waiting = sum(status.state in ACTIVE for status in self.store.statuses())
        if waiting > MOST_WAITING:
            raise InputError(
                f"At most {MOST_WAITING} runs may be queued or running; these would make "
                f"{waiting}. Launch fewer, or stop some first."
            )

    def _enqueue(self, config: RunConfig, *, again: bool, weights: bool) -> bool:
        """Put a run into the queue on disk; False if it is made, waiting or running already."""
        key = config.key()
        if not again and self.store.is_whole(key, weights=weights):
            return False
        self.store.withdraw_cancel(key)
        future = self._futures.get(key)
        is_waiting = future is not None and future.status == "pending"
        if is_waiting and self.store.state(key) in ACTIVE:
            return False
        if not self.store.is_locked(key):  # otherwise another process is making it
            self.store.enqueue(config)
        return True

    def _submit_one(self, config: RunConfig, *, again: bool, weights: bool) -> None:
        key = config.key()
        self._attempts[key] = attempt = self._attempts.get(key, 0) + 1
        needs = [self._futures[k] for k in self._needs(config)]
        future = self._connect().submit(
            run_job,
            config.to_dict(),
            str(self.store.root),
            self.device,
            ATTEMPTS_HERE if self.scheduler is None else ATTEMPTS_ON_CLUSTER,
            again,
            weights,
            *needs,
            # a second attempt needs a key of its own: Dask may still be ending the first
            key=key if attempt == 1 else f"{key}-{attempt}",
            priority=-sum(self._attempts.values()),  # first come, first served
            resources=SMALL_SLOT if self._is_small(config) else SLOT,
            pure=False,
        )
        self._futures[key] = future
        future.add_done_callback(partial(self._note_end, key))

    def _note_end(self, key: str, future: Future[str]) -> None:
        """Report a queued run as interrupted if a run that it needs was not made."""
        is_current = self._futures.get(key) is future
        if is_current and future.status != "finished" and self.store.state(key) == "queued":
            self.store.mark(key, "interrupted", "a run that it needs did not finish")

    def _is_small(self, config: RunConfig) -> bool:
        """Say whether every worker of a local cluster takes this run, and not only the first."""
        return self.scheduler is None and is_small(config)

    def _needs(self, config: RunConfig) -> list[str]:
        keys = [parent.key() for parent in parents(config)]
        made = (k for k in keys if k in self._futures)
        return [k for k in made if not self.store.is_whole(k, weights=True)]

    def _renew_workers(self) -> None:
        """End this queue's idle workers if the sources that they have loaded were changed since."""
        now = provenance.codes()
        if self._client is not None and not self.is_pending([*self._futures]) and now != self._code:
            self.close()
        if self._client is None:
            self._code = now

    def _connect(self) -> Client:
        if self._client is None:
            from unlearn_core.cluster import cluster_client, local_client

            if self.scheduler is None:
                self._client = local_client(self.at_once)
            else:
                witness = this_process(self.store.owners).path
                self._client = cluster_client(self.scheduler, witness)
        return self._client


def _use_own_gpu() -> None:
    """Give each worker of a local cluster its own GPU, by the worker's number."""
    import torch
    from distributed import get_worker

    count = torch.cuda.device_count()
    name = get_worker().name
    if count and isinstance(name, int):
        torch.cuda.set_device(name % count)
