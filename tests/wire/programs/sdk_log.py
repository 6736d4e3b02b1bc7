"""What people log; prints the runs' ids and what `Api()` reads back, as JSON."""

import json
import math
import sys
from typing import Any

import numpy as np
import wandb

PROJECT = "sdk"
LONG = "x" * 10_000


def begin(**more: Any) -> Any:
    return wandb.init(project=PROJECT, **more)


def values() -> Any:
    run = begin()
    run.log({"flat": 1, "val": {"acc": 0.5, "deep": {"er": 2}}, "text": "a word", "yes": True})
    run.log({"none": None, "nan": math.nan, "up": math.inf, "down": -math.inf})
    run.log({"np32": np.float32(0.5), "np64": np.int64(7), "small": np.array([1.0, 2.0])})
    run.log({"many": np.arange(1000.0), "long": "w" * 20_000, "list": [1, 2, 3]})
    run.log({"a.dot": 1, "a/slash": 2, "ünï ☃": 3, "<b>html</b>&amp;": 4, LONG: 5, "": 6})
    run.log({f"key{number}": number for number in range(500)})
    run.finish()
    return run


def steps() -> Any:
    run = begin()
    run.log({"a": 1}, commit=False)
    run.log({"b": 2})
    run.log({"a": 3}, step=5)
    run.log({"b": 4}, step=5)
    run.log({"a": 5}, step=3)  # the client drops it, with a warning
    run.log({"a": 6}, step=9, commit=False)
    run.log({"b": 7}, step=9, commit=True)
    run.log({"a": 8})
    run.log({"left": 9}, commit=False)
    run.finish()
    return run


def summary() -> Any:
    run = begin()
    for step in range(3):
        run.log({"loss": 3 - step, "gone": step})
    run.summary["mine"] = "a"
    run.summary["nested"] = {"one": {"two": 3}}
    run.summary.update({"loss": 77, "more": [1, 2]})
    run.summary["nested"]["one"]["two"] = 4
    del run.summary["gone"]
    run.finish()
    return run


def back(run: Any) -> Any:
    read = wandb.Api().run(f"local/{PROJECT}/{run.id}")
    return {"scan": list(read.scan_history()), "summary": dict(read.summary._json_dict)}


def after() -> str:
    run = begin()
    run.finish()
    try:
        run.log({"late": 1})
    except wandb.Error as e:
        return f"{type(e).__name__}: {e}"
    return ""


ids = {one.__name__: one() for one in (values, steps, summary)}
told = {
    "ids": {name: run.id for name, run in ids.items()},
    "read": {name: back(run) for name, run in ids.items()},
    "after": after(),
}
sys.stdout.write(f"\nTOLD {json.dumps(told)}\n")
