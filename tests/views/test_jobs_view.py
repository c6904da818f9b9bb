"""Wording and frames for jobs, requests, settings forms and live curves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from unlearn_core.config import ForgetConfig, RunConfig
from unlearn_core.data.splits import split
from unlearn_core.runs.status import Status
from unlearn_core.views import forget_request as requests
from unlearn_core.views import jobs
from unlearn_core.views import settings_form as forms
from unlearn_core.views.live import MOST_POINTS, live_charts, live_curves

CLASS_3 = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
MUDA = replace(CLASS_3, method="muda", settings={"alpha": 0.1})
LABELS = {"muda": "MUDA", "retrain": "Retrained"}
RATE = {"name": "learning_rate", "type": "float", "default": 1e-3, "choices": [], "between": None}
RATE = {**RATE, "positive": True, "help": ""}


def status(key, state, **more):
    return Status(key=key, method="muda", seed=0, state=state, **more)


def test_everything_needed_is_listed_once_and_parents_come_first():
    needed = jobs.all_needed([CLASS_3, MUDA])
    assert needed == [CLASS_3.base(), CLASS_3.retrained(), CLASS_3, MUDA]
    names = [jobs.run_name(config, LABELS) for config in needed]
    assert names == ["Original (trained)", "Retrained", "Original (measured)", "MUDA"]


def test_an_estimate_is_the_median_of_like_runs():
    other_class = replace(MUDA, forget=ForgetConfig(kind="class", values=(5,)))
    timings = [(replace(other_class, seed=seed), float(seed)) for seed in (1, 2, 9)]
    assert jobs.estimate(MUDA, timings) == jobs.Estimate(seconds=2.0, n_runs=3)
    assert jobs.estimate(MUDA, [*timings, (MUDA, 4.0)]) == jobs.Estimate(seconds=4.0, n_runs=1)


def test_no_estimate_rests_on_another_model_or_recipe():
    wider = replace(MUDA, model=replace(MUDA.model, width=8))
    longer = replace(CLASS_3, training=replace(CLASS_3.training, epochs=99)).retrained()
    assert jobs.estimate(MUDA, [(wider, 1.0)]) is None
    assert jobs.estimate(CLASS_3.retrained(), [(longer, 1.0)]) is None
    assert jobs.estimate(CLASS_3, [(CLASS_3.base(), 1.0)]) is None


def test_the_plan_tells_what_exists_what_waits_and_what_is_left():
    needed = jobs.all_needed([MUDA])
    finished, waiting = {CLASS_3.base().key()}, {CLASS_3.retrained().key()}
    table = jobs.plan_table(needed, finished, waiting, [(MUDA, 75.0)], LABELS)
    assert table["State"].tolist() == ["exists already", "in the queue", "to make"]
    assert table["Time"].tolist() == ["", "no estimate yet", "about 1 min 15 s (from 1 run)"]
    assert jobs.left_to_make(table) == 1
    assert jobs.plan_summary(needed, finished, [(MUDA, 75.0)]) == (
        "2 runs to make, 1 exists already. About 1 min 15 s, estimated from 1 finished run; "
        "no estimate yet for the other 1."
    )
    everything = {config.key() for config in needed}
    assert "costs nothing" in jobs.plan_summary(needed, everything, [])


def test_waiting_runs_have_places_and_running_ones_come_first():
    found = [status("a", "queued"), status("b", "failed"), status("c", "queued")]
    found += [status("d", "running", stage="unlearn", step=1200, total=2400)]
    assert jobs.positions(found) == {"a": 1, "c": 2}
    assert [job.key for job in jobs.in_order(found)] == ["d", "b", "a", "c"]
    assert jobs.headline(found) == "1 running, 2 queued, 1 failed"
    assert jobs.active(found) == {"a", "c", "d"}
    assert jobs.progress_text(found[-1]) == "Unlearning, step 1,200 of 2,400"


@pytest.mark.parametrize("text", ["3;x", "1.5", "-1"])
def test_ids_that_are_not_whole_numbers_are_refused(text):
    with pytest.raises(ValueError, match="whole numbers"):
        requests.parse_ids(text)


def test_set_sizes_are_those_of_the_split(small_dataset):
    sets = split(small_dataset, ForgetConfig(kind="class", values=(0,)))
    sizes = {name: int(count) for name, count, _ in requests.set_sizes(sets)}
    assert sizes == {"D_f": 8, "D_r": 24, "D_ft": 4, "D_rt": 12}
    assert requests.spread(sets.forget, 3) == [0, 16, 28]
    assert requests.training_ids(small_dataset, 1)[:2] == [1, 5]


def test_pages_of_a_gallery_cover_every_image_once():
    ids = list(range(25))
    count = requests.page_count(len(ids), 12)
    assert [i for n in range(1, count + 1) for i in requests.page_of(ids, n, 12)] == ids
    assert requests.page_count(0, 12) == 1


def test_presets_start_with_the_data_sets_own_and_are_complete():
    rows = [RATE, {**RATE, "name": "epochs", "type": "int", "default": 1}]
    method = {"settings": rows, "presets": {"muda": {"epochs": 3}, "digits": {"learning_rate": 1}}}
    labels = {"digits": "Digits", "cifar10": "CIFAR-10"}
    found = forms.presets(method, "digits", CLASS_3.forget, labels)
    assert list(found) == ["digits", "muda", "defaults"]
    assert found["digits"] == {"learning_rate": 1.0, "epochs": 1}
    assert type(found["digits"]["learning_rate"]) is float
    assert list(forms.presets(method, "cifar10", CLASS_3.forget, labels)) == [
        "defaults",
        "muda",
        "digits",
    ]


def test_a_preset_for_the_scenario_comes_before_the_data_sets_own():
    presets = {"digits": {"learning_rate": 1}, "digits sample": {"learning_rate": 2}, "muda": {}}
    method = {"settings": [RATE], "presets": presets}
    labels = {"digits": "Digits"}
    sample = ForgetConfig(kind="random", values=(50,))
    assert list(forms.presets(method, "digits", sample, labels)) == [
        "digits sample",
        "muda",
        "defaults",
        "digits",
    ]
    assert next(iter(forms.presets(method, "digits", CLASS_3.forget, labels))) == "digits"
    assert forms.preset_label("digits sample", labels) == "For Digits, single images"
    assert forms.preset_label("digits", labels) == "For Digits"


def test_small_numbers_survive_the_way_through_a_form_exactly():
    for value in (5e-5, 1e-3, 0.1 + 0.2, 1 / 3):
        assert forms.from_widget(RATE, forms.to_widget(RATE, value)) == value


@pytest.mark.parametrize(
    ("shown", "message"),
    [("abc", "must be a number"), ("0", "above 0"), ("nan", "finite"), (None, "must be a number")],
)
def test_a_wrong_number_is_refused_in_one_line(shown, message):
    with pytest.raises(ValueError, match=message) as caught:
        forms.from_widget(RATE, shown)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["-0.1", "1.1"])
def test_bounds_are_kept(value):
    with pytest.raises(ValueError, match="between 0 and 1"):
        forms.from_widget({**RATE, "positive": False, "between": [0, 1]}, value)


def test_names_become_a_list_and_an_empty_field_an_empty_one():
    row = {**RATE, "name": "layers", "type": "tuple", "positive": False}
    assert forms.from_widget(row, "layer4, layer3.0 ,") == ["layer4", "layer3.0"]
    assert forms.from_widget(row, forms.to_widget(row, [])) == []


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
