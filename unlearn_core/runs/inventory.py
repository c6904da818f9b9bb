"""What a store holds and takes: its runs, which need which, disk space, and removing them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from unlearn_core.checks import InputError
from unlearn_core.config import RunConfig
from unlearn_core.runs.artefact import CorruptRunError, RunArtefact, RunNotFoundError
from unlearn_core.runs.plan import parents
from unlearn_core.runs.status import ACTIVE
from unlearn_core.runs.store import Store


def stored_runs(store: Store) -> list[RunArtefact]:
    """Return every finished run that can be opened, the one made last first."""
    runs = []
    for key in store.list():
        try:
            runs.append(store.load(key))
        except (CorruptRunError, RunNotFoundError):
            continue  # named by `survey`, or just removed
    return sorted(runs, key=lambda run: run.created, reverse=True)


def timings(store: Store) -> list[tuple[RunConfig, float]]:
    """Return every finished run's config with the seconds that it took."""
    return [(run.config, run.total_seconds) for run in stored_runs(store)]


def size_of(run: RunArtefact) -> int:
    """Return the bytes of a run's files; weights shared with another run count with both."""
    return sum(entry["bytes"] for entry in run.files.values())


def disk_bytes(root: Path) -> int:
    """Return the bytes that a store's folder takes; a file with several names counts once."""
    sizes = {}
    for path in root.rglob("*"):
        try:
            if path.is_file() and not path.is_symlink():
                stat = path.stat()
                sizes[stat.st_dev, stat.st_ino] = stat.st_size
        except OSError:
            continue  # a run was finished or removed in this moment
    return sum(sizes.values())


def dependents(keys: Collection[str], configs: Sequence[RunConfig]) -> list[RunConfig]:
    """Return those of `configs` that need one of the runs, directly or by way of others."""
    lost, found = set(keys), []
    grows = True
    while grows:
        more = [
            config
            for config in configs
            if config.key() not in lost and any(p.key() in lost for p in parents(config))
        ]
        found += more
        lost |= {config.key() for config in more}
        grows = bool(more)
    return found


def own_dependents(store: Store, keys: Collection[str]) -> list[RunConfig]:
    """Return the own finished runs of a store that need one of these, in order of removal."""
    own = [run.config for run in stored_runs(store) if not store.is_shipped(run.key)]
    return dependents(keys, own)[::-1]


def remove(store: Store, keys: Sequence[str]) -> list[str]:
    """Remove finished runs and the finished ones that need them; return the removed keys.

    Raises
    ------
    InputError
        If one of them came with the project, or a queued or running job needs one.
    """
    shipped = [key for key in keys if store.is_shipped(key)]
    if shipped:
        raise InputError(f"The run {shipped[0]} came with the project and stays as it is.")
    doomed = [*(config.key() for config in own_dependents(store, keys)), *keys]
    active = [status.key for status in store.statuses() if status.state in ACTIVE]
    wanted = [store.requested(key) for key in active]
    waiting = {config.key() for config in dependents(doomed, wanted)} | {*active}.intersection(
        doomed
    )
    if waiting:
        raise InputError(
            f"{len(waiting)} queued or running job(s) need what would be removed, such as "
            f"{sorted(waiting)[0]}. Stop them first."
        )
    for key in doomed:
        if store.exists(key):
            store.delete(key)
    return doomed
