"""The README says what is there."""

import re
from pathlib import Path

from unlearn_core.methods import METHODS

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_method_table_lists_the_names_of_the_registry():
    table = README.split("## Methods")[1].split("\n## ")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == sorted(METHODS)


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
