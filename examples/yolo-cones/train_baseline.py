"""Trains by hand, beside the sweep: any training argument of Ultralytics is a flag.

    python train_baseline.py --epochs 100 --lr0 0.005 --name lr_0.005
    python train_baseline.py --mosaic 0.7 --name mosaic_0.7 --test

What no flag gives is taken from the fixed parameters of the sweep file (`--like`), else it is
Ultralytics' default. Once a sweep was started in this folder, the run is shown beside its runs.
"""

import argparse
import json
import sys
from pathlib import Path

import torchvision_shim
import yaml

import swept
from swept.errors import SweptError
from swept.ultralytics.facts import ARGUMENTS
from swept.ultralytics.train import train


def value(text: str) -> object:
    """A number, true, false, a list or a text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def parse() -> argparse.Namespace:
    """The command line; arguments that were not given are absent."""
    names = sorted(ARGUMENTS.keys() - {"name"})
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], epilog="Flags: " + " ".join(f"--{n}" for n in names)
    )
    parser.add_argument("--name", help="name of the run")
    parser.add_argument(
        "--like", default="sweep_config.yaml", help="sweep file to take the rest from"
    )
    parser.add_argument("--test", action="store_true", help="evaluate on the test split, too")
    for name in names:
        parser.add_argument(
            f"--{name}", type=value, default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
    given = parser.parse_args()
    if not Path(given.like).is_file():
        parser.error(f"--like {given.like}: there is no such file")
    return given


def main() -> None:
    """Trains once, as a manual run."""
    torchvision_shim.install()
    flags = vars(parse())
    name, like, test = flags.pop("name"), flags.pop("like"), flags.pop("test")
    sweep = yaml.safe_load(Path(like).read_text(encoding="utf-8"))
    fixed = {key: p["value"] for key, p in sweep["parameters"].items() if "value" in p}
    try:
        with swept.init(project=sweep.get("project"), name=name, config={**fixed, **flags}) as run:
            train(run, test=test)
    except SweptError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
