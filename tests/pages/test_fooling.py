import re

import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page
OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"


def table(app):
    return next(e.proto.body for e in app.get("html") if "mu-table" in e.proto.body)


def row(app, label):
    found = re.search(rf"<th scope=\"row\"[^>]*>{label}</th>(.*?)</tr>", table(app))
    return re.findall(r">([^<>]+) .</td>", found[1])


def test_empty_store_says_where_to_start(empty_store):
    assert "no finished runs yet" in opened("fooling").info[0].value


def test_accuracy_is_fooled_by_the_bias_and_features_are_not(shipped_store):
    app = opened("fooling")
    heads = re.findall(r'<th scope="col">([^<]+)</th>', table(app))
    assert heads == ["Calibration (trick)", "Forget bias (trick)", "Head-only finetune (trick)"]
    assert row(app, r"Acc\(D<sub>f</sub>\)") == ["not fooled", "fooled", "fooled"]
    assert row(app, "NMI") == ["not fooled"] * 3
    told = re.search(r"\*\*Forget bias \(trick\)\*\* fools \*\*(\d+) of (\d+)\*\*", texts(app))
    assert 0 < int(told[1]) < int(told[2])


def test_variants_of_attacks_are_behind_a_switch(shipped_store):
    app = opened("fooling")
    assert "MIA (RFA, logistic)" not in table(app)
    app.toggle(key="audits_all").set_value(True).run()
    assert "MIA (RFA, logistic)" in table(app)


def test_agreement_of_audits_is_drawn_with_its_ends_named(shipped_store):
    app = opened("fooling")
    [figure] = figures(app)
    assert figure["data"][0]["type"] == "heatmap"
    assert "DA(D<sub>f</sub>|D<sub>r</sub>)" in figure["data"][0]["x"]
    assert "Furthest apart: -" in texts(app)


def test_a_comparison_without_tricks_says_so_and_still_ranks(shipped_store):
    app = opened("fooling", comparison=OTHER)
    assert "No trick has run" in app.info[0].value
    assert links(app) == ["unlearn"]
    assert len(figures(app)) == 1
