import plotly.graph_objects as go

from unlearn_core.views.layout import finish, name_columns

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
