"""Every page in five states: nothing stored, all that ships, a failed run, one at work, bad links.

A page that is added is among them by itself.
"""

import json
import re
from dataclasses import replace

import pytest

from tests.pages.reading import APP, opened, texts
from unlearn_core.runs.status import write_status

pytestmark = pytest.mark.page

ROOT = APP.parent
SOURCES = {path.stem: path.read_text() for path in sorted((ROOT / "pages").glob("*.py"))}
CHOICE = re.compile(r"(?:segments|multiselect|selectbox|pills|slider|number_input|toggle)\(")
KEY = re.compile(r'key="(\w+)"')
CONSTANTS = (  # names of choices that the pages' sources do not spell where they are bound
    *("comparison", "example", "verdict", "method", "moved_run", "steps", "loss", "view", "layout"),
    *("true_class", "answered_class", "matrix_model", "attacked_model", "backdoor_method"),
    *("gamma_class_request", "gamma_samples_request"),
)
NEW = {"neggrad": {"epochs": 21}}  # a run that the tiny comparison does not have


def each_page(**query):
    """Open the app once and yield every page, drawn to its end without an exception."""
    app = opened("overview", **query)
    for name in SOURCES:
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, (name, app.exception)
        yield name, app


def wanted(own, comparison):
    """Return the status of a run that the store was asked for, and its folder."""
    [(method, settings)] = NEW.items()
    status = own.enqueue(replace(comparison.config, method=method, settings=settings))
    return status, own.work / status.key


def parameters():
    """Return the names of all choices of pages and their parts, in the address or not."""
    parts = [path.read_text() for path in (ROOT / "pages" / "components").rglob("*.py")]
    found = set(CONSTANTS)
    for text in (*SOURCES.values(), *parts):
        for choice in CHOICE.split(text)[1:]:
            found.update(KEY.findall(choice)[:1])
    return found


def test_an_empty_store_says_on_every_page_what_to_do_next(empty_store):
    for name, app in each_page():
        leads_on = app.get("page_link") or app.button
        assert leads_on or name == "methods", name  # which explains methods, with or without runs
        assert texts(app), name


def test_all_that_ships_is_shown_on_every_page(shipped_store):
    for name, app in each_page():
        assert app.title[0].value, name
        shown = [*app.get("plotly_chart"), *app.dataframe, *app.get("html")]
        known = [*app.info, *shown]
        assert known, name


def test_a_failed_run_is_on_no_page_among_the_finished_ones(own, comparison):
    status, folder = wanted(own, comparison)
    before = {name: texts(app) for name, app in each_page()}
    write_status(folder, replace(status, state="failed", message="the loss is not finite"))
    told = []
    for name, app in each_page():
        assert "epochs=21" not in "".join(frame.value.to_csv() for frame in app.dataframe), name
        told += [name] if "he loss is not finite" in texts(app) else []
        assert len(texts(app)) >= len(before[name]) // 2, name  # the others are still there
    assert {"unlearn", "runs"} <= set(told)


def test_a_run_at_work_takes_no_page_down_and_is_shown_where_runs_are(own, comparison):
    status, folder = wanted(own, comparison)
    at_work = replace(status, state="running", stage="unlearn", step=3, total=12)
    write_status(folder, replace(at_work, losses={"objective": 1.25}))
    (folder / "live.jsonl").write_text(json.dumps({"step": 3, "loss/objective": 1.25}) + "\n")
    with own.lock(status.key):
        shown = {name: [bar.proto.text for bar in app.get("progress")] for name, app in each_page()}
    for name in ("unlearn", "runs"):
        assert shown[name] == ["Unlearning, step 3 of 12"], name


@pytest.mark.parametrize("wrong", ["<b>nonsense</b>", "-1"])
def test_a_link_with_wrong_choices_opens_every_page_as_without_them(shipped_store, wrong):
    names = parameters()
    assert {"models", "seed", "probe", "against", "score", "spectrum_runs"} <= names
    ignored = names - {"runs_find"}  # any word can be searched for
    usual = {name: texts(app) for name, app in each_page()}
    for name, app in each_page(**dict.fromkeys(ignored, wrong)):
        assert texts(app) == usual[name], name
