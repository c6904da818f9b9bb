"""`python -m unlearn_core ...`: the pipeline without a browser."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.runs.store import Store, default_root

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 2 and one clear line for bad input."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except (ValueError, LookupError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("stopped; finished runs are kept", file=sys.stderr)
        return 130


def compare(args: argparse.Namespace) -> int:
    """Make every run of a comparison that is not there yet, then print and save its table."""
    from unlearn_core.methods import METHODS, resolve_settings
    from unlearn_core.methods.settings import plain
    from unlearn_core.runs.plan import run_configs

    names = list(METHODS) if args.methods == "all" else _names(args.methods)
    settings = {
        name: plain(resolve_settings(name, preset=args.dataset))
        for name in names
        if name != "original"
    }
    configs = run_configs(_comparison(args), settings, _integers(args.seeds, "--seeds"))
    return _make_and_show(configs, args)


def run(args: argparse.Namespace) -> int:
    """Make the run that a JSON file describes, and what it needs."""
    path = Path(args.config)
    if not path.is_file():
        raise FileNotFoundError(f"There is no config file {path}.")
    try:
        config = RunConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    references = [config.original()] if config.forget.kind != "none" else []
    return _make_and_show([*references, config], args)


def sweep(args: argparse.Namespace) -> int:
    """Make one run for each value of a setting, beside the references."""
    from unlearn_core.methods import resolve_settings
    from unlearn_core.methods.settings import plain
    from unlearn_core.runs.plan import run_configs

    configs: list[RunConfig] = []
    for text in args.values.split(","):
        value = _value(text)
        settings = resolve_settings(args.method, {args.setting: value}, preset=args.dataset)
        wanted = {args.method: plain(settings)}
        configs += run_configs(_comparison(args), wanted, _integers(args.seeds, "--seeds"))
    return _make_and_show(list({config.key(): config for config in configs}.values()), args)


def listing(args: argparse.Namespace) -> int:
    """List what there is; as JSON for programs."""
    rows = _LISTS[args.what]()
    if args.json or args.what == "all":
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print("  ".join(str(row[name]) for name in ("name", "label", "source") if row.get(name)))
    return 0


def verify(args: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes the arguments
    """Check every file of every finished run; exit code 1 if something is wrong."""
    store = Store(default_root(), demo=True)
    keys = store.list()
    faults = [fault for key in keys for fault in store.verify(key)]
    for fault in faults:
        print(fault)
    unfinished = [status for status in store.statuses() if status.state == "interrupted"]
    for status in unfinished:
        print(f"note: {status.method} ({status.key}) was interrupted; nothing of it is listed")
    print(f"{len(keys)} runs checked, {len(faults)} faults.")
    return 1 if faults else 0


def clean(args: argparse.Namespace) -> int:  # noqa: ARG001
    """Remove what unfinished runs left behind."""
    removed = Store(default_root()).clean()
    print(f"{len(removed)} unfinished runs removed.")
    return 0


def demo(args: argparse.Namespace) -> int:
    """Make the shipped comparison again from nothing."""
    from unlearn_core.runs.demo import make_demo

    with _progress_bar(args.quiet) as bar:
        size = make_demo(Path(args.out) if args.out else default_root() / "demo", bar)
    print(f"The demo has {size / 1e6:.2f} MB.")
    return 0


def _make_and_show(configs: Sequence[RunConfig], args: argparse.Namespace) -> int:
    from unlearn_core.runs.pipeline import execute, validate

    store = Store(default_root())
    configs = [validate(config) for config in configs]
    if args.scheduler:
        from unlearn_core.jobs import run_on_cluster

        run_on_cluster(configs, args.scheduler, store)
    else:
        with _progress_bar(args.quiet) as bar:
            for config in configs:
                execute(config, store=store, on_progress=bar, device=args.device)
    return _show([config.key() for config in configs], store, args)


def _show(keys: Sequence[str], store: Store, args: argparse.Namespace) -> int:
    from unlearn_core.runs.comparison import Comparison, report
    from unlearn_core.views import tables

    runs = tuple(store.load(key) for key in keys)
    chosen = Comparison(key=runs[0].config.comparison_key(), runs=runs)
    content = report(chosen)
    table = tables.display_table(content)
    if not args.quiet:
        print(tables.to_text(table))
        for entry in content["runs"]:
            print(
                f"{entry['label']}, seed {entry['seed']}: {entry['verdict']} ({entry['because']})"
            )
    if args.json:
        Path(args.json).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    if args.csv:
        tables.metric_rows(content).to_csv(args.csv, index=False)
    return 0


class _progress_bar:  # noqa: N801 - used as a context manager
    """One line on the terminal, redrawn; silent where the output is not a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.shown = sys.stderr.isatty() and not quiet
        self.last = ""

    def __enter__(self) -> _progress_bar:
        return self

    def __call__(self, status: Any) -> None:
        width = 24
        done = round(width * status.fraction)
        steps = f"{status.step}/{status.total}" if status.total else ""
        line = (
            f"{status.method:<20} seed {status.seed}  {status.stage:<8} "
            f"[{'#' * done}{'.' * (width - done)}] {steps}"
        )
        if self.shown and line != self.last:
            print(f"\r{line:<79}", end="", file=sys.stderr, flush=True)
            self.last = line

    def __exit__(self, *_: object) -> None:
        if self.shown and self.last:
            print("\r" + " " * 79 + "\r", end="", file=sys.stderr, flush=True)


def _comparison(args: argparse.Namespace) -> RunConfig:
    from unlearn_core.runs.plan import comparison_config

    return comparison_config(
        args.dataset,
        _forget(args),
        model=args.model,
        width=args.width,
        train_examples=args.train_examples,
        epochs=args.epochs,
        precision=_precision(args),
    )


def _precision(args: argparse.Namespace) -> str:
    if args.precision != "auto":
        return str(args.precision)
    from unlearn_core.runs.environment import choose_device

    return "bf16" if choose_device(args.device).type == "cuda" else "fp32"


def _forget(args: argparse.Namespace) -> ForgetConfig:
    given = {
        "class": args.forget_class,
        "subclass": args.forget_subclass,
        "ids": args.forget_ids,
        "random": args.forget_random,
    }
    chosen = {kind: text for kind, text in given.items() if text is not None}
    if len(chosen) != 1:
        raise ValueError(
            "Give one of --forget-class, --forget-subclass, --forget-ids, --forget-random, "
            f"got {len(chosen)} of them."
        )
    [(kind, text)] = chosen.items()
    if text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            raise FileNotFoundError(f"There is no file of example ids {path}.")
        text = ",".join(path.read_text(encoding="utf-8").replace(",", " ").split())
    return ForgetConfig(kind=kind, values=tuple(_integers(text, f"--forget-{kind}")))


def _names(text: str) -> list[str]:
    from unlearn_core.methods import get_method

    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name != "original":
            get_method(name)
    return names


def _integers(text: str, where: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{where} takes whole numbers with commas, got {text!r}.") from None


def _value(text: str) -> Any:
    """Read a setting's value: JSON where it is JSON, otherwise the text itself."""
    try:
        return json.loads(text if not text.startswith(".") else "0" + text)
    except json.JSONDecodeError:
        return text


def _list_methods() -> list[dict[str, Any]]:
    from unlearn_core.methods import catalogue

    return catalogue()


def _list_metrics() -> list[dict[str, Any]]:
    from unlearn_core.metrics import METRICS

    keep = ("name", "label", "group", "ideal", "bounds", "unit", "source", "definition")
    return [{name: getattr(spec, name) for name in keep} for spec in METRICS.values()]


def _list_datasets() -> list[dict[str, Any]]:
    from unlearn_core.data import DATASETS

    return [{"name": s.name, "label": s.label, "source": s.source} for s in DATASETS.values()]


def _list_models() -> list[dict[str, Any]]:
    from unlearn_core.models import MODELS

    return [{"name": s.name, "label": s.label, "source": s.source} for s in MODELS.values()]


def _list_all() -> dict[str, Any]:
    return {name: _LISTS[name]() for name in ("methods", "metrics", "datasets", "models")}


def _list_runs() -> list[dict[str, Any]]:
    from unlearn_core.runs.comparison import label

    store = Store(default_root(), demo=True)
    runs = [store.load(key) for key in store.list()]
    return [{"name": run.key, "label": label(run), "config": run.config.to_dict()} for run in runs]


_LISTS: dict[str, Callable[[], Any]] = {
    "methods": _list_methods,
    "metrics": _list_metrics,
    "datasets": _list_datasets,
    "models": _list_models,
    "runs": _list_runs,
    "all": _list_all,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m unlearn_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("compare", help="run methods on one forget request and compare them")
    _comparison_options(one)
    one.add_argument("--methods", default="all", help="names with commas, or all")
    one.set_defaults(command=compare)

    one = commands.add_parser("run", help="make the run that a JSON config describes")
    one.add_argument("config", metavar="CONFIG.json")
    _output_options(one)
    one.set_defaults(command=run)

    one = commands.add_parser("sweep", help="one run for each value of a setting")
    _comparison_options(one)
    one.add_argument("--method", required=True)
    one.add_argument("--setting", required=True)
    one.add_argument("--values", required=True, help="values with commas")
    one.set_defaults(command=sweep)

    one = commands.add_parser("list", help="what there is")
    one.add_argument("what", choices=sorted(_LISTS))
    one.add_argument("--json", action="store_true")
    one.set_defaults(command=listing)

    one = commands.add_parser("verify", help="check every file of every finished run")
    one.set_defaults(command=verify)
    one = commands.add_parser("clean", help="remove what unfinished runs left behind")
    one.set_defaults(command=clean)
    one = commands.add_parser("demo", help="make the shipped comparison again from nothing")
    one.add_argument("--out", help="another folder than cache/demo")
    one.add_argument("--quiet", action="store_true")
    one.set_defaults(command=demo)
    return parser


def _comparison_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--width", type=int, help="channels of a ResNet's first stage")
    parser.add_argument("--train-examples", type=int)
    parser.add_argument("--epochs", type=int, help="of the original's training")
    parser.add_argument("--seeds", default="0", help="whole numbers with commas")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--forget-class", metavar="C[,C]")
    parser.add_argument("--forget-subclass", metavar="C[,C]")
    parser.add_argument("--forget-ids", metavar="ID,ID|@FILE")
    parser.add_argument("--forget-random", metavar="N")
    _output_options(parser)


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write every number, with reasons")
    parser.add_argument("--csv", metavar="FILE", help="write one row per run and metric")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="send the runs to a Dask cluster")
    parser.add_argument("--quiet", action="store_true", help="no progress and no table")
