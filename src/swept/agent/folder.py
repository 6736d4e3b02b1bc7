"""`.swept/agents/ID/`: all that another agent needs to clean up after this one, should it die.

lock             held (flock) while the agent lives
agent.json       which agent, which sweep, which server
request          the id of the claim that is under way, written before it is sent
runs/RUN.json    a run that the agent holds (`Record`)
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from swept.agent.process import Lock, boot_id
from swept.tracking.workspace import Workspace, read_json, write_json
from swept.wire.agents import Claimed


@dataclass(frozen=True, slots=True)
class Record:
    """A run that an agent holds, and the attempt's folder."""

    claimed: Claimed
    place: str

    @property
    def workspace(self) -> Workspace:
        return Workspace(Path(self.place))


class AgentFolder:
    """An agent's folder, with its lock."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def create(cls, agents: Path, agent: str, about: dict[str, Any]) -> AgentFolder:
        """Locked before it has its name: nobody can mistake it for a dead agent's."""
        agents.mkdir(parents=True, exist_ok=True)
        draft = agents / f".new-{uuid.uuid4().hex}"
        (draft / "runs").mkdir(parents=True)
        lock = Lock.take(draft / "lock")
        assert lock is not None  # nobody else knows the folder
        write_json(draft / "agent.json", {**about, "id": agent, "boot": boot_id()})
        draft.rename(agents / agent)
        return cls(agents / agent, lock)

    @classmethod
    def orphaned(cls, agents: Path, host: str) -> Iterator[AgentFolder]:
        """The folders of this host's agents that have died, locked; who takes one over has to `remove` it."""
        for path in sorted(agents.glob("[!.]*")):
            about = read_json(path / "agent.json")
            ours = about and (about.get("host") == host or about.get("boot") == boot_id() != "")
            if not ours:
                continue
            try:
                lock = Lock.take(path / "lock")
            except OSError:  # removed meanwhile
                continue
            if lock is not None:
                yield cls(path, lock)

    def about(self) -> dict[str, Any]:
        return cast(dict[str, Any], read_json(self.path / "agent.json") or {})

    def keep(self, record: Record) -> None:
        write_json(self.path / "runs" / f"{record.claimed['run']}.json", asdict(record))

    def drop(self, run: str) -> None:
        (self.path / "runs" / f"{run}.json").unlink(missing_ok=True)

    def records(self) -> list[Record]:
        found = [read_json(path) for path in sorted((self.path / "runs").glob("[!.]*.json"))]
        return [Record(**content) for content in found if content]

    def keep_request(self, request: str) -> None:
        path = self.path / "request"
        with path.open("w") as file:
            file.write(request)
            file.flush()
            os.fsync(file.fileno())

    def drop_request(self) -> None:
        (self.path / "request").unlink(missing_ok=True)

    def request(self) -> str | None:
        try:
            return (self.path / "request").read_text() or None
        except OSError:
            return None

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def leave(self) -> None:
        """Let go of it, so that the next agent takes over what is in it."""
        self._lock.release()
