"""The handout is read as a browser would: tags, attributes, and what its script unpacks."""

import base64
import gzip
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from unlearn_core.checks import InputError
from unlearn_core.data import DATASETS
from unlearn_core.runs.report import report
from unlearn_core.views.handout import page
from unlearn_core.views.handout.maps import mapped_runs, maps_content
from unlearn_core.views.handout.page import handout_html, may_be_shown
from unlearn_core.views.manifold import points

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.words = [], [], {}, []
        self.script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.script = dict(attrs).get("id", "") if tag == "script" else None

    def handle_endtag(self, tag):
        self.script = None

    def handle_data(self, data):
        if self.script is None:
            self.words.append(data)
        else:
            self.scripts[self.script] = data


def unpacked(reader, name="content"):
    return gzip.decompress(base64.b64decode(reader.scripts[name])).decode()


def decoded(array, dtype):
    return np.frombuffer(base64.b64decode(array["bdata"]), dtype=dtype)


def test_nothing_is_fetched_and_plotly_comes_along_once(made):
    text = handout_html(*made.parts)
    reader = Reader(text)
    for name, value in reader.attributes:
        if name in ("src", "href"):
            assert value.startswith(("#", "data:image/")), value
        assert not name.startswith("on")
    policy = dict(reader.attributes)["content"]
    assert any(value and value.startswith("default-src 'none'") for _, value in reader.attributes)
    assert policy  # a policy or the viewport: both are there
    assert "plotly.js v" in unpacked(reader, "library")[:200]
    assert text.count(reader.scripts["library"]) == 1
    assert len(text.encode()) < 4_000_000


def test_verdicts_with_reasons_and_provenance_are_words_without_any_script(made):
    words = " ".join(Reader(handout_html(*made.parts)).words)
    for entry in made.report.comparison["verdicts"]:
        assert entry["label"] in words
        assert entry["word"] in words
    environment = made.report.runs[0]["environment"]
    known = [made.comparison.key, environment["python"], made.report.runs[0]["data_content"]]
    for part in (*known, *(run["key"] for run in made.report.runs)):
        assert part in words
    assert f"torch {environment['packages']['torch']}" in words
    assert "How a verdict is reached" in words


def test_maps_hold_every_highlight_of_every_model(made):
    content = json.loads(unpacked(Reader(handout_html(*made.parts))))
    maps = content["maps"]
    runs = {run.key: run for run in made.comparison.runs}
    assert [panel["key"] for panel in maps["panels"]][:2] == maps["shown"][:2]
    assert {panel["key"] for panel in maps["panels"]} <= set(runs)
    ids = decoded(maps["ids"], "<i4")
    assert content["sheet"]["columns"] * content["sheet"]["rows"] >= len(ids)
    original = made.comparison.reference("original", 0)
    for highlight in maps["highlights"]:
        for key, part in highlight["panels"].items():
            table = points.run_points(runs[key], made.sets, original)
            expected = points.is_highlighted(table, highlight["name"]).sum()
            assert (decoded(part["emphasis"], "u1") == 2).sum() == expected, highlight["name"]
    assert len(maps["highlights"]) == 5


def test_curves_are_those_that_were_probed(made):
    curves = json.loads(unpacked(Reader(handout_html(*made.parts))))["curves"]
    assert curves[0]["name"] == "DA(D_f|D_r)"
    names = {trace["name"] for trace in curves[0]["figure"]["data"]}
    assert "NegGrad (epochs=3, learning_rate=0.001)" in names or any("NegGrad" in n for n in names)


def test_names_that_a_person_chose_stay_text(made):
    long = replace(made.dataset, class_names=tuple(f"{'x' * len(HOSTILE)}{i}" for i in range(10)))
    friendly = Reader(handout_html(made.comparison, report(made.comparison), long, made.sets))
    dataset = replace(made.dataset, class_names=tuple(f"{HOSTILE}{i}" for i in range(10)))
    runs = tuple(
        replace(run, manifest={**run.manifest, "label": f"{run.config.method}{HOSTILE}"})
        for run in made.comparison.runs
    )
    comparison = replace(made.comparison, runs=runs, measured={}, completed={})
    text = handout_html(comparison, report(comparison), dataset, made.sets)
    hostile = Reader(text)
    assert sorted(hostile.tags) == sorted(friendly.tags)
    assert "onerror" not in {name for name, _ in hostile.attributes}
    assert HOSTILE not in text
    assert any(HOSTILE in words for words in hostile.words)


def test_pictures_stay_behind_where_they_must_not_be_handed_on(made, monkeypatch):
    assert may_be_shown(made.comparison)
    spec = replace(DATASETS["digits"], may_be_shown=False)
    monkeypatch.setitem(DATASETS, "digits", spec)
    reader = Reader(handout_html(*made.parts))
    assert "img" not in reader.tags
    assert json.loads(unpacked(reader))["sheet"] is None
    assert "are left out" in " ".join(reader.words)
    assert "img" in Reader(handout_html(*made.parts, pictures=True)).tags  # who may, says so


@pytest.mark.parametrize("name", ["folder", "imagenet100", "tiny_imagenet"])
def test_a_persons_own_and_imagenets_pictures_are_not_handed_on(name):
    assert not DATASETS[name].may_be_shown


def test_the_same_comparison_gives_the_same_file(made):
    assert handout_html(*made.parts) == handout_html(*made.parts)


def test_a_file_that_is_too_large_is_refused(made, monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 1_000_000)
    with pytest.raises(InputError, match=r"at most 1 MB, got [12]\.\d MB"):
        handout_html(*made.parts)


def test_pictures_that_make_a_file_too_large_are_left_out_and_that_is_told(made, monkeypatch):
    whole = len(handout_html(*made.parts).encode())
    monkeypatch.setattr(page, "MOST_BYTES", whole - 1)
    reader = Reader(handout_html(*made.parts))
    assert "img" not in reader.tags
    assert "with them this file had more than" in " ".join(reader.words)
    with pytest.raises(InputError):
        handout_html(*made.parts, pictures=True)


def test_the_best_method_of_each_verdict_is_among_the_maps(made):
    runs = mapped_runs(made.comparison, made.report)
    labels = [run.label for run in runs]
    assert labels[:2] == ["Original", "Retrained"]
    assert labels[2] == made.report.best
    assert len(maps_content(made.comparison, runs, made.dataset, made.sets)["panels"]) == len(runs)
