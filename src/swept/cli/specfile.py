"""A sweep file read and checked on this side, so that every mistake is told with its place in the file."""

from __future__ import annotations

from pathlib import Path

from swept.errors import UsageError
from swept.spec import parse


def checked_text(file: Path, *, strict: bool = False) -> str:
    """The file's text; raises SpecError with all its mistakes, UsageError where it cannot be read."""
    text = read_text(file)
    parse(text, str(file), strict=strict)
    return text


def read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UsageError(f"there is no file `{file}`", hint="check the path") from error
    except IsADirectoryError as error:
        raise UsageError(f"`{file}` is a folder", hint="name the sweep file in it") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"`{file}` is not a text file", hint="a sweep file is YAML or JSON"
        ) from error
    except OSError as error:
        raise UsageError(
            f"cannot read `{file}`: {error.strerror}", hint="check its permissions"
        ) from error
