import numpy as np
import pandas as pd

from unlearn_core.views.live import MOST_POINTS, live_charts, live_curves


def test_live_curves_are_thin_keep_their_last_point_and_skip_what_is_missing():
    steps = np.arange(1, 5001)
    rows = pd.DataFrame({"step": steps, "loss/objective": steps / 10.0, "phase": ""})
    rows["probe/forget_accuracy"] = np.where(steps % 500 == 0, 0.5, np.nan)
    rows["probe/linear_probe_forget"] = 1.0
    curves = live_curves(rows, "rfa")
    assert set(curves["curve"]) == {"loss/objective", "probe/forget_accuracy"}
    loss = curves[curves["curve"] == "loss/objective"]
    assert len(loss) == MOST_POINTS
    assert loss["step"].max() == 5000
    assert (curves["curve"] == "probe/forget_accuracy").sum() == 10


def test_the_live_charts_show_shares_above_losses_up_to_the_last_step():
    rows = pd.DataFrame(
        [{"step": 0, "probe/retain_accuracy": 1.0}, {"step": 1, "loss/task_loss": 2.0}]
    )
    charts = live_charts(live_curves(rows, "rfa"), total=40)
    assert list(charts) == ["probe", "loss"]
    names = [table["curve"].unique().tolist() for table, _ in charts.values()]
    assert names == [["Acc(D_r)"], ["Task loss"]]
    for title, (_, chart) in zip(("Share", "Loss"), charts.values(), strict=True):
        assert chart["encoding"]["y"]["title"] == title
        assert chart["encoding"]["x"]["scale"]["domain"] == [0, 40]


def test_from_one_refresh_to_the_next_only_the_table_of_a_live_chart_changes():
    steps = [{"step": i, "probe/retain_accuracy": 0.5, "loss/task_loss": 2.0} for i in range(30)]
    early, late = (
        live_charts(live_curves(pd.DataFrame(steps[:n]), "rfa"), total=30) for n in (2, 30)
    )
    for panel in early:
        assert early[panel][1] == late[panel][1]
        assert len(early[panel][0]) < len(late[panel][0])


def test_the_live_curve_of_retrained_begins_with_its_own_first_step_not_with_the_original():
    rows = pd.DataFrame({"step": [0, 1, 2], "probe/forget_accuracy": [1.0, 0.1, 0.0]})
    assert live_curves(rows, "retrain")["step"].tolist() == [1, 2]
    assert live_curves(rows, "rfa")["step"].tolist() == [0, 1, 2]


def test_before_the_first_step_there_are_no_curves():
    assert live_curves(pd.DataFrame(), "retrain").empty
