"""What verdicts mean, and the rule by which they are reached, in words."""

from __future__ import annotations

from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import ALIGNMENT, ALSO, COLLAPSE_DROP, DECIDING, HALF_WAY
from unlearn_core.runs.report import Report
from unlearn_core.views.tables import with_values

MEANING = {
    "matched": "close to the model that never saw the forget set",
    "under-forgotten": "still on the original's side: something of the forget set is left",
    "over-forgotten": "gone past the retrained model: it behaves unlike a model that never saw it",
    "collapsed": "what was to be kept is damaged",
    "unknown": "there is nothing to compare with",
    "original": "before unlearning",
    "reference": "trained without the forget set: the target",
}


def rule_text(report: Report) -> str:
    """Return the rule of `metrics.verdict` in words, with the numbers in force in a report."""
    within = report.tolerances
    apart = f"{within[ALIGNMENT]:.2g}"
    shares = " or ".join(
        f"{METRICS[name].label} (by more than {within[name] * 100:.1f} points)"
        for name in with_values(report, [n for n in DECIDING if n != ALIGNMENT])
    )
    features = METRICS[ALIGNMENT].label
    also = ", ".join(f"{METRICS[name].label} (by more than {within[name]:.2g})" for name in ALSO)
    return "\n".join(
        [
            f"1. **collapsed**: {METRICS['retain_test_accuracy'].label} is more than "
            f"{COLLAPSE_DROP * 100:.0f} points below the original's, or outputs are not finite.",
            f"2. **under-forgotten**: {shares} is off the retrained model's, on the original's "
            f"side; or {features} has closed less than {1 - HALF_WAY:.0%} of the gap between the "
            "original's value and the retrained model's.",
            f"3. **over-forgotten**: {shares} or {features} (by more than {apart}) has gone past "
            "the retrained model's value. Where original and retrained agree in a share, a larger "
            "one counts as under-forgotten, a smaller one as over-forgotten.",
            "4. **matched**: none of these. What else is off the retrained model's value is named "
            f"behind *but*: {also}.",
            "",
            f"{features} only counts where original and retrained differ in it by more than "
            f"{apart}. These limits are what retraining itself varies by, from three seeds on; "
            "with fewer they are fixed. For few images they are at least what chance makes.",
        ]
    )
