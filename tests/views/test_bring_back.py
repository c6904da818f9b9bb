"""What the page Bring it back says of its curves."""

import pandas as pd

from unlearn_core.views import bring_back


def curves(**by_label):
    """Rows of curves by label, whose method is the label in small letters, at steps 0, 1, ..."""
    points = [
        (label, label.lower(), 5, step, value, 1.0)
        for label, values in by_label.items()
        for step, value in enumerate(values)
    ]
    return pd.DataFrame(points, columns=bring_back.COLUMNS)


def test_ending_above_the_original_is_told_where_its_own_curve_moves_as_much():
    restless = [0.9, 0.4, 0.9, 0.8]
    told = bring_back.above_original_text(
        curves(Original=restless, Retrained=[0.0] * 4, Rfa=[0.5, 0.6, 0.7, 0.9]), 5
    )
    assert told.startswith("That Rfa ends above the original itself says little")
    assert told.endswith("still moves by up to 50 points.")
    calm = curves(Original=[0.8] * 4, Rfa=[0.9] * 4)
    assert bring_back.above_original_text(calm, 5) == ""
    below = curves(Original=restless, Rfa=[0.7] * 4)
    assert bring_back.above_original_text(below, 5) == ""
    many = curves(Original=restless, **{f"M{n}": [0.85] * 4 for n in range(4)})
    assert "That 4 methods end above" in bring_back.above_original_text(many, 5)
    assert bring_back.above_original_text(many, 20) == ""
