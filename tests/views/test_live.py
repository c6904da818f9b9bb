import numpy as np
import pandas as pd

from unlearn_core.views.live import MOST_POINTS, live_charts, live_curves
from unlearn_core.views.palette import METRIC_STYLES


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


def test_language_models_have_perplexities_between_alignment_and_losses():
    rows = pd.DataFrame(
        [
            {"step": 0, "probe/perplexity_forget": 20.0, "probe/dimensional_alignment": 0.5},
            {"step": 0, "probe/perplexity_retain": 15.0, "probe/perplexity_forget_test": 30.0},
            {"step": 1, "loss/objective": 3.0, "probe/perplexity_forget": 9e6},
        ]
    )
    charts = live_charts(live_curves(rows, "rfa"), total=4)
    names = {panel: table["curve"].unique().tolist() for panel, (table, _) in charts.items()}
    assert names == {
        "probe": ["DA(D_f|D_r)"],
        "perplexity": ["PPL(D_f)", "PPL(D_r)"],
        "loss": ["Objective"],
    }
    table, chart = charts["perplexity"]
    assert table["value"].tolist() == [20.0, 9e6, 15.0]
    assert chart["encoding"]["y"]["title"] == "Perplexity"
    assert chart["encoding"]["y"]["scale"]["type"] == "log"
    scale = chart["encoding"]["color"]["scale"]
    colours = dict(zip(scale["domain"], scale["range"], strict=True))
    assert colours == {
        "PPL(D_f)": METRIC_STYLES["forget_accuracy"].colour,
        "PPL(D_r)": METRIC_STYLES["retain_accuracy"].colour,
    }


def test_the_probes_of_language_models_are_among_the_live_curves(explained):
    history = explained.runs["rfa"].history()
    charts = live_charts(live_curves(history, "rfa"), total=int(history["step"].max()))
    assert list(charts) == ["probe", "perplexity", "loss"]
    table, _ = charts["perplexity"]
    assert set(table["curve"]) == {"PPL(D_f)", "PPL(D_r)"}
    assert (table["value"] > 1).all()


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
