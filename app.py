from pathlib import Path

SIDEBAR_WIDTH = 220  # pixels
LOOK = Path(__file__).with_name("pages").joinpath("components", "look.css")


def main() -> None:
    """Show the chosen page under the navigation."""
    import streamlit as st

    from pages.components import back, notices, scheme, selectors, words

    # before the navigation: a tab without an icon takes the page's, as a picture from a font host
    st.set_page_config(
        page_title="Machine unlearning",
        page_icon="pages/components/icon.png",
        layout="wide",
        initial_sidebar_state=SIDEBAR_WIDTH,
    )
    st.html(LOOK)
    pages = {
        "": [
            st.Page("pages/overview.py", title="Overview", icon=":material/home:", default=True),
            st.Page("pages/unlearn.py", title="Unlearn", icon=":material/play_circle:"),
            st.Page("pages/runs.py", title="Runs", icon=":material/inventory_2:"),
        ],
        "See": [
            st.Page("pages/manifolds.py", title="Manifolds", icon=":material/scatter_plot:"),
            st.Page("pages/alignment.py", title="Alignment", icon=":material/timeline:"),
            st.Page("pages/layers.py", title="Layers", icon=":material/layers:"),
            st.Page("pages/predictions.py", title="Predictions", icon=":material/grid_on:"),
            st.Page("pages/samples.py", title="Samples", icon=":material/image_search:"),
            st.Page("pages/draw.py", title="Draw your own", icon=":material/draw:"),
            st.Page("pages/grid.py", title="Settings tried", icon=":material/stacked_line_chart:"),
            st.Page("pages/gamma.py", title="Gamma ablation", icon=":material/tune:"),
            st.Page("pages/incremental.py", title="Incremental view", icon=":material/add_circle:"),
        ],
        "Measure": [
            st.Page("pages/metrics.py", title="Metrics", icon=":material/table_chart:"),
            st.Page("pages/privacy.py", title="Privacy", icon=":material/shield:"),
            st.Page("pages/bring_back.py", title="Bring it back", icon=":material/undo:"),
            st.Page("pages/backdoor.py", title="Backdoor", icon=":material/key:"),
            st.Page(
                "pages/fooling.py", title="Fooling the metrics", icon=":material/theater_comedy:"
            ),
        ],
        "Learn": [
            st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:"),
        ],
    }
    page = st.navigation(pages, expanded=True)
    st.session_state[selectors.UNDER_APP] = True
    words.show()
    selectors.choose_comparison()
    with st.sidebar:
        back.to_page_before()
        scheme.follow()
    notices.run_page(page)


if __name__ == "__main__":  # worker processes import this file too, and need no page
    main()
