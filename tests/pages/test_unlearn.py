"""The Unlearn page: choices, forms, plan, launch and the panel of jobs."""

import errno
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="pages need Streamlit, the core does not")
from streamlit.testing.v1 import AppTest

from pages.components import data_choice
from tests.stores import fill_store
from unlearn_core.checks import InputError, MissingFileError
from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig, TrainingConfig
from unlearn_core.data import DATASETS, DataChangedError, DataNotFoundError, load_dataset
from unlearn_core.data.digits import load_digits
from unlearn_core.runs.catalogue import catalogue as read_catalogue
from unlearn_core.runs.plan import all_needed, comparison_config
from unlearn_core.runs.status import read_status, write_status
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page

APP = Path(__file__).resolve().parents[2] / "app.py"
DIGITS = RunConfig(
    model=ModelConfig(width=8),
    training=TrainingConfig(epochs=15, batch_size=64, learning_rate=0.05, weight_decay=1e-3),
)


class FakeQueue:
    """Keeps jobs on disk as the real one does, and never runs any."""

    last = None

    def __init__(self, store, at_once):
        self.store, self.at_once = store, at_once
        FakeQueue.last = self

    def submit(self, configs, *, again=False, weights=False):
        for config in all_needed(configs):
            if not self.store.exists(config.key()) and not self.store.state(config.key()):
                self.store.enqueue(config)
        return [config.key() for config in configs]

    def jobs(self):
        return self.store.statuses()

    def cancel(self, key):
        self.store.mark(key, "cancelled", "cancelled before it began")

    def retry(self, key):
        self.store.enqueue(self.store.requested(key))

    def dismiss(self, key):
        self.store.delete(key)

    def close(self):
        pass


@pytest.fixture(autouse=True)
def _fake_queue(monkeypatch):
    monkeypatch.setattr("unlearn_core.jobs.JobQueue", FakeQueue)


@pytest.fixture(scope="module")
def listed_once(tmp_path_factory):
    """List the registries once: each empty store would wait seconds for it."""
    store = Store(tmp_path_factory.mktemp("listed"))
    read_catalogue(store)
    return store.root / "catalogue.json"


@pytest.fixture
def empty_store(empty_store, listed_once):
    empty_store.mkdir()
    shutil.copy(listed_once, empty_store)
    return empty_store


def open_page(**query):
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params.update(query)
    at.run()
    at.switch_page("pages/unlearn.py").run()
    assert not at.exception, at.exception
    return at


def open_form(where):
    """Open the page with the settings of one method unfolded."""
    at = open_page()
    at.session_state[f"form_{where}"] = True
    return at.run()


def jobs_of(root):
    return Store(root).statuses()


def texts(at):
    elements = [*at.markdown, *at.caption, *at.error, *at.info, *at.success]
    return "\n".join(element.value for element in elements)


def is_disabled(at):
    return at.button(key="launch").disabled


def test_a_cluster_that_is_not_there_is_one_line_on_the_page(empty_store, monkeypatch):
    def refuse(*_, **__):
        raise InputError("There is no Dask scheduler at tcp://x:1; start one with: dask scheduler")

    monkeypatch.setattr(FakeQueue, "submit", refuse)
    at = open_page()
    at.button(key="launch").click().run()
    assert not at.exception
    assert "no Dask scheduler at tcp://x:1" in texts(at)
    assert jobs_of(empty_store) == []


def test_one_press_on_an_empty_store_queues_class_3_with_every_method(empty_store):
    at = open_page()
    assert "No estimate" in texts(at)
    at.button(key="launch").click().run()
    jobs = jobs_of(empty_store)
    assert [job.method for job in jobs[:3]] == ["original", "retrain", "original"]
    chosen = [m["name"] for m in catalogue(empty_store)["methods"] if m["name"] != "retrain"]
    assert sorted(job.method for job in jobs[3:]) == sorted(chosen)
    requests = {Store(empty_store).requested(job.key).forget for job in jobs[1:]}
    assert requests == {ForgetConfig(kind="class", values=(3,))}
    assert is_disabled(at)
    assert "queued, place 1" in texts(at)


def catalogue(root):
    return json.loads((root / "catalogue.json").read_text())


def test_runs_that_exist_are_said_to_cost_nothing_and_lead_to_the_results(filled_store):
    at = open_page()
    plan = at.dataframe[0].value
    assert (plan["State"] == "exists already").all()
    assert "there is nothing to make" in texts(at)
    assert is_disabled(at)
    config = replace(DIGITS, forget=ForgetConfig(kind="class", values=(3,)))
    at.button(key="to_pages/metrics.py").click().run()
    assert at.session_state["comparison"] == config.comparison_key()


def test_another_class_gets_an_estimate_that_names_the_runs_it_rests_on(filled_store):
    at = open_page()
    at.multiselect(key="forget_class_digits").set_value([5]).run()
    plan = at.dataframe[0].value.set_index("Run")
    assert plan.loc["Original (trained)", "State"] == "exists already"
    assert plan.loc["MUDA", "State"] == "to make"
    assert re.fullmatch(r"about \d+ s", plan.loc["MUDA", "Time"])
    assert re.search(r"estimated from \d+ finished runs", texts(at))
    assert not is_disabled(at)


def test_a_setting_out_of_bounds_says_so_and_stops_the_launch(empty_store):
    at = open_form("muda.digits.class")
    at.text_input(key="set_muda.digits.class.learning_rate").set_value("-1").run()
    assert "Learning rate must be above 0, got -1." in [e.value for e in at.error]
    assert is_disabled(at)
    at.text_input(key="set_muda.digits.class.learning_rate").set_value("5e-4").run()
    assert not at.error
    at.session_state["form_muda.digits.class"] = False  # a closed form holds what it was given
    at.run().run()
    assert "Changed: learning_rate = 0.0005" in texts(at)
    at.button(key="launch").click().run()
    muda = next(job for job in jobs_of(empty_store) if job.method == "muda")
    assert Store(empty_store).requested(muda.key).settings["learning_rate"] == 5e-4


def test_several_values_of_several_settings_are_one_launch(empty_store):
    at = open_page()
    at.button(key="switch_False").click().run()
    at.checkbox(key="use_neggrad").check().run()
    where = "neggrad.digits.class"
    at.session_state[f"form_{where}"] = True
    at.run()
    at.multiselect(key=f"vary_{where}").set_value(["epochs", "learning_rate"]).run()
    at.text_input(key=f"values_{where}.epochs").set_value("1, 2").run()
    at.text_input(key=f"values_{where}.learning_rate").set_value("1e-4, 1e-3, 1e-2").run()
    assert not at.error
    assert "6 combinations: 3 of learning rate, 2 of epochs" in texts(at)
    assert "9 runs to make" in texts(at)
    plan = at.dataframe[0].value
    assert plan["Settings"].tolist()[-1] == "learning rate 0.01, epochs 2"
    at.button(key="launch").click().run()
    queued = [job for job in jobs_of(empty_store) if job.method == "neggrad"]
    tried = {Store(empty_store).requested(job.key).settings["learning_rate"] for job in queued}
    assert len(queued) == 6
    assert len(tried) == 3
    assert "**NegGrad** (learning rate 0.01, epochs 2), seed 0" in texts(at)


def test_a_wrong_value_of_a_grid_says_so_and_stops_the_launch(empty_store):
    at = open_form("muda.digits.class")
    where = "muda.digits.class"
    at.multiselect(key=f"vary_{where}").set_value(["learning_rate"]).run()
    at.text_input(key=f"values_{where}.learning_rate").set_value("0.1, fast").run()
    assert any("must be a number" in error.value for error in at.error)
    assert is_disabled(at)
    at.text_input(key=f"values_{where}.learning_rate").set_value("0.1, 0.2").run()
    assert not at.error
    names = ",".join(map(str, range(1, 600)))
    at.text_input(key=f"values_{where}.learning_rate").set_value(names).run()
    assert any("at most 500 combinations" in error.value for error in at.error)
    assert is_disabled(at)
    at.button(key=f"reset_{where}").click().run()
    assert not at.error
    assert not is_disabled(at)


def test_a_width_that_no_network_can_have_is_refused_with_the_reason(empty_store):
    at = open_page()
    at.number_input(key="width_digits").set_value(9).run()
    assert not at.exception
    assert any("multiple of the 2 groups" in error.value for error in at.error)
    assert not [b for b in at.button if b.key == "launch"]
    at.selectbox(key="norm_digits").set_value("batch").run()  # which has no groups
    assert not at.error
    at.selectbox(key="norm_digits").set_value("group").run()
    at.number_input(key="width_digits").set_value(6).run()
    assert not at.error


def test_choosing_a_preset_fills_the_form_and_reset_brings_it_back(empty_store):
    at = open_form("finetune.digits.class")
    rate = "set_finetune.digits.class.learning_rate"
    assert at.text_input(key=rate).value == "0.001"
    assert not [field for field in at.text_input if "_muda." in str(field.key)]  # a closed form
    at.selectbox(key="preset_finetune.digits.class").set_value("muda").run()
    assert at.text_input(key=rate).value == "0.01"
    assert at.selectbox(key="set_finetune.digits.class.retain").value == "part"
    at.text_input(key=rate).set_value("0.5").run()
    at.button(key="reset_finetune.digits.class").click().run()
    assert at.text_input(key=rate).value == "0.01"


def test_a_method_that_is_not_ticked_is_not_launched(empty_store):
    at = open_page()
    for method in ("muda", "rfa"):
        at.checkbox(key=f"use_{method}").uncheck().run()
    at.button(key="launch").click().run()
    assert not {"muda", "rfa"} & {job.method for job in jobs_of(empty_store)}


def test_forgetting_everything_is_refused_with_the_reason(empty_store):
    at = open_page()
    at.multiselect(key="forget_class_digits").set_value(list(range(10))).run()
    assert any("leaves nothing to retain" in error.value for error in at.error)
    assert not [b for b in at.button if b.key == "launch"]


def test_pasted_ids_are_checked_and_become_the_forget_set(empty_store):
    at = open_page()
    at.segmented_control(key="forget_kind").set_value("ids").run()
    at.text_area(key="ids_text").set_value("4, five").run()
    assert any("'five'" in error.value for error in at.error)
    at.text_area(key="ids_text").set_value("99999").run()
    assert any("between 0 and 1796" in error.value for error in at.error)
    held_out = held_out_ids()[0]
    at.text_area(key="ids_text").set_value(str(held_out)).run()
    assert any("Only training examples" in error.value for error in at.error)
    ids = train_ids()[:3]
    at.text_area(key="ids_text").set_value(" ".join(map(str, ids))).run()
    assert not at.error
    assert at.metric[0].value == "3"
    at.button(key=f"remove_{ids[0]}").click().run()
    assert at.session_state["chosen_ids"] == ids[1:]


def train_ids():
    from unlearn_core.data import load_dataset

    return load_dataset(DataConfig()).train_ids.tolist()


def held_out_ids():
    from unlearn_core.data import load_dataset

    return load_dataset(DataConfig()).test_ids.tolist()


def test_images_ticked_in_the_gallery_are_chosen(empty_store):
    at = open_page()
    at.segmented_control(key="forget_kind").set_value("ids").run()
    first = train_ids()[0]
    at.checkbox(key=f"pick_{first}").check().run()
    assert at.session_state["chosen_ids"] == [first]
    assert at.text_area(key="ids_text").value == str(first)
    at.checkbox(key=f"pick_{first}").uncheck().run()
    assert at.session_state["chosen_ids"] == []


def test_the_gallery_shows_all_classes_again_after_another_kind_of_request(empty_store):
    at = open_page()
    for kind in ("ids", "random", "ids"):
        at.segmented_control(key="forget_kind").set_value(kind).run()
    box = at.selectbox(key="gallery_class")
    assert box.value is not None
    assert box.options[0] == "All classes"
    assert at.checkbox(key=f"pick_{train_ids()[0]}").label.startswith("id ")  # not a class


def test_random_images_of_one_difficulty_are_asked_for_and_too_many_are_told(empty_store):
    at = open_page()
    at.segmented_control(key="forget_kind").set_value("random").run()
    at.number_input(key="forget_random_digits").set_value(50).run()
    at.selectbox(key="forget_difficulty").set_value("high").run()
    assert not at.error
    at.button(key="launch").click().run()
    requests = [Store(empty_store).requested(job.key) for job in jobs_of(empty_store)]
    wanted = ForgetConfig(kind="random", values=(50,), difficulty="high")
    assert wanted in {request.forget for request in requests}
    at.number_input(key="forget_random_digits").set_value(500).run()
    [fault] = at.error
    assert "at most a sixth of the 1438 training examples" in fault.value


def test_a_backdoor_poisons_the_data_that_every_run_is_trained_on(empty_store):
    at = open_page()
    at.segmented_control(key="forget_kind").set_value("backdoor").run()
    at.selectbox(key="forget_backdoor_digits").set_value(7).run()
    at.segmented_control(key="forget_backdoor_trigger_digits").set_value("checkers").run()
    assert not at.error
    assert at.metric[0].value == str(round(0.1 * len(train_ids())))
    at.session_state["form_neggrad.digits.backdoor"] = True
    at.run()
    assert at.selectbox(key="preset_neggrad.digits.backdoor").value == "digits backdoor"
    at.button(key="launch").click().run()
    requests = [Store(empty_store).requested(job.key) for job in jobs_of(empty_store)]
    assert {request.data.poison_target for request in requests} == {7}
    assert {request.data.trigger for request in requests} == {"checkers"}
    retrained = next(request for request in requests if request.method == "retrain")
    assert retrained.forget == ForgetConfig(kind="backdoor", values=(7,))


def test_ids_from_another_page_are_taken_over_with_its_data_and_model(filled_store):
    at = AppTest.from_file(APP, default_timeout=60).run()
    ids = train_ids()[5:9]
    at.session_state["forget_ids"] = ids
    at.switch_page("pages/unlearn.py").run()
    assert not at.exception
    assert at.segmented_control(key="forget_kind").value == "ids"
    assert at.session_state["chosen_ids"] == ids
    assert at.dataframe[0].value["State"].tolist()[0] == "exists already"


def test_a_comparison_from_another_page_keeps_what_has_no_field(own, comparison):
    """Its weight decay is not that of the data set's recipe, so another original would be made."""
    at = AppTest.from_file(APP, default_timeout=60)
    at.query_params["comparison"] = comparison.config.comparison_key()
    at.run()
    trained = load_dataset(comparison.config.data).train_ids
    at.session_state["forget_ids"] = trained[:3].tolist()
    at.switch_page("pages/unlearn.py").run()
    assert not at.exception
    assert at.number_input(key="epochs_digits").value == comparison.config.training.epochs
    assert at.dataframe[0].value["State"].tolist()[0] == "exists already"
    at.number_input(key="part_digits").set_value(300).run()
    assert at.number_input(key="epochs_digits").value == 15  # another part, so its own recipe
    assert at.dataframe[0].value["State"].tolist()[0] != "exists already"


def form_of_a_request():
    import streamlit as st

    from pages.components import forget_request
    from unlearn_core.config import ForgetConfig
    from unlearn_core.runs.plan import with_request

    shown = st.session_state["shown"]
    if "made" not in st.session_state:
        forget_request.receive(shown)
    st.session_state["made"], _ = forget_request.choose_forget(with_request(shown, ForgetConfig()))


@pytest.mark.parametrize(
    ("dataset", "forget", "trigger"),
    [
        ("digits", ForgetConfig(kind="class", values=(2, 8)), "square"),
        ("digits", ForgetConfig(kind="ids", values=tuple(train_ids()[5:9])), "square"),
        ("digits", ForgetConfig(kind="random", values=(40,), seed=2, difficulty="high"), "square"),
        ("digits", ForgetConfig(kind="backdoor", values=(7,)), "checkers"),
        ("digits", ForgetConfig(kind="confusion", values=(1, 6, 30)), "square"),
        ("banking77", ForgetConfig(kind="keyword", keyword="atm"), "square"),
    ],
)
def test_the_form_asks_for_what_a_comparison_forgets(dataset, forget, trigger):
    shown = comparison_config(dataset, forget, trigger=trigger)
    at = AppTest.from_function(form_of_a_request, default_timeout=60)
    at.session_state["shown"] = shown
    for _ in range(2):  # and still does when something else was changed
        at.run()
        assert not at.exception
        made = at.session_state["made"]
        assert (made.forget, made.data) == (shown.forget, shown.data)


def plain(text):
    """Return Markdown without what keeps its letters from having a meaning."""
    return text.replace("\\", "")


def test_missing_data_says_where_it_was_looked_for(empty_store, monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    at = open_page()
    at.selectbox(key="dataset").set_value("folder").run()
    assert any(str(tmp_path / "folder") in plain(error.value) for error in at.error)
    assert not [b for b in at.button if b.key == "launch"]


def test_data_that_can_be_downloaded_is_downloaded_only_when_asked(
    empty_store, monkeypatch, tmp_path
):
    asked = []

    def refuse(folder):
        asked.append(folder)
        raise MissingFileError("cifar10 could not be downloaded: there is no network")

    spec = replace(DATASETS["cifar10"], fetch=refuse)
    monkeypatch.setitem(DATASETS, "cifar10", spec)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    at = open_page()
    at.selectbox(key="dataset").set_value("cifar10").run()
    assert any(f"is not in {tmp_path / 'cifar10'}" in plain(error.value) for error in at.error)
    assert not asked
    at.button(key="fetch_cifar10").click().run()
    assert asked == [tmp_path / "cifar10"]
    assert any("there is no network" in error.value for error in at.error)
    assert not [b for b in at.button if b.key == "launch"]


def test_downloaded_data_can_be_chosen_at_once(empty_store, monkeypatch, tmp_path):
    def fetch(folder):
        folder.mkdir()

    def load(folder):
        if not folder.is_dir():
            raise DataNotFoundError("it is not there")
        return load_digits(folder)

    spec = replace(DATASETS["cifar10"], fetch=fetch, load=load)
    monkeypatch.setitem(DATASETS, "cifar10", spec)
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    at = open_page()
    at.selectbox(key="dataset").set_value("cifar10").run()
    assert [error.value for error in at.error] == ["it is not there"]
    at.button(key="fetch_cifar10").click().run()
    assert not at.error
    assert at.multiselect(key="forget_class_cifar10").options


def test_data_that_cannot_be_downloaded_offers_no_download(empty_store, monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    at = open_page()
    at.selectbox(key="dataset").set_value("tiny_imagenet").run()
    assert any("Unpack the official archive there" in error.value for error in at.error)
    assert not [b for b in at.button if b.key == "fetch_tiny_imagenet"]


@pytest.fixture
def one_job(empty_store):
    store = Store(empty_store)
    config = replace(DIGITS, forget=ForgetConfig(kind="class", values=(3,))).retrained()
    store.enqueue(config)
    return store, config.key()


def test_a_waiting_job_can_be_cancelled_retried_and_dismissed(one_job):
    store, key = one_job
    at = open_page()
    at.button(key=f"cancel_{key}").click().run()
    assert store.state(key) == "cancelled"
    at.button(key=f"retry_{key}").click().run()
    assert store.state(key) == "queued"
    at.button(key=f"cancel_{key}").click().run()
    at.button(key=f"dismiss_{key}").click().run()
    assert store.state(key) is None
    assert "Nothing is running" in texts(at)


def test_a_request_that_is_damaged_stops_no_other_button(one_job):
    store, key = one_job
    other = replace(DIGITS, forget=ForgetConfig(kind="class", values=(4,))).retrained()
    store.enqueue(other)
    for name in (key, other.key()):
        store.mark(name, "failed", "for a test", log="what happened")
    (store.work / key / "config.json").write_bytes(b"[" * 100_000)
    with (store.work / key / "log.txt").open("ab") as log:
        log.write(b"\xff")
    at = open_page()
    assert not at.exception
    at.button(key="retry_all").click().run()
    assert not at.exception
    assert [error.value.split(" ", 1)[0] for error in at.error] == [
        str(store.work / key / "config.json")
    ]
    assert store.state(other.key()) == "queued"
    assert store.state(key) == "failed"


def test_a_running_job_shows_true_steps_and_curves_in_any_session(one_job):
    store, key = one_job
    folder = store.work / key
    status = read_status(folder)
    losses = {"objective": 1.25}
    write_status(
        folder,
        replace(status, state="running", stage="unlearn", step=3, total=12, losses=losses),
    )
    rows = [{"step": 2, "probe/forget_accuracy": 1.0}, {"step": 3, "loss/objective": 1.25}]
    (folder / "live.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with store.lock(key):
        at = open_page()
        again = open_page()
    for page in (at, again):
        charts = [json.loads(chart.proto.spec) for chart in page.get("vega_lite_chart")]
        names = [chart["encoding"]["color"]["scale"]["domain"] for chart in charts]
        assert names == [["Acc(D_f)"], ["Objective"]]
        [bar] = page.get("progress")
        assert bar.proto.text == "Training, step 3 of 12"
        assert bar.proto.value == 21  # 3 of 12, and what comes after the steps is not done
        assert "objective 1.25" in texts(page)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.ENOSPC, "No space left on the disk of "), (errno.EROFS, "can only be read.")],
)
def test_a_launch_that_cannot_be_written_down_says_why_in_one_line(
    empty_store, monkeypatch, number, expected
):
    at = open_page()

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(FakeQueue, "submit", refuse)
        at.button(key="launch").click().run()
        assert not at.exception
        [error] = at.error
        assert expected in error.value
        assert str(empty_store) in error.value
    at.button(key="launch").click().run()
    assert not at.error
    assert jobs_of(empty_store)


def test_a_retry_that_cannot_be_written_down_says_why_once(one_job, monkeypatch):
    store, key = one_job
    store.mark(key, "failed", "the loss is not finite")

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FakeQueue, "retry", refuse)
    at = open_page()
    at.button(key=f"retry_{key}").click().run()
    assert not at.exception
    assert ["No space left on the disk of" in error.value for error in at.error] == [True]
    at.run()
    assert not at.error
    assert store.state(key) == "failed"


def test_a_fault_shows_its_traceback_behind_a_click(one_job):
    store, key = one_job
    traceback = "Traceback (most recent call last):\nKeyError: 'x'"
    store.mark(key, "failed", "KeyError: 'x' (a fault of this program)", traceback)
    at = open_page()
    assert "KeyError: 'x' (a fault of this program)" in texts(at)
    assert traceback in [code.value.strip() for code in at.code]


def test_a_failed_job_shows_its_message_and_log(one_job):
    store, key = one_job
    store.mark(key, "failed", "the loss is not finite")
    (store.work / key / "log.txt").write_text("step 7: nan\n")
    at = open_page()
    assert ":red[The loss is not finite]" in texts(at)
    assert "step 7: nan" in [code.value.strip() for code in at.code]
    assert at.button(key=f"retry_{key}")


def test_a_new_form_starts_from_the_comparison_that_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "all", None)))
    at = open_page()
    assert at.selectbox(key="dataset").value == "fashion"
    assert at.number_input(key="part_fashion").value == 3000
    assert at.multiselect(key="forget_class_fashion").value == [5]
    assert open_page(form="known").selectbox(key="dataset").value == "digits"
    assert open_page(dataset="Handwritten digits").selectbox(key="dataset").value == "digits"


def test_a_new_form_is_of_the_digits_where_the_comparison_has_no_data_here(tmp_path, monkeypatch):
    def changed(config):
        if config.name == "fashion":
            raise DataChangedError(f"{config.name} has changed")

    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "all", None)))
    monkeypatch.setattr(data_choice, "require_content", changed)
    app = open_page()
    assert app.selectbox(key="dataset").value == "digits"
    assert "files are not on this machine, or are others now" in app.info[0].value
    app.selectbox(key="comparison").select_index(1).run()
    assert "files are not on this machine" not in "".join(info.value for info in app.info)
