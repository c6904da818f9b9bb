"""The README says what is there."""

import re
from pathlib import Path

import pytest

from unlearn_core.cli.listings import methods_markdown, with_table

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_method_table_is_the_registrys():
    stale = "the README's table of methods is old; write it again: make lists"
    assert with_table(README, methods_markdown()) == README, stale


def test_a_document_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="must hold the lines"):
        with_table("# A document", "| a |")


def test_every_picture_in_the_readme_is_there():
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert len(pictures) >= 7
    missing = [
        path for path in pictures if not (Path(__file__).resolve().parents[1] / path).is_file()
    ]
    assert missing == []


def test_every_command_of_the_readme_is_understood():
    from unlearn_core.cli.parser import build_parser

    commands = re.findall(r"(?:-m unlearn_core|^unlearn) (\w[^\n#]*)", README, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        build_parser().parse_args(command.split())
