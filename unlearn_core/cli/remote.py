"""Make runs in other processes, here or on a Dask cluster; follow them by what they write."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence

from unlearn_core.checks import InputError
from unlearn_core.cli.progress import ProgressBar
from unlearn_core.config import RunConfig
from unlearn_core.runs.plan import all_needed
from unlearn_core.runs.store import Store

POLL_SECONDS = 0.5


def make_on_cluster(
    configs: Sequence[RunConfig], store: Store, args: argparse.Namespace, at_once: int = 1
) -> list[RunConfig]:
    """Make these runs on the cluster at `args.scheduler`; return those that were made.

    Without an address it is a cluster of this machine, which makes so many runs at once.  A line
    on stderr says why a run was not made.
    """
    from unlearn_core.jobs import JobQueue

    _require_dask()
    needed = all_needed(configs)
    queue = JobQueue(store, args.scheduler or "", args.device, at_once=at_once)
    try:
        with ProgressBar(args.quiet) as bar:
            if at_once > 1:
                queue.load_workers()
            keys = queue.submit(configs, again=args.again)
            while queue.is_pending(keys):
                _show(needed, store, bar)
                if args.scheduler and not queue.has_workers():
                    bar.note(f"no worker is connected; start one: unlearn worker {args.scheduler}")
                time.sleep(POLL_SECONDS)
            _show(needed, store, bar)
        for config in needed:
            if not store.exists(config.key()):
                reason = _reason(config, store)
                print(f"{config.method}, seed {config.seed}, {reason}", file=sys.stderr)
    finally:
        queue.close()
    return [config for config in configs if store.exists(config.key())]


def worker(args: argparse.Namespace) -> int:
    """Take runs from a scheduler, one at a time, until it ends or the person ends this."""
    _require_dask()
    from distributed.cli.dask_worker import main as dask_worker

    from unlearn_core.cluster import use_all_threads

    use_all_threads()
    options = ["--nthreads", "1", "--resources", "slot=1", "--memory-limit", "0", "--no-dashboard"]
    dask_worker([args.scheduler, *options], standalone_mode=False)
    return 0


def has_dask() -> bool:
    """Say whether Dask is installed."""
    return importlib.util.find_spec("distributed") is not None


def _require_dask() -> None:
    if not has_dask():
        raise InputError("A cluster needs Dask; in a copy of the project: pip install '.[cluster]'")


def _show(needed: Sequence[RunConfig], store: Store, bar: ProgressBar) -> None:
    running = []
    for config in needed:
        status = store.status(config.key())
        if status is not None and status.state == "running":
            running.append(status)
        elif store.exists(config.key()):
            bar.finished(config)
    bar.several(running)


def _reason(config: RunConfig, store: Store) -> str:
    status = store.status(config.key())
    if status is None or status.state == "queued":
        return "was not made: a run that it needs did not finish"
    return f"{status.state}: {status.message}"
