"""A lesson in stops: where to go, what to look at, what to ask, and the answer in numbers.

A stop that the comparison at hand has no numbers for is left out, so that a lesson of any
comparison can be walked to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from unlearn_core.metrics.findings import DOUBTFUL
from unlearn_core.runs.artefact import PROBE_PREFIX
from unlearn_core.runs.comparison import REFERENCES, Comparison, is_trick
from unlearn_core.runs.gamma_sweep import sweeps
from unlearn_core.runs.report import Report
from unlearn_core.views import backdoor, fooling
from unlearn_core.views import lesson_answers as answers
from unlearn_core.views.gamma import gamma_rows
from unlearn_core.views.history import (
    ALL_SEEDS,
    CURVES,
    method_labels,
    method_rows,
    reference_lines,
)
from unlearn_core.views.lesson_answers import ACCURACY, ALIGNMENT, F1, mean_of
from unlearn_core.views.metric_definitions import groups, groups_named
from unlearn_core.views.overview import VerdictCard, verdict_cards
from unlearn_core.views.wording import describe_forget, title_of

FEW_METHODS = ("finetune", "muda", "scrub")  # what a class waits for, beside retraining
MOST_REQUESTS = 3  # with their verdicts, what the bar has room for
MORE_CURVES = 3  # of matched methods, beside those that are drawn anyway
TRUE_CLASS = "triggered_accuracy"
ANOTHER_CLASS = "another_class_wanted"  # asks the Unlearn page for a class that nobody forgot yet


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """What the answers are written from; what takes long to read is read when it is asked for.

    `nearest` returns for a run's key the share of the images to forget nearest to each class,
    `answered` the share that it answers with each class, `report_of` the report of another
    comparison.
    """

    comparison: Comparison
    report: Report
    class_names: Sequence[str]
    comparisons: Sequence[Comparison]
    histories: Callable[[], pd.DataFrame]
    nearest: Callable[[str], Mapping[str, float]]
    answered: Callable[[str], Mapping[str, float]]
    report_of: Callable[[Comparison], Report]

    def within(self, metric: str) -> float:
        """Return how far from the retrained models still counts as matched; NaN if not known."""
        return self.report.comparison["matched_within"].get(metric, float("nan"))

    def hardly_differ(self, metric: str) -> float:
        """Return two deviations of the retrained models; NaN if not known."""
        known = self.report.reference.get(metric)
        return DOUBTFUL * known.deviation if known else float("nan")

    def original_of(self, label: str, metric: str) -> float:
        """Return the originals' mean number, of the seeds that a method ran with."""
        seeds = {run["seed"] for run in self.report.runs if run["label"] == label}
        values = [
            run["metrics"].get(metric)
            for run in self.report.runs
            if run["method"] == "original" and run["seed"] in seeds
        ]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else float("nan")

    def before_and_after(self, metric: str) -> tuple[float, float]:
        """Return a number of the original and of the retrained models; NaN where missing."""
        table = self.report.summary
        return mean_of(table, "original", metric), mean_of(table, "original", metric, "retrained")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One step of the lesson.

    `page` is the file that shows it and `target` the CSS selector of what it speaks of;
    `choices` returns what the page's widgets are set to, by key.  `is_there` says whether the
    comparison has what the stop is about.
    """

    page: str
    target: str
    title: str
    look: str
    ask: str
    answer: Callable[[Material], str]
    is_there: Callable[[Material], bool]
    choices: Callable[[Material], Mapping[str, object]] = lambda _: {}


def stops(material: Material) -> list[Stop]:
    """Return the stops that this comparison has something to show at."""
    return [stop for stop in LESSON if stop.is_there(material)]


def stop_at(stops: Sequence[Stop], number: int) -> tuple[int, Stop]:
    """Return the stop of this number, counted from 1, and the number; the last for a larger one."""
    last = min(number, len(stops))
    return last, stops[last - 1]


def _references(material: Material) -> list[str]:
    seed = material.comparison.seeds[0]
    found = (material.comparison.reference(name, seed) for name in REFERENCES)
    return [run.label for run in found if run is not None and run.projections()]


def _maps_answer(material: Material) -> str:
    comparison = material.comparison
    retrained = comparison.reference("retrain", comparison.seeds[0])
    is_by_class = comparison.config.forget.kind in answers.WHOLE_CLASSES
    key = retrained.key if retrained and is_by_class else ""
    nearest = material.nearest(key) if key else {}
    answered = material.answered(key) if key and not nearest else {}
    numbers = (*material.before_and_after(F1), material.hardly_differ(F1))
    told = answers.heaps_text(*numbers, nearest, answered)
    if _is_backdoor(material):
        told += answers.truly_text(material.before_and_after(TRUE_CLASS)[1])
    return told


def _accuracy_answer(material: Material) -> str:
    return answers.accuracy_text(
        *_cards_and_sides(material),
        *material.before_and_after(ACCURACY),
        material.within(ACCURACY),
        is_backdoor=_is_backdoor(material),
    )


def _is_backdoor(material: Material) -> bool:
    return material.comparison.config.forget.kind == "backdoor"


def _trigger_answer(material: Material) -> str:
    target = material.class_names[material.comparison.config.forget.values[0]]
    return backdoor.answer_text(backdoor.success_rows(material.report), target)


def _accuracy_choices(material: Material) -> dict[str, object]:
    """Show the methods that the answer speaks of, and what it says of the first one."""
    alike = answers.answering_alike(*_cards_and_sides(material))
    told = groups_named(alike[0].because) if alike else []
    return {
        "metric_groups": [group for group in groups() if group in ("Accuracy", *told)],
        "metric_methods": [card.label for card in alike],
    }


def _cards_and_sides(material: Material) -> tuple[list[VerdictCard], dict[str, str]]:
    table = material.report.summary
    sides = table[table["metric"] == ACCURACY].set_index("label")["side"]
    cards = verdict_cards(material.comparison, material.report)
    return cards, {str(label): str(side) for label, side in sides.items()}


def _trick_answer(material: Material) -> str:
    table, lines = (
        material.report.summary,
        fooling.answer_lines(fooling.found_rows(material.report), everything=False),
    )
    told = "".join(f"\n- {line}" for line in lines)
    tricks = table[table["method"].map(is_trick).astype(bool) & (table["metric"] == ALIGNMENT)]
    alignments = {
        str(row["label"]): (float(row["mean"]), material.original_of(str(row["label"]), ALIGNMENT))
        for row in tricks.to_dict("records")
    }
    original, retrained = material.before_and_after(ALIGNMENT)
    within = material.within(ALIGNMENT)
    features = answers.features_text(alignments, retrained - original, within)
    return f"{features}\n{told}" if features else told


def _steps_answer(material: Material) -> str:
    rows = material.histories()
    lines = reference_lines(rows, f"{PROBE_PREFIX}{ALIGNMENT}")
    original, retrained = (lines.get(name, float("nan")) for name in REFERENCES)
    drawn = rows[rows["label"].isin(_curve_methods(material))]
    curves = method_rows(drawn, f"{PROBE_PREFIX}{ALIGNMENT}")
    cards = verdict_cards(material.comparison, material.report)
    broken = {card.label for card in cards if card.word == "broken"}
    return answers.steps_text(curves, original, retrained, material.within(ALIGNMENT), broken)


def _curve_methods(material: Material) -> list[str]:
    """Return the methods whose curves are drawn.

    The usual ones, others that are matched, and the one that ends farthest from retrained.
    """
    rows = material.histories()
    labels = method_labels(rows)
    words = {card.label: card.word for card in verdict_cards(material.comparison, material.report)}
    others = [label for label in labels[CURVES:] if label in words]
    matched = [label for label in others if words[label] == "matched"][:MORE_CURVES]
    quantity = f"{PROBE_PREFIX}{ALIGNMENT}"
    goal = reference_lines(rows, quantity).get("retrain", float("nan"))
    curves = method_rows(rows[rows["label"].isin(others)], quantity)
    ends = curves[curves["step"] == curves.groupby(["label", "seed"])["step"].transform("max")]
    gaps = (ends.groupby("label")["value"].mean() - goal).abs().dropna()
    farthest = [str(gaps.idxmax())] if len(gaps) else []
    return list(dict.fromkeys([*labels[:CURVES], *matched, *farthest]))


def _curve_choices(material: Material) -> dict[str, object]:
    """Show what the answer speaks of, the alignment on the way: of all seeds, which it averages."""
    several = {"curve_seed": ALL_SEEDS} if len(material.comparison.seeds) > 1 else {}
    return {
        "curve_kind": "Probes",
        "probe": ALIGNMENT,
        "curve_axis": "share",  # or long runs press the others into the left edge
        "curve_methods": _curve_methods(material),
        **several,
    }


def _gamma_rows(material: Material) -> pd.DataFrame:
    own = [
        sweep
        for sweep in sweeps(material.comparisons, material.comparison.config)
        if sweep.comparison.key == material.comparison.key
    ]
    return gamma_rows(own)


def _requests_answer(material: Material) -> str:
    here = material.comparison
    alike = [each for each in material.comparisons if _data(each) == _data(here) and each != here]
    on_this = _tried(material, [here, *alike][:MOST_REQUESTS])
    if len(on_this) > 1:
        return answers.requests_text(on_this, [])
    # alone it says little: one of each kind first, single examples and other kinds before all
    others = [each for each in material.comparisons if _data(each) != _data(here)]
    kinds = [each.config.forget.kind for each in others]
    first = [each for n, each in enumerate(others) if kinds.index(kinds[n]) == n]
    own = here.config.forget.kind
    first.sort(
        key=lambda each: (
            each.config.forget.kind not in answers.SINGLE,
            each.config.forget.kind == own,
        )
    )
    others = [*first, *(each for each in others if each not in first)]
    return answers.requests_text(on_this, _tried(material, others[: MOST_REQUESTS - len(on_this)]))


def _tried(material: Material, comparisons: Sequence[Comparison]) -> list[answers.Tried]:
    """Return what came out of these comparisons.

    Each is named by its title where its data are others, or where another has the same request.
    """
    here = _data(material.comparison)
    requests = [describe_forget(each.config.forget, material.class_names) for each in comparisons]
    return [
        answers.Tried(
            what=request
            if _data(each) == here and requests.count(request) == 1
            else title_of(each),
            kind=each.config.forget.kind,
            cards=cards,
        )
        for each, request in zip(comparisons, requests, strict=True)
        if (cards := verdict_cards(each, material.report_of(each)))
    ]


def _data(comparison: Comparison) -> tuple[object, ...]:
    return comparison.config.data.name, comparison.config.data.train_examples


LESSON = (
    Stop(
        page="pages/manifolds.py",
        target=".feature-map",
        title="Before and after",
        look="Each point is an example, the diamonds are those to forget. Find the diamonds in the "
        "original's map, then in the map of the retrained model, which never saw them.",
        ask="Where have they gone, and why there?",
        answer=_maps_answer,
        is_there=lambda material: len(_references(material)) == len(REFERENCES),
        choices=lambda material: {"models": _references(material)},
    ),
    Stop(
        page="pages/backdoor.py",
        target=".st-key-success",
        title="The trigger",
        look="Left: how often the trigger makes a model answer what the attacker wants. Middle: "
        "how often it answers right though the trigger is there. Compare with the retrained model.",
        ask="Who took the trigger's power away, and is that enough?",
        answer=_trigger_answer,
        is_there=_is_backdoor,
    ),
    Stop(
        page="pages/metrics.py",
        target=".mu-scroll",
        title="Accuracy is not enough",
        look="Compare each method's accuracy on the examples to forget, Acc(D_f), with the "
        "retrained model's.",
        ask="Who has the right accuracy? Have all of them forgotten?",
        answer=_accuracy_answer,
        is_there=lambda material: (  # language models have no accuracy
            bool(material.report.ranking) and ACCURACY in material.report.reference
        ),
        choices=_accuracy_choices,
    ),
    Stop(
        page="pages/fooling.py",
        target=".mu-scroll",
        title="The trick",
        look="A trick changes what a model answers, and nothing else. See which audits call it as "
        "good as retrained, and which do not.",
        ask="What did the tricks change in the model, and what is still there?",
        answer=_trick_answer,
        is_there=lambda material: not fooling.found_rows(material.report).empty,
        choices=lambda _: {"audits_all": False},
    ),
    Stop(
        page="pages/alignment.py",
        target=f".st-key-history_{ALIGNMENT}",
        title="Forgetting step by step",
        look="DA is how much of what is left of the forgotten examples fits in with the others. "
        "Follow each method's curve from the left.",
        ask="Which method reaches the retrained model's line, which stays, which turns back?",
        answer=_steps_answer,
        is_there=lambda material: bool(method_labels(material.histories())),
        choices=_curve_choices,
    ),
    Stop(
        page="pages/gamma.py",
        target=".st-key-gamma",
        title="One setting, two goals",
        look="Gamma weighs moving the features against getting the answers right. Read the charts "
        "from left (answers alone) to right (features alone).",
        ask="Which value would you choose here?",
        answer=lambda material: answers.gamma_text(_gamma_rows(material)),
        is_there=lambda material: len(_gamma_rows(material)["gamma"].unique()) > 1,
    ),
    Stop(
        page="pages/unlearn.py",
        target=".st-key-forget_kind",
        title="Your own request",
        look="The form has another class, of data that is at hand, and a few methods; take it or "
        "single examples, launch them and watch them work.",
        ask="Predict first: will any of them look like a network that never saw it?",
        answer=_requests_answer,
        is_there=lambda _: True,
        choices=lambda _: {ANOTHER_CLASS: True},
    ),
)
