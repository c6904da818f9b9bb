"""What page tests read off a page."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "app.py"


def opened(page, **query):
    """Open the app, then the page, and fail on any exception shown."""
    app = AppTest.from_file(APP, default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def figures(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def texts(app):
    """Return all text on the page, HTML included."""
    kinds = ("title", "subheader", "markdown", "caption", "info", "html")
    return "\n".join(
        getattr(element, "value", None) or element.proto.body
        for kind in kinds
        for element in app.get(kind)
    )


def links(app):
    return [link.proto.page for link in app.get("page_link")]
