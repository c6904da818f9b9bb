import plotly.graph_objects as go
from plotly.subplots import make_subplots

from unlearn_core.views.layout import finish, framed, lines_across, name_columns, short_names

LONG = ["balance not updated", "card payment refused"] * 6
BOLD = "<b>lost or stolen phone</b><br>to forget"


def figure():
    return finish(go.Figure(), height=380)


def test_short_names_stand_upright_and_take_no_room():
    shown = name_columns(figure(), ["0", "1", BOLD])
    assert shown.layout.height == 380
    assert shown.layout.xaxis.tickangle is None
    assert list(shown.layout.xaxis.ticktext) == ["0", "1", BOLD]


def test_long_names_are_tilted_and_leave_the_plot_as_high_as_it_was():
    for above, side in ((False, "b"), (True, "t")):
        before = figure().layout
        shown = name_columns(figure(), [*LONG, BOLD], above=above).layout
        room = shown.height - before.height
        assert room > 60
        assert shown.margin[side] - before.margin[side] == room
        assert shown.xaxis.ticktext[-1] == "<b>lost or stolen phone</b>, to forget"


def test_lines_cross_their_panel_and_keep_what_was_drawn():
    figure = make_subplots(cols=2)
    framed(figure, 2)
    lines_across(figure, [1.0, 2.0], {"color": "red"}, panel=2)
    lines_across(figure, [3.0], {"color": "red"}, axis="y")
    frame, other, first, second, level = figure.layout.shapes
    assert (frame.xref, other.yref) == ("x domain", "y2 domain")
    assert [(line.x0, line.x1, line.xref, line.yref) for line in (first, second)] == [
        (1.0, 1.0, "x2", "y2 domain"), (2.0, 2.0, "x2", "y2 domain"),
    ]  # fmt: skip
    assert (level.y0, level.y1, level.yref, level.xref) == (3.0, 3.0, "y", "x domain")
    assert (level.x0, level.x1) == (0, 1)


def test_names_that_begin_and_end_alike_are_numbered_and_short_ones_stay():
    alike = [f"balance not updated after {n} cheque or cash deposit" for n in ("one", "two")]
    found = short_names([*alike, "cat", "cat"])
    assert len(set(found[:2])) == 2
    assert [name[:3] for name in found[:2]] == ["1: ", "2: "]
    assert found[2:] == ["cat", "cat"]
