"""What the page Bring it back says of its curves."""

from types import SimpleNamespace

import pandas as pd
import pytest

from unlearn_core.runs.relearned import FRESH
from unlearn_core.views import bring_back

STEPS = (0, 1, 2, 3, 4, 5, 10, 15, 20)  # as relearning records them
METHODS = {"Original": "original", "Retrained": "retrain", "Fresh weights": FRESH}


def curves(**late):
    """Rows of curves by label with these readings at steps 10, 15 and 20, and zeros before."""
    points = [
        (label, METHODS.get(label, label.lower()), 5, step, value, 1.0)
        for label, values in {name.replace("_", " "): v for name, v in late.items()}.items()
        for step, value in zip(STEPS, [0.0] * 6 + list(values), strict=True)
    ]
    return pd.DataFrame(points, columns=bring_back.COLUMNS)


def test_known_again_is_the_mean_of_late_readings_most_first():
    found = bring_back.known_again(curves(A=[0.2, 0.9, 0.4], B=[0.6, 0.6, 0.6]), 5)
    assert found["label"].tolist() == ["B", "A"]
    assert found["known"].tolist() == pytest.approx([0.6, 0.5])
    assert found["moves"].tolist() == pytest.approx([0.0, 0.7])


def test_methods_are_counted_by_the_reference_they_end_nearer_to():
    rows = curves(
        Original=[0.9] * 3, Retrained=[0.3] * 3, Fresh_weights=[0.1] * 3,
        Rfa=[0.2, 0.9, 1.0], Muda=[0.5] * 3, trick_bias=[0.9] * 3,
    )  # fmt: skip
    rows["method"] = rows["method"].replace("trick bias", "trick_forget_bias")
    told = bring_back.answer_text(rows, 5, "cats")
    assert told == (
        "Shown 5 examples of cats again (mean over steps 10 to 20), the retrained model knows "
        "**30%** of the others, one with fresh weights **10%**, the original **90%**. Of those "
        "shown, nearer to the original: 1 method and 1 trick (Rfa **70%**); nearer to the "
        "retrained model: 1 method (Muda **50%**)."
    )


def test_models_are_listed_where_there_is_no_scale_between_the_references():
    alone = bring_back.answer_text(curves(Rfa=[0.5] * 3, Original=[0.9] * 3), 5, "cats")
    assert "Original knows **90%**, Rfa knows **50%** of the others." in alone
    same = curves(Original=[0.9] * 3, Retrained=[0.9] * 3, Rfa=[0.5] * 3)
    assert "nearer" not in bring_back.answer_text(same, 5, "cats")


def test_readings_that_still_move_are_told_and_calm_ones_are_not():
    told = bring_back.unsteady_text(curves(Retrained=[0.77, 0.38, 0.45], Rfa=[0.9] * 3), 5)
    assert "as many points as: Retrained 39." in told
    assert bring_back.unsteady_text(curves(Retrained=[0.7, 0.6, 0.6]), 5) != ""  # rounding aside
    assert bring_back.unsteady_text(curves(Retrained=[0.5, 0.55, 0.5]), 5) == ""


@pytest.mark.parametrize(("n_models", "why"), [(1, "one retrained model"), (3, "differ so much")])
def test_a_match_that_relearns_too_soon_is_explained_by_how_many_were_retrained(n_models, why):
    muda = {"key": "m", "method": "muda", "label": "MUDA", "verdict": "matched"}
    report = SimpleNamespace(
        runs=[{**muda, "caveats": ["Relearned .95"]}],
        reference={"relearn_k": SimpleNamespace(n_models=n_models)},
    )
    assert why in bring_back.matched_text(report, [SimpleNamespace(key="m")])
