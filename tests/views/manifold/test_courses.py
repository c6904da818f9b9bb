import base64

import numpy as np
import pandas as pd
import pytest

from tests.views.manifold.test_steps import EXAMPLES, HISTORY, STEPS
from unlearn_core.views.manifold.courses import Course, courses_payload

RETRAINED = pd.DataFrame({"step": [0, 5, 9], "probe/forget_accuracy": [1.0, 0.25, np.nan]})


def payload(probe="forget_accuracy", history=HISTORY, retrained=RETRAINED):
    mixed = STEPS.sample(frac=1, random_state=0)
    course = Course(
        label="MUDA", method="muda", steps=mixed, examples=EXAMPLES, history=history
    )  # fmt: skip
    return courses_payload([course], 2, probe, retrained)


def decoded(array):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=f"<{array['dtype']}").tolist()


def test_a_frame_a_step_with_the_examples_in_one_order():
    [panel] = payload()["panels"]
    assert panel["steps"] == [0, 10]
    assert [decoded(frame["x"]) for frame in panel["frames"]] == [[0, 1, 2], [0, 5, 2]]
    assert decoded(panel["labels"]) == [0, 1, 0]
    assert decoded(panel["forget"]) == [0, 1, 0]


def test_the_axes_of_a_map_hold_every_step():
    low, high = payload()["panels"][0]["range"]["y"]
    assert low < 0
    assert high > 6


def test_curves_have_the_probes_alone_and_the_line_is_the_last_known_value():
    drawn = payload()
    assert drawn["panels"][0]["curve"] == [[0, 1.0], [10, 0.25]]
    assert drawn["retrained"] == 0.25


@pytest.mark.parametrize("retrained", [None, RETRAINED[["step"]]])
def test_without_a_retrained_model_or_its_probes_there_is_no_line(retrained):
    assert payload(retrained=retrained)["retrained"] is None
    assert payload(history=HISTORY[["step"]])["panels"][0]["curve"] == []
