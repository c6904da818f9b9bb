"""How numbers, methods and requests are written for people."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unlearn_core.config import TRIGGERS, DataConfig, ForgetConfig, RunConfig
from unlearn_core.data import DATASETS, uploads
from unlearn_core.metrics.base import METRICS

if TYPE_CHECKING:
    from unlearn_core.runs.comparison import Comparison

MOST_LISTED = 6  # names in one sentence
MOST = 1000.0  # a larger ratio is told as more than this
KEY_DIGITS = 6  # of a key, where a title alone does not tell


def format_value(metric: str, value: float | None, *, signed: bool = False) -> str:
    """Return a metric's value as text: percent for fractions, three digits otherwise.

    `signed` is for differences: with their sign, and for fractions in percentage points.
    """
    if value is None or math.isnan(value):
        return "–"
    unit = METRICS[metric].unit if metric in METRICS else "number"
    sign = "+" if signed else ""
    if unit == "fraction":
        return f"{value * 100:{sign}.1f}" + ("" if signed else "%")
    if metric in METRICS and METRICS[metric].is_relative:
        return f"{value:{sign},.1f}"
    if unit == "count":
        return f"{value:{sign},.0f}"
    if unit == "bytes":
        return f"{value / 1e6:{sign},.0f} MB"
    if unit == "ratio" and value > MOST and not signed:
        return f"> {MOST:.0f}x"
    if unit in ("seconds", "ratio"):
        return f"{value:{sign}.2f}" + ("s" if unit == "seconds" else "x")
    return f"{value:{sign}.3f}"


def distance_text(row: Mapping[str, Any]) -> str:
    """Return the distance to the retrained models' mean, such as "+1.3" or "+1.3, 2.1σ".

    The second number is the same in their deviations; of one retrained model there is none.
    `row` has `metric`, `distance` and `deviations`, as `Report.summary` has.
    """
    text = format_value(row["metric"], row["distance"], signed=True)
    sigmas = row["deviations"]
    return text if math.isnan(sigmas) else f"{text}, {sigmas:.1f}σ"


def interval_text(row: Mapping[str, Any]) -> str:
    """Return where a mean over seeds lies, in words; nothing for one seed.

    `row` has `metric`, `n_seeds`, `low`, `high` and `kind`, as `Report.summary` has.
    """
    if not row["kind"]:
        return ""
    low, high = (format_value(row["metric"], row[name]) for name in ("low", "high"))
    if row["kind"] == "range":
        return f"{row['n_seeds']} seeds, from {low} to {high}: too few for an interval"
    return f"{row['n_seeds']} seeds, {row['kind']} of the mean {low} to {high}"


def draws_text(row: Mapping[str, Any]) -> str:
    """Return how much the draws of a metric that draws differ; nothing for any other."""
    if math.isnan(row["draws"]):
        return ""
    return f"draws differ by a deviation of {format_value(row['metric'], row['draws'])}"


def describe_forget(forget: Mapping[str, Any] | ForgetConfig, class_names: Sequence[str]) -> str:
    """Return a forget request in words, such as "class 3" or "12 chosen images"."""
    if not isinstance(forget, ForgetConfig):
        forget = ForgetConfig(**forget)
    kind, values = forget.kind, list(forget.values)
    if kind == "class":
        names = [class_names[v] if v < len(class_names) else str(v) for v in values]
        return f"class{'es' if len(names) > 1 else ''} {', '.join(names)}"
    if kind == "subclass":
        return f"subclass{'es' if len(values) > 1 else ''} {', '.join(map(str, values))}"
    if kind == "ids":
        return f"{len(values)} chosen example{'s' if len(values) > 1 else ''}"
    if kind == "random":
        hard = f" of {forget.difficulty} difficulty" if forget.difficulty != "any" else ""
        draw = f" (draw {forget.seed})" if forget.seed else ""
        return f"{values[0]} random examples{hard}{draw}"
    if kind == "confusion":
        names = [class_names[v] if v < len(class_names) else str(v) for v in values[:2]]
        return f"{values[2]} examples with swapped labels of {names[0]} and {names[1]}"
    if kind == "backdoor":
        known = values[0] < len(class_names)
        return f"the backdoor to class {class_names[values[0]] if known else values[0]}"
    return f"texts with the word “{forget.keyword}”" if forget.keyword else "nothing"


def capital(text: str) -> str:
    """Return a sentence with a large first letter, the rest as it is.

    >>> capital("the backdoor still works: ASR 44 %")
    'The backdoor still works: ASR 44 %'
    """
    return text[:1].upper() + text[1:]


def data_label(config: DataConfig) -> str:
    """Return what a data set is called; what a person gave, also by its own name."""
    spec = DATASETS.get(config.name)
    label = spec.label if spec else config.name
    upload = uploads.of_config(config)
    return f"{label} ({upload.name})" if upload else label


def known_names(config: DataConfig, class_names: Sequence[str] = ()) -> Sequence[str]:
    """Return the names of a data set's classes: those given, or else what it is registered with."""
    spec = DATASETS.get(config.name)
    return class_names or (spec.class_names() if spec else ())


def comparison_title(config: RunConfig, class_names: Sequence[str] = ()) -> str:
    """Return a comparison's name in a list, such as "Handwritten digits: forget class 3".

    `class_names` are needed where the data set is registered without.
    """
    name = data_label(config.data)
    what = describe_forget(config.forget, known_names(config.data, class_names))
    part = f", {config.data.train_examples:,} examples" if config.data.train_examples else ""
    given = f", weights {config.model.weights[:8]}" if config.model.weights else ""
    if config.data.trigger != TRIGGERS[0]:
        given += f", trigger of {config.data.trigger}"
    return f"{name}{part}: forget {what} ({config.model.name}, width {config.model.width}{given})"


def title_of(comparison: Comparison) -> str:
    """Return a comparison's title with the names of classes that its runs tell."""
    return comparison_title(comparison.config, comparison.class_names)


def run_title(config: RunConfig, class_names: Sequence[str] = ()) -> str:
    """Return the title of a run's comparison; the original belongs to every request on its data."""
    title = comparison_title(config, class_names)
    return title.replace("forget nothing", "the trained model, for any request")


def comparison_titles(comparisons: Iterable[Comparison]) -> dict[str, str]:
    """Return each comparison's title by its key; those that share one also show their key.

    Such as comparisons on a folder of images before and after it was changed.
    """
    titles = {one.key: title_of(one) for one in comparisons}
    taken = Counter(titles.values())
    return {
        key: f"{title} [{key[:KEY_DIGITS]}]" if taken[title] > 1 else title
        for key, title in titles.items()
    }


def file_stem(comparison: Comparison) -> str:
    """Return a comparison's name for files, such as "handwritten-digits-forget-class-3-...".

    Letters, digits and hyphens only, as every system takes them.
    """
    return re.sub(r"[^a-z0-9]+", "-", title_of(comparison).lower()).strip("-")


def request_sentence(config: RunConfig, class_names: Sequence[str]) -> str:
    """Return what is to be forgotten from what, as one sentence in Markdown."""
    what = describe_forget(config.forget, class_names)
    return (
        f"The request: remove **{what}** from a {config.model.name} of width "
        f"{config.model.width} trained on **{data_label(config.data)}**."
    )


def listed(words: Sequence[str], most: int = MOST_LISTED) -> str:
    """Return words in one list, of many the first few and how many more.

    >>> listed(["A", "B", "C"], 2)
    'A, B and 1 more'
    """
    more = len(words) - most
    return f"{', '.join(words[:most])} and {more} more" if more > 0 else ", ".join(words)
