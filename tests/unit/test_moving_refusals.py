"""Which errors of the W&B client are asked again, and which are answers."""

from __future__ import annotations

import json

import httpx
import pytest
from wandb.errors import AuthenticationError, CommError

from swept.moving.refusals import settled


def answered(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://127.0.0.1/404/403")
    return httpx.HTTPStatusError("it failed", request=request, response=httpx.Response(status))


def wrapped(inner: Exception) -> CommError:
    """As the client hands on what happened below it."""
    return CommError("Whoa, you found a bug.", inner)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_an_answer(status: int) -> None:
    assert settled(answered(status))
    assert settled(wrapped(answered(status)))
    assert settled(CommError(f"HTTP {status}: so it is"))
    assert settled(CommError(f"file transfer: download: failed: status: {status} Whatever: body"))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_asked_again(status: int) -> None:
    assert not settled(answered(status))
    assert not settled(wrapped(answered(status)))
    assert not settled(CommError(f"HTTP {status}: run abc404 not found by the cache"))


def test_numbers_in_a_text_are_no_status() -> None:
    assert not settled(CommError("no connection to http://127.0.0.1:40404/run-403"))
    assert not settled(TimeoutError("after 401 s"))


def test_what_the_client_could_not_find_is_an_answer() -> None:
    assert settled(wrapped(ValueError("Could not find run <Run a/b/c (not found)>")))
    assert settled(AuthenticationError("permission denied"))


def test_half_an_answer_is_asked_again() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads('{"data": ')
    assert not settled(wrapped(caught.value))
