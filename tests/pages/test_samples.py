import pytest

from tests.pages.reading import figures, links, opened, texts
from unlearn_core.config import DataConfig
from unlearn_core.data import load_dataset

pytestmark = pytest.mark.page


def test_empty_store_says_where_to_start(empty_store):
    app = opened("samples")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_an_example_to_forget_is_shown_in_every_model_with_its_way(shipped_store):
    app = opened("samples")
    probabilities, paths = figures(app)
    assert {"Original", "Retrained", "MUDA"} <= set(probabilities["data"][0]["y"])
    assert "<b>3</b>" in probabilities["layout"]["xaxis"]["ticktext"]
    assert [trace["marker"]["symbol"] for trace in paths["data"] if "symbol" in trace["marker"]]
    assert "largest cosine" in texts(app)


def test_the_id_in_the_address_is_shown(shipped_store):
    app = opened("samples", example="17")
    assert app.number_input(key="example").value == 17
    label = load_dataset(DataConfig()).labels[17]
    assert f"<b>{label}</b>" in figures(app)[0]["layout"]["xaxis"]["ticktext"]


def test_next_and_previous_stay_in_the_set(shipped_store):
    app = opened("samples")
    first = app.number_input(key="example").value
    app.button(key="next_example").click().run()
    labels = load_dataset(DataConfig()).labels
    second = app.number_input(key="example").value
    assert second != first
    assert labels[second] == labels[first] == 3
    app.button(key="previous_example").click().run()
    assert app.number_input(key="example").value == first


def test_an_image_that_is_not_followed_says_so(shipped_store):
    app = opened("samples", models="Original")
    assert "Only a few examples are followed" in app.info[0].value


def test_an_image_outside_the_comparison_says_so(own, comparison):
    run = comparison.runs["original"]
    recorded = set(run.records().example_ids.tolist())
    outside = next(i for i in range(1797) if i not in recorded)
    app = opened("samples", example=str(outside))
    assert "not among those that were trained or tested on" in app.info[0].value


@pytest.mark.parametrize("wrong", ["-3", "99999", "seven"])
def test_wrong_ids_in_the_address_are_left_out(shipped_store, wrong):
    assert len(figures(opened("samples", example=wrong))) == 2


def test_pictures_on_other_pages_lead_here(shipped_store):
    rows = next(f.value for f in opened("predictions").dataframe if "more" in f.value)
    assert rows["more"].str.startswith("samples?example=").all()
    assert rows["more"].str.contains("comparison=Handwritten").all()


@pytest.mark.parametrize(
    ("page", "table", "query"),
    [
        ("predictions", "cell_examples", {}),
        ("privacy", "exposed", {}),
        ("manifolds", "moved_rows", {}),
    ],
)
def test_a_click_on_a_picture_in_a_table_opens_that_example(shipped_store, page, table, query):
    app = opened(page, **query)
    rows = next(f.value for f in app.dataframe if "image" in f.value)
    wanted = int(rows["id"].iloc[2])
    clicked = {"rows": [], "columns": [], "cells": [(2, "image")]}
    app.session_state[table] = {"selection": clicked}
    app.run()
    assert not app.exception
    assert app.title[0].value == "Samples"
    assert app.number_input(key="example").value == wanted


def test_a_click_beside_the_picture_stays_on_the_page(shipped_store):
    app = opened("predictions")
    clicked = {"rows": [], "columns": [], "cells": [(2, "label")]}
    app.session_state["cell_examples"] = {"selection": clicked}
    app.run()
    assert app.title[0].value == "Predictions"


def test_pictures_of_what_is_to_be_forgotten_lead_here_from_unlearn(shipped_store):
    app = opened("unlearn")
    links_of = [image.proto.link for image in app.get("image")]
    assert links_of
    assert all("samples?example=" in link for link in links_of)
