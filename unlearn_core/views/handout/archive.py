"""The numbers of a comparison as one zip, with a README that explains every file and column."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping

import pandas as pd

from unlearn_core.data import Dataset
from unlearn_core.metrics.base import METRICS
from unlearn_core.metrics.verdict import WORDS
from unlearn_core.records import Records, Sets
from unlearn_core.runs.artefact import (
    ARRAYS,
    HISTORY,
    TRIGGERED,
    Predictions,
    RunArtefact,
    predictions_of,
)
from unlearn_core.runs.comparison import Comparison
from unlearn_core.runs.report import Report
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.examples import answer_names
from unlearn_core.views.tables import long_csv, summary_csv
from unlearn_core.views.verdicts import MEANING
from unlearn_core.views.wording import title_of

DIGITS = "%.6g"  # outputs are kept in single or half precision
WRITTEN = (1980, 1, 1, 0, 0, 0)  # a zip's first date: the same comparison gives the same bytes
RUN = {
    "label": "name of the method, with the settings that it does not usually have",
    "method": "the method's name",
    "seed": "where chance starts",
    "key": "the run's key, which joins these files",
}
FILES: dict[str, tuple[str, dict[str, str]]] = {
    "runs.csv": (
        "One row a run.",
        {
            **RUN,
            "verdict": "the verdict on this run, in a word",
            "because": "the numbers that the verdict rests on",
            "seconds": "of the method's own loop, without probes, metrics and maps",
            "settings": "every setting of the method, as JSON",
            "device": "what computed it",
            "python": "version of Python",
            "packages": "versions of the packages, as JSON",
            "commit": "of the program's sources; empty where it is not known",
            "data_content": "hash of the data's content",
        },
    ),
    "metrics-every-run.csv": (
        "One row a run and metric. Fractions lie in [0, 1].",
        {
            **RUN,
            "metric": "the metric's name, explained below",
            "value": "empty where it is missing",
            "reason": "why it is missing",
            "draws": "of a metric that draws: standard deviation over its draws",
            "retrained": "mean of the retrained models",
            "original": "of the same seed",
            "distance": "value minus retrained",
            "deviations": "the same in the retrained models' standard deviations",
            "side": "matched, doubtful (two deviations away on the original's side), under (off "
            "on that side), over; where the original is matched too, untold, or off (from both)",
            "verdict": "the verdict on the run",
        },
    ),
    "metrics-over-seeds.csv": (
        "One row a method (with its settings) and metric, over its seeds.",
        {
            "label": RUN["label"],
            "method": RUN["method"],
            "metric": "the metric's name, explained below",
            "n_seeds": "seeds that have a value",
            "mean": "over seeds",
            "std": "standard deviation over seeds; empty for one",
            "low": "lower end of the interval, as `kind` says",
            "high": "upper end",
            "kind": "95 % interval of the mean, or range where there are too few seeds for one",
            "draws": "of a metric that draws: the largest standard deviation over its draws",
            "retrained": "mean of the retrained models",
            "distance": "mean minus retrained",
            "deviations": "the same in the retrained models' standard deviations",
            "side": "of the mean, as in metrics-every-run.csv",
            "verdict": "the verdict on the method over its seeds",
        },
    ),
    "verdicts.csv": (
        "One row a method (with its settings).",
        {
            "label": RUN["label"],
            "method": RUN["method"],
            "word": "the verdict: of several seeds the word in the middle of theirs",
            "agreement": "of how many seeds it is the same; empty for one seed",
            "because": "the numbers that it rests on",
            "n_caveats": "in how many other numbers it is off",
        },
    ),
    "examples.csv": (
        "One row a run and recorded example.",
        {
            "key": RUN["key"],
            "example_id": "the example's place in the data set",
            "set": "forget, retain, forget_test or retain_test; triggered: a test image with the "
            "backdoor's trigger on it",
            "label": "number of its class, as the data has it: of poisoned images the attacker's",
            "class_name": "name of this class",
            "prediction": "number of the class that the model answers",
            "prediction_name": "its name",
            "probability": "of the answered class",
            "label_probability": "of its class",
            "x": "place on the map aligned to the original's; empty for what is not on it",
            "y": "the same upwards",
        },
    ),
    "history.csv": (
        "One row a run, step and quantity that was noted at that step.",
        {
            **RUN,
            "quantity": "probe/METRIC on the tracked examples, or loss/NAME in nats",
            "step": "of the method's own loop",
            "seconds": "since the loop began",
            "value": "of the quantity",
        },
    ),
}
REPORT_JSON = "report.json"


def archive(comparison: Comparison, report: Report, dataset: Dataset, sets: Sets) -> bytes:
    """Return the zip; the same comparison gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in _files(comparison, report).items():
            packed.writestr(_entry(name), text)
        with packed.open(_entry("examples.csv"), "w", force_zip64=True) as file:
            for number, rows in enumerate(_examples(comparison, dataset, sets)):
                file.write(
                    rows.to_csv(index=False, header=number == 0, float_format=DIGITS).encode()
                )
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, WRITTEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _files(comparison: Comparison, report: Report) -> Mapping[str, str]:
    everything = {**report.plain(), "summary": report.summary_records()}
    return {
        "README.md": readme(comparison, report),
        "runs.csv": _runs(report).to_csv(index=False),
        "metrics-every-run.csv": long_csv(report),
        "metrics-over-seeds.csv": summary_csv(report),
        "verdicts.csv": report.verdicts.to_csv(index=False),
        "history.csv": _history(comparison).to_csv(index=False),
        REPORT_JSON: json.dumps(everything, indent=1, allow_nan=False) + "\n",
    }


def readme(comparison: Comparison, report: Report) -> str:
    """Return what the zip holds, column by column, in Markdown."""
    parts = [
        f"# {title_of(comparison)}",
        "",
        f"{comparison_caption(report)}. Key of the comparison: {report.comparison['key']}.",
        "",
        "Tables are CSV in UTF-8; logs are natural, losses and entropies in nats, accuracies in "
        "[0, 1]. An empty cell is a missing value.",
        "",
    ]
    for name in FILES:
        parts += [f"## {name}", "", columns_of(name), ""]
    parts += [
        f"## {REPORT_JSON}",
        "",
        "The whole report: `comparison` (data, model, recipe, request, what the retrained models "
        "say, verdicts), `runs` (config, settings, metrics, reasons, environment of each) and "
        f"`summary` (over seeds). `python -m unlearn_core run {REPORT_JSON}` makes its runs again.",
        "",
        "## Verdicts",
        "",
        *(f"- {word}: {MEANING[word]}" for word in WORDS),
        "",
        "## Metrics",
        "",
        *(f"- {n}: {' '.join(spec.definition.split())}" for n, spec in METRICS.items()),
        "",
    ]
    return "\n".join(parts)


def columns_of(file: str) -> str:
    """Return in Markdown what a file of `FILES` holds, and a table of its columns."""
    about, columns = FILES[file]
    rows = [f"| {column} | {meaning} |" for column, meaning in columns.items()]
    return "\n".join([about, "", "| column | meaning |", "|---|---|", *rows])


def _runs(report: Report) -> pd.DataFrame:
    rows = [
        {
            **{name: run[name] for name in RUN},  # type: ignore[literal-required]
            "verdict": run["verdict"],
            "because": run["because"],
            "seconds": run["seconds"],
            "settings": json.dumps(run["settings"]),
            "device": run["environment"]["device"],
            "python": run["environment"]["python"],
            "packages": json.dumps(run["environment"]["packages"]),
            "commit": run["environment"]["commit"],
            "data_content": run["data_content"],
        }
        for run in report.runs
    ]
    return pd.DataFrame(rows, columns=list(FILES["runs.csv"][1]))


def _history(comparison: Comparison) -> pd.DataFrame:
    columns = list(FILES["history.csv"][1])
    parts = [_noted(comparison, run) for run in comparison.runs if run.has(HISTORY)]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _noted(comparison: Comparison, run: RunArtefact) -> pd.DataFrame:
    """Return every value that was noted of a run, also those of the references on the way."""
    history = run.history()
    values = [name for name in history if "/" in str(name)]
    long = history.melt(["step", "seconds"], values, var_name="quantity").dropna(subset="value")
    return long.assign(
        label=comparison.label(run),
        method=run.config.method,
        seed=run.config.seed,
        key=run.key,
    )


def _examples(comparison: Comparison, dataset: Dataset, sets: Sets) -> Iterator[pd.DataFrame]:
    """Yield the rows of one run after the other: all of them together may not fit in memory."""
    columns = list(FILES["examples.csv"][1])
    yield pd.DataFrame(columns=columns)
    for run in comparison.runs:
        if run.has(ARRAYS):
            yield _of_run(run, dataset, sets)[columns]
        if run.has(TRIGGERED):
            marked = predictions_of(Records.from_arrays(run.arrays(TRIGGERED)))
            yield _answers(run, marked, dataset).assign(set="triggered", x=None, y=None)[columns]


def _of_run(run: RunArtefact, dataset: Dataset, sets: Sets) -> pd.DataFrame:
    recorded = run.predictions()
    rows = _answers(run, recorded, dataset)
    rows["set"] = sets.names()[recorded.example_ids]
    file = run.map_facts.get("file")
    if file is None or not run.has(file):
        return rows.assign(x=float("nan"), y=float("nan"))
    return rows.merge(run.table(file)[["example_id", "x", "y"]], on="example_id", how="left")


def _answers(run: RunArtefact, recorded: Predictions, dataset: Dataset) -> pd.DataFrame:
    names = dataset.class_names
    return pd.DataFrame(
        {
            "key": run.key,
            "example_id": recorded.example_ids,
            "label": recorded.labels,
            "class_name": answer_names(recorded.labels, names),
            "prediction": recorded.predictions,
            "prediction_name": answer_names(recorded.predictions, names),
            "probability": recorded.sureness,
            "label_probability": recorded.of_label,
        }
    )
