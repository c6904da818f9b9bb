"""The commands of the command line: each takes the parsed arguments and returns an exit code."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from unlearn_core.checks import InputError
from unlearn_core.cli import inputs, listings, results
from unlearn_core.cli.config_file import configs_in
from unlearn_core.cli.progress import ProgressBar
from unlearn_core.cli.remote import has_dask, make_on_cluster
from unlearn_core.config import RunConfig
from unlearn_core.runs import faults
from unlearn_core.runs.artefact import MANIFEST, CorruptRunError, OtherVersionError
from unlearn_core.runs.at_once import suits
from unlearn_core.runs.plan import all_needed
from unlearn_core.runs.store import Store, default_root

DID_NOT_WORK = 1


def compare(args: argparse.Namespace) -> int:
    """Make every run of a comparison that is not there yet, then print and save its table."""
    from unlearn_core.methods import methods_for
    from unlearn_core.runs.plan import reference_configs, relearning_configs, run_configs

    start = inputs.comparison(args)
    given = args.methods
    names = methods_for(start.model.name) if given == "all" else inputs.names(given)
    methods = [name for name in names if name != "original"]
    changed = inputs.chosen_settings(args.set, methods)
    settings = {
        name: inputs.settings(name, start, changed.get(name), preset=args.preset)
        for name in methods
    }
    configs = run_configs(start, settings, inputs.integers(args.seeds, "--seeds"))
    configs += reference_configs(start, args.reference_seeds)
    if args.audits:
        configs += relearning_configs(configs)
    return _make_and_show(configs, args)


def run(args: argparse.Namespace) -> int:
    """Make the runs that a JSON file describes, and what they need; see docs/config.md."""
    wanted: dict[str, RunConfig] = {}
    for described in configs_in(Path(args.config)):
        config = inputs.given(described, args.weights)
        for each in (config.original(), config.retrained(), config):
            wanted[each.key()] = each
    return _make_and_show(list(wanted.values()), args)


def sweep(args: argparse.Namespace) -> int:
    """Make a run for every combination of the values of settings, beside the references."""
    from unlearn_core.runs.grid import combinations
    from unlearn_core.runs.plan import reference_configs, variant_configs

    start = inputs.comparison(args)
    seeds = inputs.integers(args.seeds, "--seeds")
    grid = inputs.grid(args)
    others = inputs.chosen_settings(args.set, grid)
    variants = {
        method: [
            inputs.settings(method, start, {**others.get(method, {}), **point}, preset=args.preset)
            for point in combinations(method, values)
        ]
        for method, values in grid.items()
    }
    configs = variant_configs(start, variants, seeds)
    return _make_and_show(configs + reference_configs(start, args.reference_seeds), args)


def incremental(args: argparse.Namespace) -> int:
    """Train the retrained model on the forget set too, and print how its features change."""
    from unlearn_core.runs.plan import incremental_configs

    inputs.chosen_settings(args.set, [])  # the runs of this command have no settings
    seeds = inputs.integers(args.seeds, "--seeds")
    return _make_and_show(incremental_configs(inputs.comparison(args), seeds), args)


def listing(args: argparse.Namespace) -> int:
    """List methods, metrics, data sets, models or runs, as lines, JSON or a Markdown table."""
    if args.markdown or args.into:
        if args.what != "methods":
            raise InputError(f"Only methods are listed in Markdown, got {args.what}.")
        table = listings.methods_markdown()
        if args.into:
            old = inputs.read_text(Path(args.into), "document")
            inputs.write_text(args.into, listings.with_table(old, table))
        else:
            print(table)
        return 0
    rows = listings.LISTS[args.what]()
    if args.json or args.what == "all":
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print("  ".join(str(row[name]) for name in ("name", "label", "source") if row.get(name)))
    return 0


def verify(args: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes the arguments
    """Check every file of every finished run; exit code 1 if something is wrong."""
    store = Store(default_root(), demo=True)
    keys, notes, wrong = store.list(), [], []
    for key in keys:
        try:
            store.load(key)
        except OtherVersionError as error:
            notes.append(str(error))
            continue
        except CorruptRunError:
            pass  # told below, with what else is wrong with it
        wrong += store.verify(key)
    wrong += [
        f"The folder {key} among the runs holds no {MANIFEST}: it is no run; `clean` removes it."
        for key in store.leftovers()
    ]
    notes += [
        f"{status.method} ({status.key}) was interrupted; nothing of it is listed"
        for status in store.statuses()
        if status.state == "interrupted"
    ]
    for line in (*wrong, *(f"note: {note}" for note in notes)):
        print(line)
    print(f"{len(keys)} runs checked, {len(wrong)} faults.")
    return 1 if wrong else 0


def clean(args: argparse.Namespace) -> int:  # noqa: ARG001
    """Remove what unfinished runs left behind."""
    removed = Store(default_root()).clean()
    print(f"{len(removed)} unfinished runs removed.")
    return 0


def demo(args: argparse.Namespace) -> int:
    """Make the shipped comparisons again, from nothing or from what `--made` holds."""
    from unlearn_core.engine.shipped import SHIPMENTS, list_again, make_demo

    folder = Path(args.out) if args.out else default_root() / "demo"
    if args.keep_runs:
        list_again(folder)
        return 0
    chosen = [one for one in SHIPMENTS if args.only in (None, one.dataset)]
    if not chosen:
        known = ", ".join(dict.fromkeys(one.dataset for one in SHIPMENTS))
        raise InputError(f"Nothing ships of {args.only!r}; there are runs of {known}.")
    with ProgressBar(args.quiet) as bar, tempfile.TemporaryDirectory() as scratch:
        size = make_demo(folder, Store(Path(args.made or scratch)), bar, chosen)
    print(f"The demo has {size / 1e6:.2f} MB.")
    return 0


def _make_and_show(configs: Sequence[RunConfig], args: argparse.Namespace) -> int:
    from unlearn_core.cli.learned import show_learned
    from unlearn_core.engine.request import validate
    from unlearn_core.runs.comparison import gather

    inputs.require_writable(args)
    results.require_plotly(args)
    store = Store(inputs.require_folder(default_root()))
    unique = {config.key(): config for config in map(validate, configs)}
    configs = list(unique.values())
    if not args.quiet:
        _announce(configs)
    if not args.quiet or getattr(args, "dry_run", False):
        _tell_plan(configs, store)
    if getattr(args, "dry_run", False):
        return 0
    made = _make(configs, store, args)
    if made:
        came = gather(store.load(config.key()) for config in made)
        show = show_learned if came.learned else results.show
        show(came, args)
    return DID_NOT_WORK if len(made) < len(configs) else 0


def _tell_plan(configs: Sequence[RunConfig], store: Store) -> None:
    """Print how many runs will be made, and how long like ones took on this machine."""
    from unlearn_core.runs.inventory import timings
    from unlearn_core.views.jobs import plan_summary

    needed = all_needed(configs)
    finished = {config.key() for config in needed if store.is_whole(config.key())}
    print(plan_summary(needed, finished, timings(store)))


def _announce(configs: Sequence[RunConfig]) -> None:
    """Say how much of the data a keyword asks to forget, before any of it is."""
    from unlearn_core.data.splits import split
    from unlearn_core.engine.request import dataset_of
    from unlearn_core.views.forget_request import keyword_sizes

    asked = {(config.data, config.forget) for config in configs if config.forget.kind == "keyword"}
    for data, forget in asked:
        print(keyword_sizes(forget.keyword, split(dataset_of(data), forget)))


def _make(configs: Sequence[RunConfig], store: Store, args: argparse.Namespace) -> list[RunConfig]:
    """Make the runs, several at once where that is faster; return those that were made."""
    if args.scheduler:
        if args.jobs:
            raise InputError("--jobs is for this machine: a cluster makes one run a worker.")
        return make_on_cluster(configs, store, args)
    at_once = args.jobs or _suits(configs, store, args)
    if at_once == 1 or not has_dask():
        return _make_in_turn(configs, store, args)
    made = make_on_cluster(configs, store, args, at_once)
    return _make_in_turn(made, store, args)  # again, where code or defaults changed since


def _suits(configs: Sequence[RunConfig], store: Store, args: argparse.Namespace) -> int:
    missing = [config for config in all_needed(configs) if not store.is_whole(config.key())]
    return suits(missing, args.device)


def _make_in_turn(
    configs: Sequence[RunConfig], store: Store, args: argparse.Namespace
) -> list[RunConfig]:
    """Make the runs one after the other; a method that fails does not stop the others."""
    from unlearn_core.engine.pipeline import execute

    made = []
    with ProgressBar(args.quiet) as bar:
        for config in configs:
            try:
                execute(config, store=store, on_progress=bar, device=args.device, again=args.again)
            except Exception as error:
                if _stops_all(error, config):
                    raise
                what = f"{config.method}, seed {config.seed}, failed"
                bar.write(faults.report(error, what))
            else:
                bar.finished(config)
                made.append(config)
    return made


def _stops_all(error: Exception, config: RunConfig) -> bool:
    """Say whether no other run can work either: no disk, or no model to start from.

    A reference that diverged does not: another seed's may not.
    """
    from unlearn_core.training import DivergedError

    is_missing = isinstance(error, OSError | faults.DiskError)
    is_reference = config.role in ("original", "reference")
    return is_missing or (is_reference and not isinstance(error, DivergedError))
