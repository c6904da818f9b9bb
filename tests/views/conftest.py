"""A small report with every case that a table must show: seeds, missing values, sides."""

import pytest

SETTINGS = {"gamma": 0.5}


def run(method, label, seed, metrics, word="matched", **reasons):
    return {
        "method": method,
        "label": label,
        "seed": seed,
        "key": f"{method}{seed}",
        "settings": SETTINGS,
        "metrics": {**metrics, **dict.fromkeys(reasons)},
        "reasons": reasons,
        "deviations": {"mia_rfa": 0.05} if "mia_rfa" in metrics else {},
        "verdict": word,
        "because": f"{label} seed {seed}",
        "caveats": [],
        "environment": {
            "python": "3.11",
            "packages": {"torch": "2.0", "umap-learn": None},
            "device": "2 CPU cores",
            "threads": 2,
            "commit": "abc",
        },
    }


def verdict(method, label, word, agreement=""):
    return {
        "label": label,
        "method": method,
        "word": word,
        "because": f"{label} is so",
        "caveats": [],
        "agreement": agreement,
    }


def numbers(forget, alignment, test=0.9, seconds=1.0):
    return {
        "forget_accuracy": forget,
        "dimensional_alignment": alignment,
        "test_accuracy": test,
        "unlearn_seconds": seconds,
    }


@pytest.fixture
def report():
    """Two seeds; a good and a bad method; the original without seconds."""
    runs = []
    for seed in (0, 1):
        start = numbers(1.0, 0.7)
        del start["unlearn_seconds"]
        runs += [
            run("original", "Original", seed, start, "original", unlearn_seconds="took no steps"),
            run("retrain", "Retrained", seed, numbers(0.0, 0.9, seconds=10), "reference"),
        ]
    runs += [
        run("muda", "MUDA", 0, numbers(0.0, 0.88)),
        run("muda", "MUDA", 1, numbers(0.02, 0.90)),
        run("finetune", "Finetune", 0, numbers(0.9, 0.72, seconds=0.5), "remembers"),
    ]
    return {
        "comparison": {
            "key": "k",
            "dataset": "digits",
            "data": {"name": "digits", "train_examples": None},
            "model": {
                "name": "resnet18",
                "width": 8,
                "norm": "group",
                "stem": "cifar",
                "pretrained": False,
                "input_size": None,
            },
            "training": {
                "epochs": 15,
                "optimizer": "sgd",
                "learning_rate": 0.05,
                "batch_size": 64,
                "schedule": "cosine",
            },
            "forget": {"kind": "class", "values": [3]},
            "seeds": [0, 1],
            "reference": {
                name: {"mean": value, "deviation": 0.02, "within": 0.06, "n_models": 2}
                for name, value in numbers(0.0, 0.9, seconds=10).items()
            },
            "left_out_seed": None,
            "unreliable": [],
            "underfitted": "",
            "costly": "",
            "verdicts": [
                verdict("original", "Original", "original", "2 of 2 seeds"),
                verdict("retrain", "Retrained", "reference", "2 of 2 seeds"),
                verdict("muda", "MUDA", "matched", "1 of 2 seeds"),
                verdict("finetune", "Finetune", "remembers"),
            ],
        },
        "runs": runs,
    }
