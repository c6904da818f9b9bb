"""A backdoor before and after unlearning: its power, and what taking it away costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from unlearn_core.config import ForgetConfig
from unlearn_core.data import Dataset
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import HALF
from unlearn_core.records import Records
from unlearn_core.runs.artefact import TRIGGERED, RunArtefact
from unlearn_core.runs.comparison import LEFT_OUT_LABEL
from unlearn_core.runs.report import Report
from unlearn_core.views.examples import rows_of
from unlearn_core.views.layout import LINE, finish, lines_across
from unlearn_core.views.manifold.small_maps import small_maps_figure
from unlearn_core.views.names import REFERENCE_NAMES
from unlearn_core.views.palette import method_colour
from unlearn_core.views.wording import listed

SUCCESS, RIGHTED, CLEAN = "backdoor_asr", "triggered_accuracy", "clean_accuracy"
WORKS, WEAKER, NEARLY, GONE = "still works", "weaker", "nearly gone", "gone"
NEVER, NOTHING, UNKNOWN = "never learned", "nothing to undo", "not measured"
TOLD = (GONE, NEARLY, WEAKER, WORKS, UNKNOWN)  # of methods, in this order
NEVER_LEARNED = (
    "The original itself never learned what the trigger means, so there is nothing to undo. More "
    "training images or more epochs would plant it."
)
AIM, BEFORE = "the aim", "before"
SHOWN = 6  # pictures in a row
SHORT = 4  # letters of a class name that stands beside a word
ROW_HEIGHT, AROUND = 30, 74  # pixels
BESIDE_BARS = 1.05
ROOM = {"success": 2.2, "righted": 1.5, "clean": 1.5}  # of axes of shares, with the words on them
WHO = {
    "original": "**{label}** gives the attacker's answer **{target}** on **{share:.1%}**",
    "retrain": "**{label}**, which never saw the poisoned ones, on **{share:.1%}**",
}
MAPS_HEIGHT = 320
POISONED = "poisoned"


def success_rows(report: Report) -> pd.DataFrame:
    """Return one row a model: how often the trigger works, and how often answers are right.

    Columns: `label`, `method`, `success`, `righted` (right though the trigger is there), `clean`
    (right without it), means over seeds, NaN where missing, and a word for each such as
    `success_word`.  First the original and the retrained model, then methods, the one that the
    trigger commands least first.
    """
    found: dict[str, dict[str, object]] = {}
    summary = report.summary
    for entry in summary[summary["metric"].isin(WORDS)].to_dict("records"):
        row = {str(name): value for name, value in entry.items()}
        name, word = WORDS[row["metric"]]
        line = found.setdefault(row["label"], {"label": row["label"], "method": row["method"]})
        line |= {name: row["mean"], f"{name}_word": word(row)}
    parts = [part for name in SHARES for part in (name, f"{name}_word")]
    table = pd.DataFrame(list(found.values()), columns=["label", "method", *parts])
    order = [*REFERENCE_NAMES]
    place = [order.index(m) if m in order else len(order) for m in table["method"]]
    table = table.assign(place=place).sort_values(["place", "success"], kind="stable")
    return table.drop(columns="place").reset_index(drop=True)


def trigger_word(row: Mapping[str, object]) -> str:
    """Say in a word what is left of the trigger's power; `row` is one of `Report.summary`."""
    value, target, start = (float(str(row[name])) for name in ("mean", "retrained", "original"))
    if _role(row) == "retrain":
        return AIM
    if math.isnan(value) or math.isnan(target):
        return UNKNOWN
    near = METRICS[SUCCESS].tolerance
    if start - target <= near and value - target <= near:
        return NEVER if _role(row) else NOTHING
    if value - target <= near:
        return GONE
    if row["side"] in ("matched", "untold"):
        return NEARLY
    if row["side"] == "off" or (value - target) > HALF * (start - target):
        return WORKS
    return WEAKER


def clean_word(row: Mapping[str, object]) -> str:
    """Say in a word what became of the accuracy without the trigger."""
    return _beside_retrained(row, "kept", "lost")


def righted_word(row: Mapping[str, object]) -> str:
    """Say in a word whether images with the trigger are answered as what they show."""
    return _beside_retrained(row, "as retrained", "short")


def _beside_retrained(row: Mapping[str, object], as_good: str, worse: str) -> str:
    value, target = (float(str(row[name])) for name in ("mean", "retrained"))
    if role := _role(row):
        return AIM if role == "retrain" else BEFORE
    if math.isnan(value) or math.isnan(target):
        return UNKNOWN
    if row["side"] in ("matched", "untold") or value >= target:
        return as_good
    return f"{100 * (target - value):.0f} points {worse}"


WORDS: dict[object, tuple[str, Callable[[Mapping[str, object]], str]]] = {
    SUCCESS: ("success", trigger_word),
    RIGHTED: ("righted", righted_word),
    CLEAN: ("clean", clean_word),
}
SHARES = [name for name, _ in WORDS.values()]


def _role(row: Mapping[Any, Any]) -> str:
    """Return "original" or "retrain" for a reference; nothing for what is judged by them."""
    method = str(row["method"])
    return method if method in REFERENCE_NAMES and row["label"] != LEFT_OUT_LABEL else ""


def _roles(rows: pd.DataFrame) -> list[str]:
    return [_role(row) for row in rows[["label", "method"]].to_dict("records")]


def success_figure(rows: pd.DataFrame, target: str) -> go.Figure:
    """Draw what `success_rows` returns: a row of bars a model, and beside them what they say.

    A dashed line repeats the retrained model's value.  What no model has is left out.
    """
    titles = {
        "success": f"with trigger: answers {target}",
        "righted": "with trigger: right",
        "clean": "without: right",
    }
    shown = [name for name in SHARES if rows[name].notna().any()]
    figure = make_subplots(
        cols=len(shown),
        subplot_titles=[titles[name] for name in shown],
        column_widths=[ROOM[name] for name in shown],
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    for column, name in enumerate(shown, start=1):
        words = rows[f"{name}_word"]
        told = [
            word if math.isnan(value) else f"{word}, {value:.1%}"
            for word, value in zip(words, rows[name], strict=True)
        ]
        shares = ["–" if math.isnan(value) else f"{value:.1%}" for value in rows[name]]
        figure.add_bar(
            x=rows[name].fillna(0.0).to_numpy(),
            y=rows["label"].to_numpy(),
            orientation="h",
            marker={
                "color": [method_colour(method) for method in rows["method"]],
                "line": {"color": LINE, "width": 1},
            },
            customdata=told,
            hovertemplate="%{y}: %{customdata}<extra></extra>",
            row=1,
            col=column,
        )
        figure.add_scatter(  # in a column of their own, which no bar and no line crosses
            x=[BESIDE_BARS] * len(rows),
            y=rows["label"].to_numpy(),
            mode="text",
            text=told if name == "success" else shares,
            textposition="middle right",
            textfont={"size": 13},
            cliponaxis=False,
            hoverinfo="skip",
            row=1,
            col=column,
        )
        for role, value in zip(_roles(rows), rows[name], strict=True):
            if role == "retrain" and not math.isnan(value):
                line = {"color": method_colour(role), "dash": "dash", "width": 1.5}
                lines_across(figure, [value], line, panel=column, layer="below")
        ticks = {"tickvals": [0, 0.5, 1], "tickformat": ".0%"}
        figure.update_xaxes(range=[0, ROOM[name]], **ticks, row=1, col=column)
    finish(figure, height=AROUND + ROW_HEIGHT * len(rows))
    figure.update_layout(showlegend=False, bargap=0.2, margin={"l": 10, "r": 10, "t": 26, "b": 28})
    figure.update_yaxes(autorange="reversed", automargin=True, showgrid=False)
    return figure


def nearly_text(report: Report) -> str:
    """Return up to which attack success rate a trigger is nearly gone; nothing where not known."""
    known = report.reference.get(SUCCESS)
    most = known.mean + known.within if known else math.nan
    return "" if math.isnan(most) else f", here a success rate of at most {most:.1%}"


def still_labelled_text(report: Report, rows: pd.DataFrame) -> str:
    """Say of whom the trigger has no power, but who still knows the poisoned training images.

    A verdict counts both; nothing where there are none.  `rows` is the report's `success_rows`.
    """
    powerless = rows[rows["success_word"].isin((GONE, NEARLY))]["label"]
    table = report.summary
    known = table[
        (table["metric"] == "forget_accuracy")
        & (table["side"] == "under")
        & table["label"].isin(powerless)
    ]
    if known.empty:
        return ""
    shares = [f"{row['label']}: {row['mean']:.0%}" for row in known.to_dict("records")]
    goal = float(known["retrained"].iloc[0])
    return (
        "The poisoned training images themselves are another matter, and verdicts count them too: "
        f"more of them still get the attacker's label than in the retrained model "
        f"({listed(shares)}; retrained {goal:.0%})."
    )


def answer_text(rows: pd.DataFrame, target: str) -> str:
    """Return in Markdown whom the trigger still commands, and who paid: a paragraph for each."""
    rows = rows.assign(role=_roles(rows))
    parts = [
        WHO[row["role"]].format(label=row["label"], target=target, share=row["success"])
        for row in rows[(rows["role"] != "") & rows["success"].notna()].to_dict("records")
    ]
    told = []
    if parts:
        where = "With the trigger on test images that show something else"
        told.append(f"{where}, {'; '.join(parts)}.")
    if NEVER in set(rows["success_word"]):
        return "\n\n".join([*told, NEVER_LEARNED])
    methods = rows[rows["role"] == ""]
    if len(methods):
        by_word = {
            word: list(methods.loc[methods["success_word"] == word, "label"]) for word in TOLD
        }
        counted = [
            f"{word} in **{len(labels)}** ({listed(labels)})"
            for word, labels in by_word.items()
            if labels
        ]
        told.append(f"Of {len(methods)} methods tried, its power is {'; '.join(counted)}.")
        wrong = methods[[str(word).endswith("short") for word in methods["righted_word"]]]
        powerless = wrong[wrong["success_word"].isin((GONE, NEARLY))]
        if len(powerless):
            shares = [f"{r['label']}: {r['righted']:.0%}" for r in powerless.to_dict("records")]
            told.append(
                "Gone is not right again: fewer such images are answered as what they show than by "
                f"the retrained model ({listed(shares)}; retrained {_retrained(rows)})."
            )
        paid = methods[methods["clean_word"].str.endswith("lost")]
        if len(paid):
            prices = [f"{row['label']}: {row['clean_word']}" for row in paid.to_dict("records")]
            told.append(f"Without the trigger, accuracy fell ({listed(prices)}).")
    return "\n\n".join(told)


def _retrained(rows: pd.DataFrame) -> str:
    """Return how often the retrained model answers images with the trigger as what they show."""
    righted = rows.loc[rows["role"] == "retrain", "righted"].dropna()
    return f"{righted.iloc[0]:.0%}" if len(righted) else "not known"


def poisoned_note(forget: ForgetConfig, class_names: Sequence[str]) -> str:
    """Say what the colour of a poisoned image's diamond is; "" of another request."""
    if forget.kind != "backdoor":
        return ""
    label = class_names[forget.values[0]]
    return (
        f"Diamonds are poisoned images, in the colour of the label that they were given, {label}; "
        f"round points of that colour truly are {label}."
    )


def some_others(
    ids: NDArray[np.int64], labels: NDArray[np.int64], target: int, n: int = SHOWN
) -> list[int]:
    """Return a few of `ids`, each of another class and none of the attacker's.

    `labels` (n_ids,) are the true classes.

    Examples
    --------
    >>> some_others(np.array([5, 6, 7, 8]), np.array([0, 2, 2, 1]), target=0)
    [8, 6]
    """
    classes = [number for number in np.unique(labels) if number != target]
    spread = np.linspace(0, len(classes) - 1, min(n, len(classes))).astype(int)
    return [int(ids[np.flatnonzero(labels == classes[place])[0]]) for place in spread]


def next_class(target: int, n_classes: int) -> int:
    """Return the class after the attacker's, or the first after the last."""
    return (target + 1) % n_classes


def captions(dataset: Dataset, ids: Sequence[int]) -> list[str]:
    """Return what stands under pictures: their classes, by the name alone where it is long."""
    names = [dataset.class_names[number] for number in dataset.labels[list(ids)]]
    return [name if len(name) > SHORT else f"class {name}" for name in names]


def poisoned_captions(clean: Dataset, poisoned: Dataset, ids: Sequence[int]) -> list[str]:
    """Return what stands under poisoned pictures: what they truly show, and their label."""
    pairs = zip(clean.labels[list(ids)], poisoned.labels[list(ids)], strict=True)
    names = clean.class_names
    return [f"{names[true]}, labelled {names[label]}" for true, label in pairs]


def triggered_answers(run: RunArtefact) -> pd.DataFrame:
    """Return `example_id`, `answer` and `probability` of every test image with the trigger.

    The answer is -1 where the model's outputs are not finite.  Empty where none were recorded.
    """
    columns = ["example_id", "answer", "probability"]
    if not run.has(TRIGGERED):
        return pd.DataFrame(columns=columns)
    records = Records.from_arrays(run.arrays(TRIGGERED))
    is_finite = np.isfinite(records.logits).all(axis=1)
    return pd.DataFrame(
        {
            "example_id": records.example_ids,
            "answer": np.where(is_finite, records.predictions, -1),
            "probability": records.probabilities.max(axis=1),
        }
    )


def triggered_table(
    answers: Mapping[str, pd.DataFrame], ids: Sequence[int], dataset: Dataset
) -> pd.DataFrame:
    """Return what each model answers on these test images with the trigger, for `answers_html`.

    `answers` holds by label what `triggered_answers` returns; where it has no answer the table
    has none.
    """
    wanted = np.asarray(ids, dtype=np.int64)
    columns: dict[str, object] = {
        "id": wanted,
        "label": [dataset.class_names[number] for number in dataset.labels[wanted]],
    }
    for label, table in answers.items():
        known = table["example_id"].to_numpy()
        if table.empty or not np.isin(wanted, known).all():
            continue
        found = table.iloc[rows_of(wanted, known)]
        columns[label] = [
            dataset.class_names[number] if number >= 0 else None for number in found["answer"]
        ]
        columns[f"{label} p"] = found["probability"].to_numpy()
    return pd.DataFrame(columns)


def poisoned_maps_figure(rows: pd.DataFrame, clean: Dataset) -> go.Figure:
    """Draw small maps in which a poisoned image has the colour of what it truly shows.

    `rows` is what `small_maps.small_map` returns of one or more runs, `clean` the data set before
    it was poisoned.
    """
    true = clean.labels[rows["example_id"].to_numpy(dtype=np.int64)]
    coloured = rows.assign(label=true, class_name=[clean.class_names[number] for number in true])
    figure = small_maps_figure(coloured, word=POISONED)
    figure.for_each_trace(_without_legend, selector=lambda t: POISONED in t.name)
    figure.update_layout(height=MAPS_HEIGHT, margin={"t": 26})
    return figure


def _without_legend(trace: go.Scatter) -> None:
    trace.update(showlegend=False)
