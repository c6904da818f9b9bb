"""What verdicts mean, and the rule by which they are reached, in words."""

from __future__ import annotations

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.findings import BROKEN_DROP, DECIDING, DOUBTFUL, HALF, LITTLE
from unlearn_core.metrics.spread import DEVIATIONS, RESOLUTION
from unlearn_core.runs.report import Report
from unlearn_core.views.tables import with_values
from unlearn_core.views.wording import capital, format_value

MEANING = {
    "matched": "by the numbers that decide, not to be told from a model that never saw the forget "
    "set",
    "partly matched": "does as well on the forget set as a model that never saw it, but something "
    "else gives it away",
    "pretends": "does as well on the forget set as a model that never saw it; inside, it still "
    "knows it",
    "remembers": "still answers what it was to forget",
    "over-forgotten": "answers the forget set worse than a model that never saw it",
    "broken": "what was to be kept is damaged",
    "too few to tell": "with so few examples, chance decides",
    "nothing to tell": "original and retrained agree, so nothing can show whether it forgot",
    "unknown": "there is nothing to compare with",
    "original": "before unlearning",
    "reference": "trained without the forget set: the target",
}
GROUPS = {
    "utility": "what was to be kept",
    "answers": "answers on the forget set",
    "features": "features",
    "attacks": "attacks",
}


KEYWORD = (
    "Texts with a keyword keep their labels, and a model retrained without them still answers "
    "{share} of them right: on D_f retraining is not the yardstick. There a model should be as "
    "unsure as one that guesses among the classes; elsewhere it should still know what it knew. "
    "Features and attacks decide nothing."
)


ANSWERS_MATCH = (
    " *Answers match* where D_f is answered right as often as by the retrained models; what the "
    "wrong answers are is told besides (Top wrong answer, and the page Predictions)."
)


def rule_text(report: Report) -> str:
    """Return the rule of `metrics.verdict` in words, with the numbers in force in a report."""
    steps = [
        f"**broken**: accuracy on {GROUPS['utility']} is off and more than "
        f"{BROKEN_DROP * 100:.0f} points below both the original's and the retrained models', or "
        "outputs are not finite.",
        "**remembers**: an answer on the forget set, or a backdoor's success, is off on the "
        f"original's side, with more than {LITTLE:.0%} of the way from the retrained models to the "
        "original left. Less is a *trace*.",
        "**over-forgotten**: an answer on the forget set is off on the other side.",
        f"**too few to tell**: answers do not tell, and chance alone may move them by more than "
        f"{RESOLUTION * 100:.0f} points.",
        "**pretends**: answers match, but the classifier alone was edited.",
        "**nothing to tell**: nothing tells the original from the retrained models, or the "
        "original is under-fitted.",
        "**pretends**: features are kept, and of the way from the original to the "
        f"retrained models more than {HALF:.0%} is left, on average over all of them. *Kept* is "
        f"what is off on the original's side, or {DOUBTFUL:.0f} deviations away on it with more "
        "than half of its own way left.",
        "**partly matched**: features or attacks that tell are off or kept, accuracy "
        "on what was to be kept is off, or a trace of an answer is left.",
        "**matched**: none of these.",
    ]
    return "\n".join(
        [
            f"A number is *off* if it is more than {DEVIATIONS:.0f} deviations from the mean of "
            "the retrained models: what these differ by, and what chance makes of so few "
            "examples. It *tells* something if the original's is off."
            f"{ANSWERS_MATCH if 'forget_accuracy' in report.reference else ''}",
            "",
            *(f"{number}. {step}" for number, step in enumerate(steps, start=1)),
            "",
            *_numbers(report),
        ]
    )


def judged_text(report: Report) -> str:
    """Say by how many retrained models a report judges; "" where there is none."""
    n_models = max((each.n_models for each in report.reference.values()), default=0)
    if n_models == 1:
        return "Judged by one retrained model, which proves little."
    return f"Judged by {n_models} retrained models." if n_models else ""


def evidence_text(report: Report) -> str:
    """Return in one line how much the retrained models of a report prove."""
    about, judged = report.comparison, judged_text(report)
    if not judged:
        return ""
    lines = [judged]
    if max(each.n_models for each in report.reference.values()) == 1:
        lines.append("What retraining varies by is taken from other data.")
    if about["left_out_seed"] is not None:
        flagged = ", ".join(METRICS[name].label for name in about["unreliable"])
        lines.append(
            f"The one of seed {about['left_out_seed']} was left out and judged like a method: "
            + (
                f"{flagged} told it from the others, so no verdict rests on it."
                if flagged
                else "nothing told it from the others."
            )
        )
    if about["forget"]["kind"] == "keyword":
        lines.append(KEYWORD.format(share=_retrained(report, "forget_accuracy")))
    if about["underfitted"]:
        lines.append(f"{capital(about['underfitted'])}; no verdict rests on its features.")
    if about["costly"]:
        lines.append(f"{capital(about['costly'])}.")
    return " ".join(lines)


def targets_text(report: Report) -> str:
    """Say whose numbers stand beside a model's."""
    if report.comparison["forget"]["kind"] == "keyword":
        return (
            "In parentheses, on D_f what guessing among the classes would give, and else the "
            "retrained models' numbers."
        )
    return "In parentheses the retrained models' numbers."


def _retrained(report: Report, metric: str) -> str:
    rows = report.rows
    values = rows[(rows["method"] == "retrain") & (rows["metric"] == metric)]["value"].dropna()
    return format_value(metric, float(values.mean()))


def _numbers(report: Report) -> list[str]:
    lines = []
    for group, names in DECIDING.items():
        known = with_values(report, [name for name in names if name in report.reference])
        numbers = [
            f"{METRICS[name].label} {format_value(name, there.mean)} (within "
            f"{format_value(name, there.within, signed=True).lstrip('+')})"
            for name in known
            if (there := report.reference.get(name)) and name not in report.comparison["unreliable"]
        ]
        if numbers:
            lines.append(f"- {GROUPS[group]}: {', '.join(numbers)}")
    return lines
