"""The linked maps of a handout: all models and highlights at once, for no server is asked later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlearn_core.data import Dataset
from unlearn_core.metrics.verdict import WORDS
from unlearn_core.records import Sets
from unlearn_core.runs.artefact import RunArtefact
from unlearn_core.runs.comparison import REFERENCES, Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.captions import maps_caption
from unlearn_core.views.manifold import points, sprites
from unlearn_core.views.manifold.payload import Shown, map_payload

HIGHLIGHTS = ("all", "forget", "forgotten", "recognised", "collateral")
MOST_MAPS = 9
SHOWN_FIRST = 3  # the references and the best method; the others are one click away


def mapped_runs(comparison: Comparison, report: Report) -> list[RunArtefact]:
    """Return the runs of the first seed whose maps are shown, at most `MOST_MAPS`.

    The references come first, then the best method of each verdict, so that success and failure
    can be compared, then the others by rank.
    """
    seed = comparison.seeds[0]
    runs = [
        run
        for run in comparison.runs
        if run.config.seed == seed and points.missing_map(run) is None
    ]
    words = report.verdicts.set_index("label")["word"]
    first_of = {word: next((n for n in report.ranking if words[n] == word), "") for word in WORDS}
    wished = [*first_of.values(), *report.ranking]
    references = [run for run in runs if run.config.method in REFERENCES]
    others = {run.label: run for run in runs if run.config.method not in REFERENCES}
    ranked = [others[name] for name in dict.fromkeys(wished) if name in others]
    return [*references, *ranked][:MOST_MAPS]


def maps_content(
    comparison: Comparison, runs: Sequence[RunArtefact], dataset: Dataset, sets: Sets
) -> dict[str, Any]:
    """Return what the map's script is sent, as JSON types; see `payload.map_payload`.

    `highlights` besides holds, for each way of highlighting, its `name` and `label` and for each
    run its `emphasis` and its `note`; `shown` are the keys of the runs that are shown at first.
    """
    original = comparison.reference("original", runs[0].config.seed)
    table = points.join([points.run_points(run, sets, original) for run in runs])
    panels = [
        {
            "key": run.key,
            "label": run.label,
            "verdict": comparison.verdict(run).spoken,
            "facts": run.map_facts,
        }
        for run in runs
    ]
    highlights = []
    for mode in filter(points.highlights(table).__contains__, HIGHLIGHTS):
        notes = points.highlight_counts(table, mode, "both")
        content = map_payload(table, panels, dataset.class_names, Shown(mode=mode), notes=notes)
        parts = {
            panel["key"]: {"emphasis": panel["emphasis"], "note": panel["note"]}
            for panel in content["panels"]
        }
        highlights.append({"name": mode, "label": points.HIGHLIGHTS[mode], "panels": parts})
    return {
        **map_payload(table, panels, dataset.class_names),
        "pictures": "handout",
        "highlights": highlights,
        "shown": [run.key for run in runs[:SHOWN_FIRST]],
        "caption": maps_caption(panels, "aligned", points.n_examples(sets)),
        "ids_shown": table["example_id"].drop_duplicates().tolist(),
    }


def picture_sheet(dataset: Dataset, ids: Sequence[int], word: str) -> dict[str, Any]:
    """Return what is seen of these examples, in this order, the word marked, as JSON types."""
    return sprites.hovered(dataset.previews(ids), word)
