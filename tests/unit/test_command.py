"""W&B's command macros."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from swept.command import ADAPTED, DEFAULT, build, sweep_parameters
from swept.errors import UsageError

CONFIG = {"lr": 0.1, "flag": True, "off": False, "name": "a b", "nothing": None}


def built(
    command: list[str] | tuple[str, ...], file: Path = Path("args.json"), **more: Any
) -> list[str]:
    arguments: dict[str, Any] = {
        "program": "train.py",
        "config": CONFIG,
        "interpreter": "/venv/bin/python",
        "environment": {"HOME": "/home/me"},
        "args_file": file,
        **more,
    }
    return build(command, **arguments)


def test_the_default_command_is_wandbs_with_the_running_python() -> None:
    assert built(DEFAULT) == [
        "/usr/bin/env",
        "/venv/bin/python",
        "train.py",
        "--lr=0.1",
        "--flag=True",
        "--off=False",
        "--name=a b",
        "--nothing=None",
    ]


def test_a_program_of_an_adapter_gets_no_flags() -> None:
    assert built(ADAPTED) == ["/usr/bin/env", "/venv/bin/python", "train.py"]


def test_the_other_forms_of_arguments() -> None:
    assert built(["x", "${args_no_hyphens}"])[1:3] == ["lr=0.1", "flag=True"]
    assert built(["x", "${args_no_boolean_flags}"]) == [
        "x",
        "--lr=0.1",
        "--flag",
        "--name=a b",
        "--nothing=None",
    ]
    assert json.loads(built(["x", "${args_json}"])[1]) == CONFIG


def test_arguments_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "args of a run.json"
    assert built(["x", "${args_json_file}"], file) == ["x", str(file)]
    assert json.loads(file.read_text()) == CONFIG


def test_variables_of_the_environment_anywhere_in_a_word() -> None:
    assert built(["--data=${envvar:HOME}/d", "${envvar:NOT_SET}"]) == [
        "--data=/home/me/d",
        "NOT_SET",
    ]


def test_an_empty_configuration_leaves_no_argument() -> None:
    assert built(["x", "${args}"], config={}) == ["x"]


def test_a_missing_program_is_said() -> None:
    with pytest.raises(UsageError, match="names no program"):
        built(DEFAULT, program=None)
    assert built(["make", "train"], program=None) == ["make", "train"]


@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=5)
)
def test_whatever_the_values_each_is_one_argument(config: dict[str, Any]) -> None:
    assert len(built(["${args}"], config=config)) == len(config)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]\w*", fullmatch=True),
        st.floats(allow_nan=False) | st.text("aé'\"{}:#\n"),
    )
)
def test_the_parameter_file_gives_the_values_back(config: dict[str, Any]) -> None:
    content = yaml.safe_load(sweep_parameters(config))
    assert content.pop("wandb_version") == 1
    assert content == {key: {"value": value} for key, value in config.items()}
