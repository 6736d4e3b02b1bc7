"""Which server the `wandb` client of this process speaks to, without importing it: the environment, then what
`wandb login --host` wrote."""

from __future__ import annotations

import configparser
import netrc
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

HOSTED = ("wandb.ai", "api.wandb.ai")


@dataclass(frozen=True, slots=True)
class Login:
    url: str
    key: str


def login() -> Login | None:
    """None: no server of one's own is meant, or there is no key for it."""
    url = (os.environ.get("WANDB_BASE_URL") or _setting("base_url")).rstrip("/")
    if not url or urlsplit(url).hostname in (*HOSTED, None):
        return None
    key = os.environ.get("WANDB_API_KEY") or _kept_key(url)
    return Login(url, key) if key else None


def _setting(name: str) -> str:
    """From the settings file of the working folder, else from the user's; "" where neither has it."""
    folder = Path(os.environ.get("WANDB_DIR") or ".")
    user = Path(os.environ.get("WANDB_CONFIG_DIR") or Path.home() / ".config" / "wandb")
    for path in (folder / "wandb" / "settings", user / "settings"):
        settings = configparser.ConfigParser(interpolation=None)
        try:
            settings.read(path)
            value = settings.get("default", name, fallback="")
        except (configparser.Error, UnicodeDecodeError):
            continue
        if value:
            return value
    return ""


def _kept_key(url: str) -> str:
    """From the netrc file, where newer clients write the port with the host and older ones do not."""
    place = urlsplit(url)
    try:
        kept = netrc.netrc(_netrc_path())
    except (OSError, netrc.NetrcParseError):
        return ""
    for machine in (place.netloc, place.hostname or ""):
        found = kept.authenticators(machine)
        if found and found[2]:
            return found[2]
    return ""


def _netrc_path() -> Path:
    named = os.environ.get("NETRC")
    if named:
        return Path(named).expanduser()
    usual, other = Path.home() / ".netrc", Path.home() / "_netrc"
    return usual if usual.exists() or not other.exists() else other
