"""A row of forgotten examples with what each model answers."""

import pandas as pd

from unlearn_core.views.answers import answers_html


def table(labels):
    return pd.DataFrame({"id": range(len(labels)), "label": labels})


def test_a_long_class_that_all_have_is_not_cut_off_under_each():
    same = answers_html([], table(["lost or stolen phone"] * 2), ["a", "b"])
    assert "lost or stolen phone" not in same
    assert "<small>id 1</small>" in same
    other = answers_html([], table(["lost or stolen phone", "card arrival"]), ["a", "b"])
    assert "<small>id 1,</small>" in other
    assert ">card arrival</small>" in other
    assert ">automobile</small>" in answers_html([], table(["automobile", "cat"]), ["a", "b"])
    short = answers_html([], table(["3", "3"]), ["a", "b"])
    assert "class 3" in short
