"""Read options and files of the command line into configs; refuse bad ones in one line."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import TEXT_SHAPE, ForgetConfig, RunConfig
from unlearn_core.machine import in_gigabytes

MOST_NAMED = 12  # classes
LARGEST_TEXT = 100_000_000  # bytes of a config or of a list of ids


def comparison(args: argparse.Namespace) -> RunConfig:
    """Return the config of the original that the options describe."""
    from unlearn_core.runs.plan import comparison_config

    start = comparison_config(
        args.dataset,
        _forget(args),
        model=args.model,
        width=args.width,
        train_examples=args.train_examples,
        epochs=args.epochs,
        precision=args.precision,
        pretrained=args.pretrained,
        device=args.device,
        trigger=args.trigger,
        shape={name: n for name in TEXT_SHAPE if (n := getattr(args, name)) is not None},
    )
    return given(replace(start, same_start=args.same_start), args.weights)


def given(config: RunConfig, weights: str | None) -> RunConfig:
    """Return the config with the weights of a file as its original, where `--weights` names one."""
    if weights is None:
        return config
    from unlearn_core.engine.given import with_weights
    from unlearn_core.runs.store import Store, default_root

    return with_weights(config, Path(weights), Store(require_folder(default_root())))


def _forget(args: argparse.Namespace) -> ForgetConfig:
    given = {
        "class": args.forget_class,
        "subclass": args.forget_subclass,
        "ids": args.forget_ids,
        "random": args.forget_random,
        "backdoor": args.forget_backdoor,
        "confusion": args.forget_confusion,
        "keyword": args.forget_keyword,
    }
    chosen = {kind: text for kind, text in given.items() if text is not None}
    if len(chosen) != 1:
        raise InputError(
            f"Give one of {', '.join(f'--forget-{kind}' for kind in given)}, "
            f"got {len(chosen)} of them."
        )
    [(kind, text)] = chosen.items()
    if kind == "keyword":
        if not text.strip():
            raise InputError("--forget-keyword takes a word, got nothing.")
        return ForgetConfig(kind=kind, keyword=text.strip())
    if text.startswith("@"):
        lines = read_text(Path(text[1:]), "file of example ids")
        text = ",".join(lines.replace(",", " ").split())
    where = f"--forget-{kind}"
    if kind == "class" and not _holds_numbers(text):
        text = _numbers_of_classes(text, args.dataset)
    values = numbers(text, where) if kind == "confusion" else integers(text, where)
    if args.forget_seed and kind != "random":
        raise InputError("--forget-seed draws other random examples; it needs --forget-random.")
    if args.difficulty != "any" and kind != "random":
        raise InputError("--difficulty chooses among random examples; it needs --forget-random.")
    return ForgetConfig(
        kind=kind, values=tuple(values), seed=args.forget_seed, difficulty=args.difficulty
    )


def _holds_numbers(text: str) -> bool:
    return not any(letter.isalpha() for letter in text)


def _numbers_of_classes(text: str, dataset: str) -> str:
    """Return the numbers of classes that are called by their names, both with commas between."""
    from unlearn_core.config import DataConfig
    from unlearn_core.data import load_dataset

    known = [name.casefold() for name in load_dataset(DataConfig(name=dataset)).class_names]
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name.casefold() not in known:
            few = ", ".join(known[:MOST_NAMED]) + (", ..." if len(known) > MOST_NAMED else "")
            raise InputError(
                f"--forget-class takes whole numbers or names with commas, got {name!r}; the "
                f"classes of {dataset} are {few}."
            )
    return ",".join(str(known.index(name.casefold())) for name in asked)


def settings(
    method: str,
    start: RunConfig,
    changed: Mapping[str, Any] | None = None,
    *,
    preset: str | None = None,
) -> dict[str, Any]:
    """Return a method's settings: by `preset` where it has it, else the usual ones."""
    from unlearn_core.methods import METHODS, get_method, resolve_settings, usual_settings
    from unlearn_core.methods.settings import changed as differing

    known = {name for entry in METHODS.values() for name in entry.presets}
    if preset is not None and preset not in known:
        raise InputError(f"No method has a preset {preset!r}; known: {', '.join(sorted(known))}.")
    if preset is not None and preset in get_method(method).presets:
        return differing(resolve_settings(method, changed, preset=preset))
    return differing(usual_settings(method, start.data, start.forget, changed))


def read_text(path: Path, what: str) -> str:
    """Return a text file's content, or say in one line what is wrong with it."""
    try:
        if not path.exists():
            raise MissingFileError(f"There is no {what} {path}.")
        if not path.is_file():  # a pipe or a device may never end
            raise InputError(f"The {what} {path} must be a file; it is a folder, pipe or device.")
        if path.stat().st_size > LARGEST_TEXT:
            most = in_gigabytes(LARGEST_TEXT)
            raise InputError(f"The {what} {path} must have at most {most}.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"The {what} {path} must be text in UTF-8; it is not.") from None
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The {what} {path} cannot be read: {error.strerror}.") from error


def write_text(path: str, text: str) -> None:
    """Write a text file that an option names, in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: str, content: bytes) -> None:
    """Write a file that an option names; where that does not work, the error names the file."""
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def require_folder(root: Path) -> Path:
    """Return the store's folder, or say that something else lies there."""
    if root.exists() and not root.is_dir():
        raise InputError(f"The cache must be a folder, got {root} (set by UNLEARN_CACHE).")
    return root


def require_writable(args: argparse.Namespace) -> None:
    """Raise `ValueError` unless what is asked for can be written, before hours of work are."""
    for option in ("json", "csv", "html", "zip"):
        text = getattr(args, option, None)
        if not text:
            continue
        try:
            _require_place(option, Path(text))
        except (OSError, ValueError) as error:  # such as a name that is too long
            if isinstance(error, InputError):
                raise
            raise InputError(f"--{option} cannot be a file: {error}") from error


def _require_place(option: str, path: Path) -> None:
    if path.is_dir():
        raise InputError(f"--{option} must be a file, got the folder {path}.")
    if not path.parent.is_dir():
        raise InputError(f"--{option} must be in a folder that exists, got {path}.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"--{option} must be writable, got {path}.")


def names(text: str) -> list[str]:
    """Read names of methods with commas; an unknown one is a `ValueError`."""
    from unlearn_core.methods import get_method

    methods = [name.strip() for name in text.split(",") if name.strip()]
    for name in methods:
        if name != "original":
            get_method(name)
    return methods


def integers(text: str, where: str) -> list[int]:
    """Read whole numbers with commas, each once."""
    return list(dict.fromkeys(numbers(text, where)))


def numbers(text: str, where: str) -> list[int]:
    """Read whole numbers with commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{where} takes whole numbers with commas, got {text!r}.") from None


def chosen_settings(options: Sequence[str], methods: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read `METHOD.SETTING=VALUE` of each `--set`: by method, what is changed of its settings.

    Names and values are held to the method's settings when these are resolved.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for option in options:
        where, is_given, text = option.partition("=")
        method, has_setting, name = where.partition(".")
        if not (is_given and has_setting and name):
            raise InputError(f"--set takes METHOD.SETTING=VALUE, got {option!r}.")
        if method not in methods:
            known = ", ".join(methods) or "none with settings"
            raise InputError(f"--set {where} names no method of this command; it makes {known}.")
        chosen.setdefault(method, {})[name] = value(text, "--set")
    return chosen


def grid(args: argparse.Namespace) -> dict[str, dict[str, list[Any]]]:
    """Read what `sweep` varies: by method and setting, the values to try, each once.

    `--method M --setting S --values V,V` says the same as `--grid M.S=V,V`.
    """
    one = [args.method, args.setting, args.values]
    if any(part is not None for part in one) and None in one:
        raise InputError("--method, --setting and --values go together; or give --grid alone.")
    given = [] if one[0] is None else [(f"{args.method}.{args.setting}", args.values, "--values")]
    for option in args.grid:
        where, is_given, text = option.partition("=")
        method, has_setting, name = where.partition(".")
        if not (is_given and method and has_setting and name):
            raise InputError(f"--grid takes METHOD.SETTING=VALUE,VALUE,..., got {option!r}.")
        given.append((where, text, "--grid"))
    if not given:
        raise InputError("Give what to vary: --grid METHOD.SETTING=VALUE,VALUE,...")
    fixed = {option.partition("=")[0] for option in args.set}
    chosen: dict[str, dict[str, list[Any]]] = {}
    for where, text, option in given:
        method, _, name = where.partition(".")
        if where in fixed or name in chosen.get(method, {}):
            raise InputError(f"{option} {where}: its values are given twice; leave one out.")
        chosen.setdefault(method, {})[name] = several(text, option)
    return chosen


def several(text: str, option: str) -> list[Any]:
    """Read values with commas, each once; with brackets in them as JSON, for lists of names."""
    split = [value(part.strip(), option) for part in text.split(",")]
    found: Any = split if "[" not in text else value(f"[{text}]", option)
    if not isinstance(found, list) or "" in found:
        raise InputError(f"{option} takes values with commas, got {text!r}.")
    return list({repr(one): one for one in found}.values())


def value(text: str, option: str = "--values") -> Any:
    """Read a setting's value: JSON where it is JSON, otherwise the text itself."""
    try:
        value = json.loads(text if not text.startswith(".") else "0" + text)
    except json.JSONDecodeError:
        return text
    except (RecursionError, ValueError) as error:  # nested deeply, or thousands of digits
        raise InputError(f"{option} takes numbers and words: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{option} takes finite numbers, got {text!r}.")
    return value
