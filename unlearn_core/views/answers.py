"""A few forgotten examples in a row, and under each what every model answers."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from unlearn_core.config import ForgetConfig
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.views.excerpts import excerpt, marked_html
from unlearn_core.views.markup import method_dot

SHOWN, LONG = 6, 12  # examples, and letters of an answer on one line
ON_FOUR_LINES = 56  # letters of a text
CORNER = ("Examples to forget,", "and what each", "model answers")
STYLE = """<style>
.mu-answers {border-collapse: collapse; width: 100%; table-layout: fixed; font-size: .8125rem}
.mu-answers th, .mu-answers td {padding: .06rem .2rem; text-align: center; line-height: 1.2;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap}
.mu-answers col.mu-names {width: 8rem}
.mu-answers tbody th {text-align: left; font-weight: 400; padding-left: 0; white-space: normal}
.mu-answers tbody tr > * {border-top: 1px solid rgba(128, 128, 128, .25)}
.mu-answers img {width: 58px; height: 58px; object-fit: contain; image-rendering: pixelated;
  border-radius: 3px; display: block; margin: auto}
.mu-answers .mu-words {display: -webkit-box; -webkit-line-clamp: 4; -webkit-box-orient: vertical;
  height: 4.8em; overflow: hidden; white-space: normal; text-align: left; font-size: .7rem;
  line-height: 1.2; font-weight: 400; color: inherit; overflow-wrap: break-word}
.mu-answers thead th {vertical-align: top}
.mu-answers thead a {color: inherit; text-decoration: none}
.mu-answers thead a:hover {text-decoration: underline}
.mu-answers small {display: block; opacity: .8; font-size: .7rem; font-weight: 400;
  overflow: hidden; text-overflow: ellipsis}
.mu-answers .mu-known {font-weight: 700}
.mu-answers .mu-long {display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical;
  overflow: hidden; white-space: normal; font-size: .7rem; line-height: 1.1}
</style>"""


def some_forgotten(sets: Sets, n: int = SHOWN) -> list[int]:
    """Return a few ids of the forget set, spread evenly over it."""
    ids = np.flatnonzero(sets.forget)
    rows = np.linspace(0, len(ids) - 1, min(n, len(ids))).astype(int)
    return [int(number) for number in ids[rows]]


def label_word(forget: ForgetConfig) -> str:
    """Return what stands before the label of an example to forget, which may not be its class."""
    return "labelled" if forget.kind in ("backdoor", "confusion") else "class"


def picture_tiles(ids: Sequence[int], urls: Sequence[str]) -> list[str]:
    """Return pictures, given as data URLs, as they stand in the row."""
    return [
        f'<img src="{url}" alt="example {number}">' for number, url in zip(ids, urls, strict=True)
    ]


def text_tiles(texts: Sequence[str], word: str = "") -> list[str]:
    """Return texts as they stand in the row: a few lines, the word marked; the whole on hover."""
    return [
        f'<span class="mu-words" title="{html.escape(text)}">'
        f"{marked_html(excerpt(text, word, ON_FOUR_LINES), word)}</span>"
        for text in texts
    ]


def answers_html(
    runs: Sequence[RunArtefact],
    table: pd.DataFrame,
    tiles: Sequence[str],
    links: Sequence[str] | None = None,
    *,
    corner: Sequence[str] = CORNER,
    captions: Sequence[str] | None = None,
    bold: str | None = None,
    before_label: str = "class",
) -> str:
    """Return examples as a row of pictures with their classes, and a row of answers a model.

    `table` is `views.examples.answers_table` of the examples for the runs whose outputs are kept;
    another run's answers are dashes.  Right answers are bold, for there the model still knows; or
    the answer `bold`, whatever is right.  `links` are where the pictures lead to, if anywhere;
    `corner` are the lines in the corner, `captions` stand under the ids instead of the classes
    behind `before_label`, which are left out where all have the same one and it is long.
    `tiles` are what is seen of them, by `picture_tiles` or `text_tiles`.
    """
    if captions is None:
        classes = set(table["label"])
        is_told = len(classes) == 1 and len(str(*classes)) > LONG
        captions = ["" if is_told else _caption(str(n), before_label) for n in table["label"]]
    rows = table.to_dict("records")
    shown = tiles
    if links is not None:
        shown = [_linked(tile, link) for tile, link in zip(tiles, links, strict=True)]
    head = "".join(
        f'<th scope="col">{tile}<small>id {row["id"]}{"," * bool(caption)}</small>'
        f'<small title="{html.escape(caption)}">{html.escape(caption)}</small></th>'
        for row, tile, caption in zip(rows, shown, captions, strict=True)
    )
    body = "".join(_model_row(run, rows, bold) for run in runs)
    lines = "<br>".join(html.escape(line) for line in corner)
    return (
        f'{STYLE}<table class="mu-answers"><colgroup><col class="mu-names">'
        f'{"<col>" * len(rows)}</colgroup><thead><tr><th scope="col" style="text-align: left">'
        f"<small>{lines}</small></th>{head}"
        f"</tr></thead><tbody>{body}</tbody></table>"
    )


def _caption(label: str, before: str) -> str:
    whole = f"{before} {label}"
    return whole if len(whole) <= LONG else label


def _linked(tile: str, link: str) -> str:
    return f'<a href="{html.escape(link)}" target="_self" title="Open this example">{tile}</a>'


def _model_row(run: RunArtefact, rows: Sequence[Mapping[Any, Any]], bold: str | None) -> str:
    cells = "".join(_cell(run.label, row, bold) for row in rows)
    name = html.escape(run.label)
    return (
        f'<tr><th scope="row" title="{name}">{method_dot(run.config.method)}{name}</th>{cells}</tr>'
    )


def _cell(label: str, row: Mapping[Any, Any], bold: str | None) -> str:
    if label not in row:
        return '<td title="The outputs of this model were not kept.">–</td>'
    if pd.isna(row[label]):
        return '<td title="The outputs of this model are not finite.">–</td>'
    answer = html.escape(str(row[label]))
    known = ' class="mu-known"' if row[label] == (bold or row["label"]) else ""
    sure = f"{answer}, probability {row[f'{label} p']:.0%}"
    if len(answer) > LONG:
        answer = f'<span class="mu-long">{answer}</span>'
    return f'<td{known} title="{sure}">{answer}</td>'
