"""Names and help of commands and options."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from unlearn_core.cli import adding, commands, listings, remote, reproduction, results
from unlearn_core.config import DIFFICULTIES, TEXT_SHAPE, TRIGGERS, ModelConfig

PAPERS = ("rfa", "muda", "neglora")  # reference.PAPERS and experiments.SCALES, which load slowly
SCALES = ("smoke", "small", "full")
HELP = {
    "verify": "check every file of every finished run",
    "clean": "remove what unfinished runs left behind",
}


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others of the command line."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2 and one line."""
        self.exit(2, f"error: {message} ({self.prog} --help tells more)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets `command` to its function."""
    is_installed = Path(sys.argv[0]).stem == "unlearn"
    parser = Parser(
        prog="unlearn" if is_installed else "python -m unlearn_core",
        description="The dashboard's pipeline, without a browser.",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    one = subparsers.add_parser(
        "compare", help="run methods on one forget request and compare them"
    )
    _comparison_options(one)
    one.add_argument("--methods", default="all", help="names with commas, or all")
    _method_options(one)
    one.add_argument(
        "--audits",
        action="store_true",
        help="teach every model a few forgotten examples again, which takes 60 short steps each, "
        "and print where metrics disagree",
    )
    _handout_options(one)
    one.set_defaults(command=commands.compare)

    one = subparsers.add_parser("run", help="make the run that a JSON config describes")
    one.add_argument("config", metavar="CONFIG.json")
    _output_options(one)
    one.set_defaults(command=commands.run)

    _sweep_options(
        subparsers.add_parser(
            "sweep", help="one run for each combination of the values of settings"
        )
    )
    one = subparsers.add_parser(
        "reproduce", help="run the experiment behind a paper's table; print both side by side"
    )
    _table_options(one)
    one.set_defaults(command=reproduction.reproduce)

    one = subparsers.add_parser("incremental", help="let a model learn the class, before and after")
    _comparison_options(one)
    one.set_defaults(command=commands.incremental)

    _report_command(subparsers)
    _list_options(subparsers.add_parser("list", help="what there is"))
    _adding_commands(subparsers)
    for command in (commands.verify, commands.clean):
        one = subparsers.add_parser(command.__name__, help=HELP[command.__name__])
        one.set_defaults(command=command)
    one = subparsers.add_parser("worker", help="take runs from a Dask scheduler, one at a time")
    one.add_argument("scheduler", metavar="ADDRESS", help="as `dask scheduler` prints it")
    one.set_defaults(command=remote.worker)
    _shipping_command(subparsers)
    return parser


def _report_command(subparsers: argparse._SubParsersAction[Parser]) -> None:
    one = subparsers.add_parser("report", help="print and save a finished comparison")
    one.add_argument(
        "comparison",
        metavar="KEY",
        help="of a comparison or of one of its runs, or its beginning; see list comparisons",
    )
    _file_options(one)
    _handout_options(one)
    one.add_argument("--quiet", action="store_true", help="no table")
    one.set_defaults(command=results.report)


def _shipping_command(subparsers: argparse._SubParsersAction[Parser]) -> None:
    one = subparsers.add_parser("demo", help="make the shipped comparisons again")
    one.add_argument("--out", help="another folder than cache/demo")
    one.add_argument(
        "--made",
        metavar="STORE",
        help="keep the whole runs in this store, and start from those there",
    )
    one.add_argument(
        "--only", metavar="DATASET", help="what ships of one data set; the rest stays as it is"
    )
    one.add_argument(
        "--keep-runs", action="store_true", help="only list methods and settings again"
    )
    one.add_argument("--quiet", action="store_true")
    one.set_defaults(command=commands.demo)


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=sorted(listings.LISTS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true", help="methods: the README's table")
    parser.add_argument("--into", metavar="FILE", help="write that table into a document's marks")
    parser.set_defaults(command=commands.listing)


def _adding_commands(subparsers: argparse._SubParsersAction[Parser]) -> None:
    one = subparsers.add_parser("check-method", help="check a method's file; exit code 1 if not")
    one.add_argument("file", metavar="FILE.py")
    one.set_defaults(command=adding.check_method)
    one = subparsers.add_parser("measure", help="compute the metrics of finished runs again")
    one.add_argument("keys", nargs="*", metavar="KEY", help="runs; without any, all own runs")
    one.add_argument(
        "--relearn",
        action="store_true",
        help="teach their models a few forgotten examples again, as compare --audits does",
    )
    one.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    one.set_defaults(command=adding.measure)


def _comparison_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", default="digits")
    parser.add_argument(
        "--model", help="resnet18, for texts distilbert or distilgpt2, unless given"
    )
    parser.add_argument("--width", type=int, help="channels of a ResNet's first stage")
    hints = {field.name: field.metadata["help"] for field in fields(ModelConfig)}
    for name in TEXT_SHAPE:
        parser.add_argument(f"--{name}", type=int, metavar="N", help=hints[name])
    parser.add_argument(
        "--pretrained",
        action="store_true",
        help="start from published weights, on images scaled to 224 pixels, and fine-tune as RFA",
    )
    parser.add_argument(
        "--same-start",
        action="store_true",
        help="retrain from the original's initial weights, so that layers can be compared (RFA)",
    )
    parser.add_argument("--train-examples", type=int)
    parser.add_argument("--epochs", type=int, help="of the original's training")
    parser.add_argument("--seeds", default="0", help="whole numbers with commas")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--forget-class", metavar="C[,C]")
    parser.add_argument("--forget-subclass", metavar="C[,C]")
    parser.add_argument("--forget-ids", metavar="ID,ID|@FILE")
    parser.add_argument("--forget-random", metavar="N", nargs="?", const="128", help="128 if bare")
    parser.add_argument("--forget-backdoor", metavar="TARGET", help="poison, then forget it")
    parser.add_argument(
        "--trigger",
        choices=TRIGGERS,
        default=TRIGGERS[0],
        help="the pattern in the corner of poisoned images",
    )
    parser.add_argument(
        "--forget-confusion",
        metavar="I,J,N",
        help="swap the labels of N examples of classes I and J, then forget them",
    )
    parser.add_argument(
        "--forget-keyword", metavar="WORD", help="of texts: those that contain the word"
    )
    parser.add_argument(
        "--forget-seed", type=int, default=0, help="another draw of --forget-random"
    )
    parser.add_argument(
        "--difficulty",
        choices=DIFFICULTIES,
        default="any",
        help="of --forget-random: examples that have to be memorised least, most, or between",
    )
    parser.add_argument(
        "--set",
        metavar="METHOD.SETTING=VALUE",
        action="append",
        default=[],
        help="another value of a method's setting; may be given again",
    )
    _output_options(parser)


def _sweep_options(parser: argparse.ArgumentParser) -> None:
    _comparison_options(parser)
    parser.add_argument(
        "--grid",
        metavar="METHOD.SETTING=V,V,...",
        action="append",
        default=[],
        help="values of a method's setting; given again, every combination is run",
    )
    parser.add_argument("--method", help="with --setting and --values: the grid of one setting")
    parser.add_argument("--setting")
    parser.add_argument("--values", help="values with commas")
    _method_options(parser)
    parser.set_defaults(command=commands.sweep)


def _method_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reference-seeds",
        type=int,
        default=0,
        metavar="N",
        help="retrained models of the seeds 0 to N-1 besides, as the measure of what varies",
    )
    parser.add_argument(
        "--preset",
        metavar="NAME",
        help="settings of a paper, such as muda, where a method has them; see list methods --json",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say how many runs there are to make, and how long they may take",
    )


def _table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--paper", required=True, choices=PAPERS)
    parser.add_argument("--table", required=True, metavar="N", help="as printed, or its number")
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="smoke",
        help="smoke: digits, in minutes; small: the paper's data, cut down; full: as in the paper",
    )
    parser.add_argument("--seeds", default="0", help="whole numbers with commas")
    parser.add_argument("--json", metavar="FILE", help="write every number, with reasons")
    parser.add_argument("--csv", metavar="FILE", help="write one row for each printed number")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--quiet", action="store_true", help="no progress and no table")


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="the original is this trained checkpoint: safetensors, or a state dict of torch.save; "
        "what is retrained is trained anew",
    )
    _file_options(parser)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="send the runs to a Dask cluster")
    _jobs_option(parser)
    parser.add_argument(
        "--again", action="store_true", help="make finished runs again that other code has made"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress and no table")


def _file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write every number, with reasons")
    parser.add_argument("--csv", metavar="FILE", help="write one row per run and metric")


def _handout_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--html", metavar="FILE", help="write a report to hand out, which opens without a network"
    )
    parser.add_argument(
        "--zip", metavar="FILE", help="write all numbers, also by example, with a README"
    )
    parser.add_argument(
        "--pictures",
        action=argparse.BooleanOptionalAction,
        help="show examples in --html; by itself where the data set's terms allow it",
    )


def _jobs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=_at_least_one,
        metavar="N",
        help="runs of small networks made at once; by itself as many as there are processors",
    )
