"""The handout: one HTML file of a comparison, which opens from disk without a network or Python.

Its text and tables are plain HTML.  The maps are drawn by the script of the dashboard's pages and
the curves by plotly.js, which the file brings along, compressed.  Its own policy forbids it to load
or send anything.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
from pathlib import Path
from typing import Any

from unlearn_core.checks import InputError
from unlearn_core.data import DATASETS, Dataset
from unlearn_core.data.stand_in import StandIn
from unlearn_core.records import Sets
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views import answers
from unlearn_core.views.examples import answers_table, kept_sets, with_outputs
from unlearn_core.views.handout import sections
from unlearn_core.views.handout.maps import mapped_runs, maps_content, picture_sheet
from unlearn_core.views.manifold.drawing import PANELS, script, style
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.sprites import thumbnail
from unlearn_core.views.palette import ON_DARK, on_both
from unlearn_core.views.symbols import as_html
from unlearn_core.views.wording import title_of

HERE = Path(__file__).parent
MOST_BYTES = 10_000_000
ANSWERED = 4  # models whose answers stand under the pictures
# nothing is fetched and nothing is sent; plotly.js compiles its WebGL programs with `Function`
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; worker-src blob:"
)
# why the examples themselves are left out
NOT_ALLOWED = (
    "The examples of this data set are left out: they are a person's own, or its terms do not "
    "allow to hand them on."
)
TOO_LARGE = (
    f"The examples are left out: with them this file had more than {MOST_BYTES / 1e6:.0f} MB."
)
NOT_HERE = "The examples are left out: they were not on the machine that wrote this file."
ON_REQUEST = "The examples were left out when this file was written."


def handout_html(
    comparison: Comparison,
    report: Report,
    dataset: Dataset,
    sets: Sets,
    *,
    pictures: bool | None = None,
) -> str:
    """Return the handout; the same comparison gives the same text.

    `pictures` says whether examples are shown; None leaves that to the data set's terms, and leaves
    them out where the file would have more than `MOST_BYTES`.

    Raises
    ------
    InputError
        If it has more than `MOST_BYTES` all the same.
    """
    parts = comparison, report, dataset, sets
    left_out = "" if pictures else ON_REQUEST
    if pictures is None:
        left_out = "" if may_be_shown(comparison) else NOT_ALLOWED
    if isinstance(dataset, StandIn):
        left_out = NOT_HERE
    text = _document(*parts, left_out=left_out)
    if pictures is None and not left_out and len(text.encode()) > MOST_BYTES:
        text = _document(*parts, left_out=TOO_LARGE)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise InputError(
            f"A report must have at most {MOST_BYTES / 1e6:.0f} MB, got {size / 1e6:.1f} MB."
        )
    return text


def may_be_shown(comparison: Comparison) -> bool:
    """Say whether the data set's pictures may be handed on to others."""
    spec = DATASETS.get(comparison.config.data.name)
    return spec is not None and spec.may_be_shown


def _document(
    comparison: Comparison, report: Report, dataset: Dataset, sets: Sets, *, left_out: str
) -> str:
    from unlearn_core.views.handout import figures  # plotly, which the command line does without

    runs = mapped_runs(comparison, report)
    maps = maps_content(comparison, runs, dataset, sets) if runs else None
    curves = figures.curves(comparison, report)
    content = {
        "maps": maps,
        "sheet": _sheet(comparison, dataset, maps) if maps and not left_out else None,
        "curves": curves,
        "on_dark": ON_DARK,
    }
    parts = {
        "What each model answers": (
            "answers",
            _note(left_out) if left_out else _answers(comparison, report, dataset, sets),
        ),
        "What the models see": ("maps", _maps(comparison, maps)),
        "Which method forgot": ("verdicts", sections.verdicts_html(comparison, report)),
        "During unlearning": ("curves", _curves(curves)),
        "All numbers": ("numbers", sections.tables_html(report)),
        "How a verdict is reached": ("rule", sections.rule_html(report)),
        "What it was made from": ("origin", sections.provenance_html(comparison, report)),
    }
    title = as_html(title_of(comparison))
    links = "".join(f'<a href="#{name}">{head}</a>' for head, (name, _) in parts.items())
    body = "".join(
        f'<section id="{name}"><h2>{head}</h2>{inner}</section>'
        for head, (name, inner) in parts.items()
    )
    start = sections.headline_html(comparison, report, dataset, sets)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title_of(comparison))}</title>"
        f"<style>{style()}{_own('handout.css')}</style></head><body>"
        f"<header><h1>{title}</h1><nav>{links}"
        '<button id="unfold" type="button" hidden title="Paper shows what is unfolded">'
        "Unfold or fold all</button>"
        '<button id="theme" type="button" hidden>Light or dark</button></nav></header>'
        f"<main>{on_both(start)}<p id='note' hidden></p>"
        "<noscript><p>The maps and charts need JavaScript; all words and tables are here.</p>"
        f"</noscript>{on_both(body)}</main>{_scripts(figures.library(), content)}</body></html>\n"
    )


def _sheet(comparison: Comparison, dataset: Dataset, maps: dict[str, Any]) -> dict[str, Any]:
    return picture_sheet(dataset, maps["ids_shown"], comparison.config.forget.keyword)


def _answers(comparison: Comparison, report: Report, dataset: Dataset, sets: Sets) -> str:
    runs = mapped_runs(comparison, report) or list(comparison.runs)
    runs = with_outputs(runs)[:ANSWERED]
    ids = answers.some_forgotten(kept_sets(runs, sets))
    table = answers_table(runs, ids, dataset, sets)
    seen = dataset.previews(ids)
    if isinstance(seen, tuple):
        tiles = answers.text_tiles(seen, comparison.config.forget.keyword)
    else:
        tiles = answers.picture_tiles(ids, list(map(thumbnail, seen)))
    before = answers.label_word(comparison.config.forget)
    return answers.answers_html(runs, table, tiles, before_label=before)


def _maps(comparison: Comparison, maps: dict[str, Any] | None) -> str:
    if maps is None:
        return _note(why_no_maps(comparison))
    return (
        "<p>Each map shows the same examples as one model sees them: near each other means alike "
        "to that model. Diamonds are to be forgotten. If a method forgot as retraining would, "
        "they lie as they do in the <b>retrained</b> map. Draw a loop around points to see them "
        "in every model; rest the pointer on one to see it.</p>"
        '<div id="map-tools" class="tools"></div><div id="map"><div class="feature-map"></div>'
        f'</div><p class="small">{as_html(maps["caption"])}</p>'
        '<div id="selected" aria-live="polite"></div>'
    )


def _curves(curves: list[dict[str, Any]]) -> str:
    if not curves:
        return _note("No curve was kept: no method has run, or none was probed.")
    return (
        '<div id="curve-tools" class="tools"></div><div id="curve" class="chart"></div>'
        '<p class="small">Probes look at a fixed sample of every set, so that their numbers differ '
        "a little from the tables'. A name in the legend hides or shows its curve.</p>"
    )


def _note(text: str) -> str:
    return f"<p><i>{as_html(text)}</i></p>"


def _scripts(library: str, content: dict[str, Any]) -> str:
    own = _own("handout.js").replace("FEATURE_MAP", _as_module(script(PANELS)))
    return (
        f'<script type="text/plain" id="library">{_packed(library)}</script>'
        f'<script type="text/plain" id="content">{_packed(json.dumps(content))}</script>'
        f'<script type="module">{own}</script>'
    )


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _as_module(text: str) -> str:
    return f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"


def _own(name: str) -> str:
    return HERE.joinpath(name).read_text(encoding="utf-8")
