"""Damaged runs, runs of other code and changed data: named in one line, and nothing else breaks."""

import errno
import os
from dataclasses import replace

import pytest

pytest.importorskip("streamlit", reason="pages need Streamlit, the core does not")

from PIL import Image

from pages.components import queue
from tests.lanes import fast_lane
from tests.pages.reading import opened, texts
from unlearn_core.runs import provenance
from unlearn_core.runs.store import Store

pytestmark = pytest.mark.page

PAGES = (
    *("overview", "unlearn", "runs"),
    *("manifolds", "alignment", "layers", "predictions", "samples", "gamma", "incremental"),
    *("metrics", "privacy", "backdoor", "methods"),
)
EVERYWHERE = ("metrics.json", "manifest.json")  # what every page reads of every run
DAMAGE = [
    ("neggrad", "metrics.json"),
    ("retrain", "manifest.json"),
    ("original", "arrays.safetensors"),
    ("retrain", "history.parquet"),
    ("neggrad", "projection-*.parquet"),
]


@pytest.fixture
def asked(monkeypatch):
    """Record what is asked for, and make nothing."""
    calls = []

    def submit(configs, *, again=False):
        calls.append(([config.key() for config in configs], again))
        return True

    monkeypatch.setattr(queue, "submit", submit)
    return calls


def damage(run, part):
    path = next(run.folder.glob(part))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def warnings(app):
    return "\n".join(element.value for element in app.warning)


@pytest.mark.parametrize(("method", "part"), fast_lane(DAMAGE, DAMAGE[:1]))
def test_a_changed_byte_is_named_and_takes_no_page_down(own, comparison, method, part):
    run = own.load(comparison.runs[method].key)
    path = damage(run, part)
    named = []
    for page in PAGES:
        app = opened(page)
        if str(path) in warnings(app):
            named.append(page)
    assert named
    if part in EVERYWHERE:
        assert named == list(PAGES)


def test_a_damaged_run_is_made_again_from_the_page(own, comparison, asked):
    run = own.load(comparison.runs["neggrad"].key)
    damage(run, "metrics.json")
    app = opened("metrics")
    assert "NegGrad" in warnings(app)
    assert run.key not in {r.key for r in own_runs(app)}
    app.button(key="damaged_again").click().run()
    assert asked == [([run.key], False)]


def own_runs(app):
    from pages.components import reads

    [comparison] = reads.all_comparisons().values()
    return comparison.runs


def test_a_damaged_run_counts_as_not_made_where_it_is_launched(own, comparison):
    run = own.load(comparison.runs["neggrad"].key)
    opened("metrics")
    from pages.components import reads

    assert reads.finished([run.key])
    damage(run, "metrics.json")
    import streamlit as st

    st.cache_resource.clear()  # as in a new server
    opened("metrics")
    assert not reads.finished([run.key])


def test_a_damaged_run_that_nobody_can_name_can_be_removed(own, comparison, asked):
    run = own.load(comparison.runs["neggrad"].key)
    (run.folder / "manifest.json").write_text("{")
    app = opened("overview")
    assert f"Run {run.key}" in warnings(app)
    app.button(key="damaged_remove").click().run()
    assert not own.exists(run.key)
    assert run.key not in warnings(app)
    assert asked == []


def test_a_damaged_run_on_a_disk_that_refuses_is_one_line(own, comparison, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(own.runs / "x"))

    run = own.load(comparison.runs["neggrad"].key)
    (run.folder / "manifest.json").write_text("{")
    app = opened("overview")
    monkeypatch.setattr(Store, "delete", refuse)
    app.button(key="damaged_remove").click().run()
    assert not app.exception
    assert [line.value for line in app.error] == [f"The disk of {own.root} can only be read."]


def test_runs_of_other_code_are_told_and_made_again_where_asked(own, asked, monkeypatch):
    assert "other code" not in texts(opened("metrics"))
    real = provenance.codes()
    changed = {**real, "neggrad": {**real["neggrad"], "method": "other"}}
    monkeypatch.setattr(provenance, "codes", lambda: changed)
    import streamlit as st

    st.cache_data.clear()
    app = opened("metrics")
    assert "Made by other code than this program's: NegGrad." in texts(app)
    app.button(key="notice_history").click().run()
    [(keys, again)] = asked
    assert again
    assert [own.load(key).config.method for key in keys] == ["neggrad"]


def test_a_shipped_run_made_by_other_code_is_not_called_ones_own(filled_store, monkeypatch):
    monkeypatch.setattr(provenance, "codes", lambda: pytest.fail("the sources were read"))
    assert "other code" not in texts(opened("metrics"))


def test_changed_images_are_told_in_one_line_instead_of_shown_for_the_old_ones(
    tmp_path, monkeypatch, no_maps
):
    from unlearn_core.config import ForgetConfig
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import comparison_config, run_configs

    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "folder"
    for part in ("train", "test"):
        for label, shade in (("dark", 20), ("grey", 120), ("light", 220)):
            (folder / part / label).mkdir(parents=True)
            for i in range(8):
                Image.new("L", (8, 8), shade + i).save(folder / part / label / f"{i}.png")
    start = comparison_config("folder", ForgetConfig(kind="class", values=(0,)), width=4, epochs=1)
    for config in run_configs(start, {}):
        execute(config, store=Store(tmp_path / "cache"), device="cpu")
    assert not opened("overview").error
    Image.new("L", (8, 8), 7).save(folder / "train" / "dark" / "0.png")
    import streamlit as st

    st.cache_resource.clear()
    st.cache_data.clear()
    app = opened("overview")
    [line] = [element.value for element in app.error]
    assert "The files of the data set 'folder'" in line
    assert "have changed since" in line


METRIC = '''"""Confidence: how sure the model is in D_f."""

from unlearn_core.metrics.base import register_metric


@register_metric("sure", label="Sure", group="Accuracy", source="test", unit="fraction of forget")
def sure(evidence):
    """Mean of the largest probability over D_f."""
    return float(evidence.records_of("forget").probabilities.max(axis=1).mean())
'''


def test_a_metric_that_was_added_since_is_offered_and_computed_for_own_runs(
    own, comparison, tmp_path, monkeypatch
):
    from unlearn_core import plugins
    from unlearn_core.metrics import METRICS

    assert "Made before a metric was added" not in texts(opened("metrics"))
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sure.py").write_text(METRIC)
    monkeypatch.setenv("UNLEARN_PLUGINS", str(tmp_path / "plugins"))
    before = dict(METRICS)
    try:
        plugins.load("metric", METRICS)
        app = opened("metrics")
        told = [c.value for c in app.caption if "Made before a metric was added" in c.value]
        assert [name in told[0] for name in ("Original", "Retrain", "NegGrad")] == [True] * 3
        app.button(key="notice_straighten").click().run()
        assert not app.exception
        assert not app.error
        assert "Made before a metric was added" not in texts(app)
        assert own.load(comparison.runs["neggrad"].key).metrics()["values"]["sure"] > 0
    finally:
        METRICS.clear()
        METRICS.update(before)


def test_a_shipped_run_that_lacks_a_metric_offers_nothing(filled_store, monkeypatch):
    from dataclasses import replace

    from unlearn_core.metrics import METRICS

    monkeypatch.setitem(METRICS, "later", replace(METRICS["forget_accuracy"], name="later"))
    assert "Made before a metric was added" not in texts(opened("metrics"))


def test_a_plugin_that_cannot_be_loaded_is_named_on_every_page(own, tmp_path, monkeypatch):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text("import no_such_package\n")
    monkeypatch.setenv("UNLEARN_PLUGINS", str(tmp_path / "plugins"))
    assert "broken.py was left out: ModuleNotFoundError" in warnings(opened("methods"))


def test_a_method_that_hardly_changed_the_model_is_named(own, comparison, no_maps):
    from unlearn_core.engine.pipeline import execute

    settings = {"learning_rate": 1e-6, "epochs": 1}
    still = replace(comparison.config, method="neggrad", settings=settings)
    assert "Hardly changed" not in warnings(opened("metrics"))
    run = execute(still, store=own, device="cpu")
    for page in ("metrics", "overview"):
        [line] = [line for line in warnings(opened(page)).splitlines() if "Hardly" in line]
        assert run.label in line
