"""The zip is opened as a person would, and every column is looked up in its README."""

import io
import json
import zipfile

import numpy as np
import pandas as pd

from unlearn_core.cli.config_file import configs_in
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split
from unlearn_core.engine.request import validate
from unlearn_core.runs.comparison import comparisons
from unlearn_core.runs.report import report
from unlearn_core.views.handout.archive import FILES, archive


def opened(made):
    return zipfile.ZipFile(io.BytesIO(archive(*made.parts)))


def table(packed, name):
    return pd.read_csv(io.BytesIO(packed.read(name)))


def test_the_readme_explains_every_file_and_column(made):
    packed = opened(made)
    readme = packed.read("README.md").decode()
    assert set(packed.namelist()) == {"README.md", "report.json", *FILES}
    for name in packed.namelist():
        assert name == "README.md" or f"## {name}" in readme
    for name, (_, columns) in FILES.items():
        assert set(table(packed, name).columns) == set(columns), name
        section = readme.split(f"## {name}\n")[1].split("\n## ")[0]
        assert all(f"| {column} | " in section for column in columns)


def test_examples_say_what_each_model_answered_and_where_it_lies(made):
    examples = table(opened(made), "examples.csv")
    for run in made.comparison.runs:
        rows = examples[examples["key"] == run.key]
        kept = run.predictions()
        assert rows["example_id"].tolist() == kept.example_ids.tolist()
        assert rows["prediction"].tolist() == kept.predictions.tolist()
        top = kept.probabilities.max(axis=1)
        np.testing.assert_allclose(rows["probability"], top, rtol=1e-4)
        forget = rows.loc[rows["set"] == "forget", "example_id"]
        assert forget.tolist() == np.flatnonzero(made.sets.forget).tolist()
        layout = run.table(run.map_facts["file"]).set_index("example_id")["x"]
        there = rows.dropna(subset="x").set_index("example_id")["x"]
        np.testing.assert_allclose(there, layout.reindex(there.index), rtol=1e-4)
        assert len(there) == len(layout)


def test_of_a_backdoor_the_success_rate_is_counted_from_the_examples(planted):
    [comparison] = comparisons(planted.store)
    data = load_dataset(planted.config.data)
    parts = comparison, report(comparison), data, split(data, planted.config.forget)
    examples = table(zipfile.ZipFile(io.BytesIO(archive(*parts))), "examples.csv")
    for run in comparison.runs:
        rows = examples[(examples["key"] == run.key) & (examples["set"] == "triggered")]
        others = rows[rows["label"] != 0]
        values = comparison.metrics(run)["values"]
        assert (others["prediction"] == 0).mean() == values["backdoor_asr"]
        right = (others["prediction"] == others["label"]).mean()
        assert right == values["triggered_accuracy"]
        assert rows["x"].isna().all()


def test_history_keeps_the_references_steps_too(made):
    history = table(opened(made), "history.csv")
    for run in made.comparison.runs:
        noted = history[history["key"] == run.key]
        probes = run.history()["probe/forget_accuracy"].dropna()
        of_probe = noted[noted["quantity"] == "probe/forget_accuracy"]
        np.testing.assert_allclose(of_probe["value"], probes)


def test_the_report_inside_is_what_the_command_line_makes_again(made, tmp_path):
    file = tmp_path / "report.json"
    file.write_bytes(opened(made).read("report.json"))
    assert json.loads(file.read_text())["comparison"]["key"] == made.comparison.key
    keys = {validate(config).key() for config in configs_in(file)}
    assert keys == {run.key for run in made.comparison.runs}


def test_the_same_comparison_gives_the_same_zip(made):
    assert archive(*made.parts) == archive(*made.parts)
