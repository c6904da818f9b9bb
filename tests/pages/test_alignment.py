import pytest

from tests.pages.reading import figures, opened, texts
from tests.stores import fill_store

pytestmark = pytest.mark.page


def traces(figure):
    return {trace["name"] for trace in figure["data"]}


def test_empty_store_says_where_to_start(empty_store):
    assert "no finished runs yet" in opened("alignment").info[0].value


def test_alignment_is_drawn_by_step_with_both_reference_lines(shipped_store):
    figure = figures(opened("alignment"))[0]
    assert {"MUDA", "NegGrad"} <= traces(figure)
    notes = " ".join(note["text"] for note in figure["layout"]["annotations"])
    assert "Original" in notes
    assert "Retrained" in notes
    assert figure["layout"]["xaxis"]["title"]["text"] == "steps of unlearning"


def test_of_several_seeds_one_is_drawn_unless_all_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "clothes", "fashion")))
    app = opened("alignment")
    seeds = app.button_group(key="curve_seed")
    assert (seeds.options, seeds.value) == (["0", "1", "2", "All"], "0")
    by_seed = {}
    for choice in ("0", "2", "All"):
        app.button_group(key="curve_seed").set_value(choice).run()
        by_seed[choice] = [trace["name"] for trace in figures(app)[0]["data"]]
    assert len(by_seed["0"]) == len(set(by_seed["0"]))
    assert len(by_seed["2"]) == len(set(by_seed["2"]))
    assert len(by_seed["All"]) > len(by_seed["0"]) + len(by_seed["2"])


def test_axis_can_be_the_share_of_the_run(shipped_store):
    app = opened("alignment")
    app.button_group(key="curve_axis").set_value("share").run()
    assert figures(app)[0]["layout"]["xaxis"]["title"]["text"] == "share of the run"


def test_another_quantity_can_be_chosen_and_lives_in_the_url(shipped_store):
    figure = figures(opened("alignment", probe="Readable, to forget (LP)"))[0]
    assert figure["layout"]["yaxis"]["title"]["text"] == "LP(D<sub>f</sub>)"


def test_leaving_out_a_method_removes_its_curves(shipped_store):
    app = opened("alignment")
    app.multiselect(key="curve_methods").set_value(["MUDA"]).run()
    assert traces(figures(app)[0]) == {"MUDA"}


def test_losses_are_drawn_without_references(shipped_store):
    figure = figures(opened("alignment", curve_kind="Losses"))[0]
    assert figure["layout"]["yaxis"]["title"]["text"] == "objective (nats)"
    assert not figure["layout"].get("annotations")


def test_spectra_compare_original_retrained_and_best_with_their_ranks(shipped_store):
    app = opened("alignment")
    assert {"Original", "Retrained"} < traces(figures(app)[1])
    ranks = next(t.value for t in app.table if "Effective rank of $D_{f}$" in t.value)
    assert (ranks["Effective rank of $D_{r}$"].astype(float) > 1).all()


def test_captions_say_how_many_examples_are_tracked(shipped_store):
    assert "tracked examples" in texts(opened("alignment"))
