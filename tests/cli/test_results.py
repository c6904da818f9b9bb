"""`report`: files of a finished comparison, without making any run."""

import json
import zipfile

import pytest

from tests.stores import fill_store
from unlearn_core.cli.main import main
from unlearn_core.engine.shipped import QUESTIONS


@pytest.fixture
def files(tmp_path):
    return {name: tmp_path / f"out.{name}" for name in ("html", "zip", "json", "csv")}


def test_report_writes_what_is_asked_for_and_makes_nothing(own, comparison, files, capsys):
    before = sorted(own.list())
    options = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    assert main(["report", comparison.config.comparison_key()[:6], *options]) == 0
    assert sorted(own.list()) == before
    assert files["html"].read_text().startswith("<!doctype html>")
    assert "examples.csv" in zipfile.ZipFile(files["zip"]).namelist()
    key = comparison.config.comparison_key()
    assert json.loads(files["json"].read_text())["comparison"]["key"] == key
    assert files["csv"].read_text().startswith("method,label,seed")
    assert "Retrained" in capsys.readouterr().out


def test_a_run_names_its_comparison_too(own, comparison, files):
    key = comparison.runs["neggrad"].key
    assert main(["report", key, "--quiet", "--no-pictures", "--html", str(files["html"])]) == 0
    assert "<img" not in files["html"].read_text()


def test_list_comparisons_names_what_report_takes(own, comparison, capsys):
    assert main(["list", "comparisons"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(comparison.config.comparison_key())
    assert "forget class 3" in line


@pytest.mark.parametrize(
    ("key", "words"),
    [("ab", "at least 4 digits, got 'ab'"), ("0000ffff", "begins with '0000ffff'")],
)
def test_a_key_that_names_nothing_is_one_line(own, capsys, key, words):
    assert main(["report", key]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_folder_that_is_not_there_is_told_before_anything_else(own, comparison, capsys):
    key = comparison.config.comparison_key()
    assert main(["report", key, "--html", "/nowhere/report.html"]) == 2
    assert "--html must be in a folder that exists" in capsys.readouterr().err


def test_html_without_plotly_says_what_to_install(own, comparison, files, capsys, monkeypatch):
    monkeypatch.setattr("unlearn_core.cli.results.importlib.util.find_spec", lambda name: None)
    key = comparison.config.comparison_key()
    assert main(["report", key, "--html", str(files["html"])]) == 2
    assert "--html needs plotly" in capsys.readouterr().err


def test_what_ships_without_its_texts_is_handed_out_without_them(tmp_path, files, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(fill_store(tmp_path / "shipped", QUESTIONS.dataset)))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "none"))
    key = QUESTIONS.configs()[0].comparison_key()
    options = [text for name in ("html", "zip") for text in (f"--{name}", str(files[name]))]
    assert main(["report", key, "--quiet", *options]) == 0
    assert "they were not on the machine that wrote this file" in files["html"].read_text()
    assert "examples.csv" in zipfile.ZipFile(files["zip"]).namelist()
