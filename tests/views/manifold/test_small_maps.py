import pandas as pd
import pytest

from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.runs.comparison import comparisons
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.small_maps import small_map, small_maps_figure
from unlearn_core.views.palette import class_colours


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


def test_without_a_legend_a_map_has_one_trace_a_side_in_the_colours_of_the_classes():
    rows = pd.DataFrame(
        {"title": "Original", "example_id": [0, 1, 2], "x": 0.0, "y": 0.0, "label": [0, 2, 2],
         "class_name": ["a", "c", "c"], "is_forget": [False, False, True]}
    )  # fmt: skip
    kept, forgotten = small_maps_figure(rows, compact=100).data
    assert kept.text == ("a", "c")
    assert forgotten.text == ("c (to forget)",)
    colours = class_colours(3, [2])
    for trace, labels in ((kept, [0, 2]), (forgotten, [2])):
        scale = dict(trace.marker.colorscale)
        assert [scale[number / trace.marker.cmax] for number in trace.marker.color] == [
            colours[label] for label in labels
        ]
    each = small_maps_figure(rows).data
    assert [trace.name for trace in each] == ["a", "c", "c (to forget)"]
    assert [trace.marker.color for trace in each] == [colours[0], colours[2], colours[2]]


def test_a_run_without_a_map_gives_no_points_and_a_reason(gathered, comparison, sets):
    run = comparison.runs["original"]
    bare = type(run)(folder=run.folder, config=run.config, manifest={**run.manifest, "maps": []})
    assert small_map(bare, load_dataset(run.config.data), sets).empty
    alone = type(gathered)(key=gathered.key, runs=(bare,))
    assert "no map was made" in why_no_maps(alone)
