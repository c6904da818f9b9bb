from dataclasses import replace

from unlearn_core.config import ForgetConfig, RelearnConfig, RunConfig
from unlearn_core.runs.plan import all_needed
from unlearn_core.runs.status import Status
from unlearn_core.views import jobs

CLASS_3 = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
MUDA = replace(CLASS_3, method="muda", settings={"alpha": 0.1})
LABELS = {"muda": "MUDA", "retrain": "Retrained"}


def status(key, state, **more):
    return Status(key=key, method="muda", seed=0, state=state, **more)


def test_everything_needed_is_listed_once_and_parents_come_first():
    needed = all_needed([CLASS_3, MUDA])
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
    taught = replace(MUDA, relearn=RelearnConfig(examples=(5,)))
    assert jobs.estimate(MUDA, [(taught, 1.0)]) is None


def test_the_plan_tells_what_exists_what_waits_and_what_is_left():
    needed = all_needed([MUDA])
    finished, waiting = {CLASS_3.base().key()}, {CLASS_3.retrained().key()}
    table = jobs.plan_table(needed, finished, waiting, [(MUDA, 75.0)], LABELS, {})
    assert table["State"].tolist() == ["exists already", "in the queue", "to make"]
    assert table["Time"].tolist() == ["", "no estimate yet", "about 1 min 15 s"]
    assert jobs.left_to_make(table) == 1
    assert jobs.plan_summary(needed, finished, [(MUDA, 75.0)]) == (
        "2 runs to make, 1 exists already. About 1 min 15 s, estimated from 1 finished run; "
        "no estimate yet for the other 1."
    )
    everything = {config.key() for config in needed}
    assert "nothing to make" in jobs.plan_summary(needed, everything, [])


def test_runs_of_one_method_are_told_apart_by_the_settings_in_which_they_differ():
    other = replace(MUDA, settings={"alpha": 0.2, "order": ["a", "b"]})
    defaults = {"muda": {"alpha": 0.5, "order": [], "epochs": 3}}
    apart = jobs.told_apart([MUDA, other, CLASS_3.retrained()], defaults)
    assert apart[MUDA.key()] == "alpha 0.1, order none"
    assert apart[other.key()] == "alpha 0.2, order a b"
    assert apart[CLASS_3.retrained().key()] == ""
    usual = replace(MUDA, settings={})
    assert jobs.told_apart([MUDA, usual], defaults)[usual.key()] == "alpha 0.5"
    elsewhere = replace(other, forget=ForgetConfig(kind="class", values=(5,)))
    assert set(jobs.told_apart([MUDA, elsewhere], defaults).values()) == {""}

    plan = jobs.plan_table([MUDA, other], (), (), [], LABELS, defaults)
    assert jobs.settings_column(plan) == ["Settings"]
    assert plan["Settings"].tolist() == [apart[MUDA.key()], apart[other.key()]]
    assert jobs.settings_column(plan.iloc[:0]) == []


def test_waiting_runs_have_places_and_running_ones_come_first():
    statuses = [status("a", "queued"), status("b", "failed"), status("c", "queued")]
    statuses += [status("d", "running", stage="unlearn", step=1200, total=2400)]
    assert jobs.positions(statuses) == {"a": 1, "c": 2}
    assert [job.key for job in jobs.in_order(statuses)] == ["d", "b", "a", "c"]
    assert jobs.headline(statuses) == "1 running, 2 queued, 1 failed"
    assert jobs.active(statuses) == {"a", "c", "d"}
    assert jobs.progress_text(statuses[-1]) == "Unlearning, step 1,200 of 2,400"


def test_the_bar_is_not_full_while_maps_are_drawn():
    done = status("a", "running", stage="map", step=315, total=315)
    assert jobs.progress_text(done) == "Finishing: drawing the maps"
    stages = [("unlearn", 0), ("unlearn", 315), ("record", 315), ("map", 315), ("measure", 315)]
    bars = [
        jobs.progress_fraction(status("a", "running", stage=stage, step=step, total=315))
        for stage, step in stages
    ]
    assert bars == sorted(set(bars))
    assert bars[-1] < 1


def test_the_time_left_counts_down():
    first = status("a", "running", stage="unlearn", step=100, total=400, updated=10.0)
    later = status("a", "running", stage="unlearn", step=200, total=400, updated=20.0)
    last = status("a", "running", stage="unlearn", step=390, total=400, updated=39.0)
    assert jobs.progress_text(later, first).endswith("; about 20 s left")
    assert jobs.progress_text(last, first).endswith("; about 1 s left")
    assert "left" not in jobs.progress_text(first, first)
    assert "left" not in jobs.progress_text(replace(later, stage="train"), first)


def test_an_idle_workers_queue_says_what_it_waits_for():
    waiting = [status("a", "queued"), status("b", "queued")]
    assert "worker is starting" in jobs.waiting_text(waiting[0], waiting)
    assert jobs.waiting_text(waiting[1], waiting) == ""
    assert jobs.waiting_text(waiting[0], [*waiting, status("c", "running")]) == ""
    assert "within seconds" in jobs.waiting_text(waiting[0], [*waiting, status("c", "finished")])
