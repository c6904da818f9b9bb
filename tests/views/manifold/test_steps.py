import numpy as np
import pandas as pd

from unlearn_core.views.manifold.steps import step_figure

STEPS = pd.DataFrame(
    {
        "step": [0, 0, 0, 10, 10, 10],
        "example_id": [1, 2, 3, 1, 2, 3],
        "x": np.array([0, 1, 2, 0, 5, 2], dtype=np.float32),
        "y": np.array([0, 1, 2, 0, 6, 2], dtype=np.float32),
    }
)
EXAMPLES = pd.DataFrame(
    {"example_id": [1, 2, 3], "label": [0, 1, 0], "set": ["retain", "forget", "retain_test"]}
)
HISTORY = pd.DataFrame(
    {
        "step": [0, 1, 10],
        "loss/objective": [np.nan, 0.3, np.nan],
        "probe/dimensional_alignment": [0.7, np.nan, 0.95],
        "probe/forget_accuracy": [1.0, np.nan, 0.25],
    }
)


def figure():
    return step_figure(STEPS, EXAMPLES, HISTORY, ["cat", "dog"])


def test_each_probe_is_a_frame_with_forget_examples_apart():
    drawn = figure()
    assert [frame.name for frame in drawn.frames] == ["0", "10"]
    assert drawn.frames[1].data[1].x.tolist() == [5.0]
    moved = drawn.data[drawn.frames[1].traces[1]]
    assert moved.marker.symbol == "diamond"
    assert moved.customdata.tolist() == [2]


def test_the_axes_hold_every_step():
    drawn = figure()
    low, high = drawn.layout.yaxis.range
    assert low < 0
    assert high > 6


def test_the_values_beside_are_those_of_the_step():
    texts = " ".join(figure().frames[1].data[-1].text)
    assert "0.950" in texts
    assert "25.0%" in texts


def test_steps_without_losses_or_probes_are_left_out_of_the_curves():
    curves = [trace for trace in figure().data if trace.name == "DA(D_f|D_r)"]
    assert curves[0].x.tolist() == [0, 10]
