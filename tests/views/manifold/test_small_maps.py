import pandas as pd
import pytest

from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.runs.comparison import comparisons
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.small_maps import small_map, small_maps_figure


@pytest.fixture(scope="module")
def gathered(comparison):
    return comparisons(comparison.store)[0]


@pytest.fixture(scope="module")
def sets(gathered):
    return split(load_dataset(gathered.config.data), gathered.config.forget)


def test_small_maps_show_every_forgotten_example_and_an_even_choice_of_the_others(comparison, sets):
    dataset = load_dataset(comparison.config.data)
    tables = [small_map(comparison.runs[m], dataset, sets) for m in ("original", "retrain")]
    assert tables[0]["is_forget"].sum() == sets.forget.sum()
    assert set(tables[0][tables[0]["is_forget"]]["class_name"]) == {"3"}
    figure = small_maps_figure(pd.concat(tables, ignore_index=True))
    titles = [note.text for note in figure.layout.annotations]
    assert titles == ["Original", "Retrained"]
    symbols = {t.name: t.marker.symbol for t in figure.data}
    assert symbols["3 (to forget)"] != symbols["4"]


def test_a_run_without_a_map_gives_no_points_and_a_reason(gathered, comparison, sets):
    run = comparison.runs["original"]
    bare = type(run)(folder=run.folder, config=run.config, manifest={**run.manifest, "maps": []})
    assert small_map(bare, load_dataset(run.config.data), sets).empty
    alone = type(gathered)(key=gathered.key, runs=(bare,))
    assert "no map was made" in why_no_maps(alone)
