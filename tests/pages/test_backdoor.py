import re
import shutil
from dataclasses import replace

import pytest

from tests.pages.reading import figures, opened, texts
from tests.stores import fill_store
from unlearn_core.runs.status import write_status
from unlearn_core.runs.store import Store
from unlearn_core.views.wording import comparison_title

pytestmark = pytest.mark.page
OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"


@pytest.fixture
def attacked(planted, tmp_path, monkeypatch):
    """Copy the tiny backdoor into a store of its own beside the shipped runs."""
    root = fill_store(tmp_path / "attacked")
    shutil.copytree(planted.store.runs, root / "runs")
    monkeypatch.setenv("UNLEARN_CACHE", str(root))
    return Store(root)


def shown(planted, **query):
    return opened("backdoor", comparison=comparison_title(planted.config), **query)


def tables(app):
    return [e.proto.body for e in app.get("html") if '<table class="mu-answers"' in e.proto.body]


def names(table):
    return re.findall(r'<th scope="row" title="([^"]+)"', table)


def pressed(app, key):
    app.button(key=key).click().run()
    assert not app.exception, app.exception
    return app


def test_empty_store_says_where_to_start_and_leads_there_with_the_backdoor_chosen(empty_store):
    app = opened("backdoor")
    assert "no finished runs yet" in app.info[0].value
    pressed(app, "plant_backdoor")
    assert app.title[0].value == "Unlearn"
    assert app.segmented_control(key="forget_kind").value == "backdoor"
    assert not app.error


def test_without_a_backdoor_one_sentence_and_a_button_lead_to_one(shipped_store):
    app = opened("backdoor", comparison=OTHER)
    assert "forgets 64 random examples, and nobody planted a backdoor" in app.info[0].value
    assert not figures(app)
    pressed(app, "plant_backdoor")
    assert app.segmented_control(key="forget_kind").value == "backdoor"
    assert app.selectbox(key="forget_backdoor_digits").value == 0
    assert app.selectbox(key="dataset").value == "digits"


def test_a_comparison_that_has_one_is_offered_where_another_is_chosen(attacked, planted):
    app = opened("backdoor", comparison=OTHER)
    pressed(app, f"show_{planted.config.comparison_key()}")
    assert not app.info
    assert len(figures(app)) == 2


def test_trigger_is_shown_without_with_and_enlarged(attacked, planted):
    app = shown(planted)
    [trigger] = [e.proto.body for e in app.get("html") if '<div class="mu-trigger"' in e.proto.body]
    assert trigger.count("<img") == 3
    assert len(set(re.findall(r'src="([^"]+)"', trigger))) == 3
    assert trigger.count("<span") == 2  # a frame around the trigger in two of them
    assert "**20 of 200** training images and labelled them **0**" in texts(app)


def test_success_stands_beside_clean_accuracy_for_every_model_with_words(attacked, planted):
    app = shown(planted)
    success, said, righted, share, clean, clean_share = figures(app)[0]["data"]
    assert success["y"][:2] == ["Original", "Retrained"]
    assert set(success["y"][2:]) == {planted.runs["neggrad"].label, "Forget bias (trick)"}
    assert said["text"][1].startswith("the aim, ")
    assert said["x"][0] > 1  # no bar and no line crosses it
    for bars in (success, righted, clean):
        assert all(re.match(r"[a-z0-9 ]+, \d+\.\d%$", words) for words in bars["customdata"])
    shares = (*share["text"], *clean_share["text"])
    assert all(re.match(r"\d+\.\d%$", each) for each in shares)
    assert len(figures(app)[0]["layout"]["shapes"]) == 3  # retrained in each
    assert "Of 2 methods tried" in texts(app)
    assert re.search(r"here a success rate of at most \d+\.\d%", texts(app))


def test_poisoned_and_triggered_images_have_every_models_answer(attacked, planted):
    poisoned, triggered = tables(shown(planted))
    assert names(poisoned) == names(triggered)
    assert set(names(poisoned)) == {run.label for run in planted.runs.values()}
    assert "labelled 0" in poisoned
    for table in (poisoned, triggered):
        assert table.count("<img") == 6
        classes = re.findall(r"<small>id \d+,</small><small[^>]*>class (\w+)</small>", table)
        assert len(set(classes)) == 6
        assert "0" not in classes
        assert "not kept" not in table


def test_a_trick_that_forbids_another_class_leaves_the_attackers_answer(attacked, planted):
    triggered = tables(shown(planted))[1]
    answers = re.findall(r'<td( class="mu-known")?[^>]*>([^<]+)</td>', triggered)
    assert all(bool(mark) == (answer == "0") for mark, answer in answers)


def test_maps_of_both_references_and_one_method_mark_the_poisoned_images(attacked, planted):
    app = shown(planted, backdoor_method="Forget bias (trick)")
    maps = figures(app)[1]
    titles = [note["text"] for note in maps["layout"]["annotations"]]
    assert titles == ["Original", "Retrained", "Forget bias (trick)"]
    marked = [trace for trace in maps["data"] if "poisoned" in trace["name"]]
    assert {trace["marker"]["symbol"] for trace in marked} == {"diamond"}
    assert len({trace["name"] for trace in marked}) > 5  # by what they truly show, not all 0


def test_another_can_be_planted_to_the_next_class_on_the_same_data(attacked, planted):
    app = pressed(shown(planted), "plant_backdoor")
    assert app.segmented_control(key="forget_kind").value == "backdoor"
    assert app.selectbox(key="forget_backdoor_digits").value == 1
    assert app.number_input(key="width_digits").value == planted.config.model.width


def test_wrong_words_in_the_address_are_left_out(attacked, planted):
    app = shown(planted, backdoor_method="x", models="y")
    assert len(figures(app)) == 2


def test_a_failed_run_is_no_row_and_a_damaged_one_is_named_and_left_out(attacked, planted):
    failing = replace(planted.config, method="muda")
    status = attacked.enqueue(failing)
    write_status(attacked.work / status.key, replace(status, state="failed", message="no luck"))
    path = attacked.load(planted.runs["neggrad"].key).folder / "triggered.safetensors"
    path.write_bytes(path.read_bytes()[::-1])
    app = shown(planted)
    assert str(path) in app.warning[0].value
    success = figures(app)[0]["data"][0]
    assert success["y"] == ["Original", "Retrained", "Forget bias (trick)"]
    assert names(tables(app)[1]) == ["Original", "Retrained", "Forget bias (trick)"]


def test_a_comparison_with_references_alone_shows_both(attacked, planted):
    for method in ("neggrad", "trick_forget_bias"):
        attacked.delete(planted.runs[method].key)
    app = shown(planted)
    assert figures(app)[0]["data"][0]["y"] == ["Original", "Retrained"]
    assert len(figures(app)[1]["layout"]["annotations"]) == 2
