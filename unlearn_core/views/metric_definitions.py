"""Definitions of the metrics, in words for people."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from unlearn_core.metrics.base import METRICS, OTHER_FORMS, MetricSpec
from unlearn_core.metrics.findings import DECIDING
from unlearn_core.views.glossary import ATTACK, PLAIN
from unlearn_core.views.symbols import as_html

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
BETTER = {
    "reference": "Target: the retrained model's value.",
    "lower": "Lower is better.",
    "higher": "Higher is better.",
}


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One metric: its name, symbol, definition, which way is better, and where it comes from.

    `plain` says what it tells without formula; it is empty where only the definition does.
    """

    name: str
    label: str
    group: str
    plain: str
    text: str
    better: str
    origin: str


ANSWERS = ("Accuracy", "Perplexity")
OF_REQUESTS = ("Backdoor",)  # measured where the request is of this kind


def groups() -> list[str]:
    """Return the groups of metrics, in the order in which they are shown: other forms last.

    What models answer comes first, by class or by token.  The one attack that verdicts rest on is a
    group by itself, before the papers' variants.
    """
    names = dict.fromkeys(group_of(spec) for spec in METRICS.values())
    return sorted(names, key=lambda group: (group == OTHER_FORMS, group not in ANSWERS))


def usual_groups(known: Sequence[str]) -> list[str]:
    """Return the groups that are shown first; `known` are the metrics that some run has."""
    measured = {METRICS[name].group for name in known}
    of_tokens = "Perplexity" in measured and "Accuracy" not in measured
    asked = [group for group in OF_REQUESTS if group in measured]
    return ["Perplexity" if of_tokens else "Accuracy", *asked, "Features", ATTACK]


def groups_named(text: str) -> list[str]:
    """Return the groups of the metrics whose labels stand in a text."""
    named = (spec for spec in METRICS.values() if spec.label in text)
    return list(dict.fromkeys(map(group_of, named)))


def group_of(spec: MetricSpec) -> str:
    """Return the group in which pages show a metric."""
    return ATTACK if spec.name in DECIDING["attacks"] else spec.group


def names_in(chosen: Sequence[str]) -> list[str]:
    """Return the names of the metrics in these groups, group by group."""
    return [definition.name for definition in grouped(chosen)]


def grouped(chosen: Sequence[str]) -> list[Definition]:
    """Return the definitions of the metrics in these groups, group by group."""
    return [
        define(spec) for group in groups() if group in chosen for spec in METRICS.values()
        if group_of(spec) == group
    ]  # fmt: skip


def explained(chosen: Sequence[str], known: Sequence[str]) -> list[Definition]:
    """Return the definitions of these groups, and of all that verdicts name besides.

    `known` are the metrics that some run has a value of.
    """
    listed = grouped(chosen)
    names = {definition.name for definition in listed}
    decide = [name for part in DECIDING.values() for name in part]
    more = [name for name in decide if name in known and name not in names]
    return [*listed, *(define(METRICS[name]) for name in more)]


def define(spec: MetricSpec) -> Definition:
    """Return a metric's definition, with a link where its source is a paper."""
    return Definition(
        name=spec.name,
        label=spec.label,
        group=group_of(spec),
        plain=PLAIN.get(spec.name, ""),
        text=" ".join(spec.definition.split()),
        better=BETTER[spec.ideal],
        origin=f"Source: {with_link(spec.source)}." if is_public(spec.source) else "",
    )


def with_hints(text: str) -> str:
    """Return a text as HTML in which a metric's label says in plain words what it tells.

    Examples
    --------
    >>> with_hints("F1 0.90 & more").startswith('<abbr title="')
    True
    >>> with_hints("F1 0.90 & more").endswith('">F1</abbr> 0.90 &amp; more')
    True
    """
    plain = {spec.label: PLAIN[name] for name, spec in METRICS.items() if name in PLAIN}
    return "".join(
        f'<abbr title="{html.escape(plain[part])}">{as_html(part)}</abbr>'
        if part in plain
        else as_html(part)
        for part in _any_of(tuple(plain)).split(text)
    )


@cache
def _any_of(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds one of these labels in a text, the longest that stands there."""
    longest_first = sorted(labels, key=len, reverse=True)
    return re.compile(rf"(?<![\w(])({'|'.join(map(re.escape, longest_first))})(?![\w(])")


def with_link(source: str) -> str:
    """Return a source with its arXiv number as a Markdown link.

    Examples
    --------
    >>> with_link("arXiv:2407.17710, eq. 1")
    '[arXiv:2407.17710](https://arxiv.org/abs/2407.17710), eq. 1'
    """
    return ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", source)


def is_public(source: str) -> bool:
    """Say whether a reader can look the source up; a note of this project is not one."""
    return "methods.md" not in source
