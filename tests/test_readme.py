"""The README says what is there."""

import re
from pathlib import Path

import pytest

from unlearn_core.cli.listings import methods_markdown, with_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_method_table_is_the_registrys():
    stale = "the README's table of methods is old; write it again: make lists"
    assert with_table(README, methods_markdown()) == README, stale


def test_a_document_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="must hold the lines"):
        with_table("# A document", "| a |")


def test_every_picture_in_the_readme_is_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 7
    assert [path for path in pictures if not (ROOT / path).is_file()] == []


def test_every_page_is_shown_in_light_and_in_dark():
    text = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")} - {"__init__"}
    for scheme in ("light", "dark"):
        shown = re.findall(rf"\(screenshots/{scheme}/(\w+)\.png\)", text)
        assert sorted(shown) == sorted(pages)
        assert {path.stem for path in (ROOT / "docs/screenshots" / scheme).iterdir()} == pages


def test_the_gallery_says_of_each_page_what_the_readme_says():
    text = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^## (.+)\n\n(.+)\.$", text, re.MULTILINE))
    table = dict(re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", README, re.MULTILINE))
    assert {name: line[:1].lower() + line[1:] for name, line in told.items()} == {
        name: line[:1].lower() + line[1:] for name, line in table.items()
    }


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"run", "test", "test-all"} <= named <= targets
    [phony] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == targets


def test_both_lanes_together_run_every_test():
    chosen = re.findall(r'-m pytest -m ("not slow"|slow)', MAKEFILE)
    assert chosen == ['"not slow"', "slow"]
    assert re.search(r"^test-all: test$", MAKEFILE, re.MULTILINE)
    assert "make test-all" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_command_of_the_readme_is_understood():
    from unlearn_core.cli.parser import build_parser

    commands = re.findall(r"(?:-m unlearn_core|^unlearn) (\w[^\n#]*)", README, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        build_parser().parse_args(command.split())
