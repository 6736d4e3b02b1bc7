"""The agent: claims runs of a sweep, runs their programs, and sees each of them to its end.

The main thread alone decides (swept.agent.loop) and starts programs. Whatever waits for the network has a thread of
its own: the claim, the heartbeat, console and figures, and the ending of each run. They speak to the main thread by facts.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from swept.agent import loop
from swept.agent.common import explain
from swept.agent.devices import Devices, take
from swept.agent.ending import GivenUp, finish, send_console, send_figures
from swept.agent.environment import command_line, environment, prepare, working_folder
from swept.agent.figures import measure_all
from swept.agent.folder import AgentFolder, Record
from swept.agent.held import Held
from swept.agent.link import Link
from swept.agent.loop import State, advance
from swept.agent.process import Signals, kill_run
from swept.agent.takeover import take_over
from swept.client import Client
from swept.clock import Clock, SystemClock
from swept.errors import NotFound, ServerUnreachable, SweptError, Unauthorized, UsageError
from swept.executors.base import Executor, Job, Launch, StartFailed
from swept.executors.local import LocalExecutor
from swept.home import Home
from swept.model import Desired, RunState
from swept.tracking import workspace
from swept.tracking.workspace import Workspace
from swept.ultralytics.labels import missing
from swept.wire.agents import AgentStart, Beat, Claimed, ClaimRequest

SUPERVISOR = Path(__file__).with_name("supervisor.py")
TICK_SECONDS = 0.1
SEND_SECONDS = 0.5
BEAT_PAUSE_SECONDS = 0.2
"""Between an answer and the next heartbeat: the server holds them."""
WITHOUT_SERVER_SECONDS = 5.0
"""How long an agent that was told to end now tries to reach a server that is away."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to work. `slots`, `gpus`: see `swept.agent.devices.take`. `run`: this very run and nothing else.

    `grace`: seconds between INT, TERM and KILL. `wait`: seconds a claim is held open at the server. `figures`: seconds
    between two measurements of the machine, 0 for none.
    """

    count: int | None = None
    slots: int | None = None
    gpus: str | None = None
    run: str | None = None
    kinds: Sequence[str] = ()
    grace: float = 10.0
    leftover: float = 10.0
    heartbeat: float = 10.0
    wait: float = 2.0
    figures: float = 15.0
    limits: loop.Limits = field(default_factory=loop.Limits)


class Agent:
    """One agent. `run` works until there is nothing left and returns the exit code; `interrupt` is Ctrl+C.

    `reconnect` starts the server of this machine again when it is gone; None: it is somewhere else. `say` gets
    lines for the person at the terminal, from several threads.
    """

    def __init__(
        self,
        client: Client,
        sweep: str,
        options: Options | None = None,
        *,
        home: Home,
        say: Callable[[str], None],
        reconnect: Callable[[], Client] | None = None,
        executor: Executor | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = options or Options()
        self._sweep = sweep
        self._home = home
        self._say = say
        self._clock = clock or SystemClock()
        self._link = Link(client, self._clock, reconnect)
        self._executor = executor or LocalExecutor(SUPERVISOR)
        self._facts: queue.SimpleQueue[loop.Fact] = queue.SimpleQueue()
        self._held: dict[str, Held] = {}
        self._stopping = threading.Event()
        self._state = State()
        self._request = ""
        self._host = socket.gethostname()
        self._devices = Devices([])
        self._id = ""
        self._folder: AgentFolder | None = None
        self._ended_at: float | None = None  # when it was told to end now

    def interrupt(self, *, hard: bool = False) -> None:
        """As Ctrl+C (the first: no new runs; the second: now), or with `hard` as SIGTERM: now. For any thread."""
        self._facts.put(loop.Interrupted(hard))

    def run(self) -> int:
        """Raises UsageError, NotFound, Conflict (GPUs), ServerUnreachable before anything is claimed."""
        options = self.options
        self._devices = take(options.slots, options.gpus, os.environ, f"agent pid {os.getpid()}")
        try:
            for note in self._devices.notes:
                self._say(note)
            take_over(self._link, self._home, self._host, self._clock, self._say)
            self._register()
            main = threading.current_thread() is threading.main_thread()
            with Signals(self._on_signal, active=main):
                return self._work()
        finally:
            self._devices.release()

    # -- beginning and end ------------------------------------------------------------------------
    def _register(self) -> None:
        slots = len(self._devices.slots)
        start: AgentStart = {
            "host": self._host,
            "pid": os.getpid(),
            "slots": slots,
            "sweep": self._sweep,
        }
        self._id = self._link.call(Client.start_agent, start)["id"]
        about = {
            "host": self._host,
            "pid": os.getpid(),
            "sweep": self._sweep,
            "run": self.options.run,
            "home": self._link.client.handshake()["home"],
        }
        self._folder = AgentFolder.create(self._home.agents, self._id, about)
        count = 1 if self.options.run else self.options.count
        limits = replace(self.options.limits, slots=slots, count=count)
        self._state = State(limits, now=self._clock.monotonic())

    def _on_signal(self, number: int, frame: object) -> None:
        self.interrupt(hard=number != signal.SIGINT)

    def _work(self) -> int:
        for target in (self._beat, self._send, self._measure):
            threading.Thread(target=target, name=f"swept-{target.__name__}", daemon=True).start()
        try:
            return self._main_loop()
        finally:
            self._stopping.set()
            self._leave()

    def _main_loop(self) -> int:
        while True:
            for fact in self._news():
                self._state, actions = advance(self._state, fact)
                for action in actions:
                    if isinstance(action, loop.Leave):
                        return action.exit_code
                    self._do(action)

    def _leave(self) -> None:
        for held in self._held.values():
            if held.job is not None:
                held.job.close()
        folder = self._folder
        if folder is None:
            return
        if self._held or self._state.claiming:
            folder.leave()
            return
        with suppress(SweptError):  # the server notices by itself
            self._link.client.end_agent(self._id)
        folder.remove()

    # -- facts ------------------------------------------------------------------------------------
    def _news(self) -> Iterator[loop.Fact]:
        """The time, what the threads say, and what the runs' files say."""
        try:
            first = self._facts.get(timeout=TICK_SECONDS)
        except queue.Empty:
            first = None
        now = self._clock.monotonic()
        yield loop.Tick(now)
        if first is not None:
            yield first
        while not self._facts.empty():
            yield self._facts.get()
        for held in list(self._held.values()):
            yield from self._news_of(held, now)

    def _news_of(self, held: Held, now: float) -> Iterator[loop.Fact]:
        if held.job is None or held.exited:
            return
        ended = held.job.ended()  # first: what it wrote before its end is then all there
        yield from held.news()
        if not ended:
            held.sample_memory(now)
            return
        held.exited = True
        tail = held.console.tail(self._clock.now())
        yield loop.Exited(held.claimed["run"], held.exit(), tail, held.memory())

    # -- actions ----------------------------------------------------------------------------------
    def _do(self, action: loop.Action) -> None:
        match action:
            case loop.Say(text):
                self._say(text)
            case loop.Claim():
                self._thread(self._claim)
            case loop.Launch(claimed, slot):
                self._launch(claimed, slot)
            case loop.Interrupt(run, why):
                self._interrupt(run, why)
            case loop.End(run, why, now):
                self._end(run, why, now)
            case loop.Finish():
                self._thread(lambda: self._finish(action))
            case loop.Explain():
                with suppress(SweptError):
                    self._say(explain(self._link.call(Client.sweep, self._sweep)))

    def _thread(self, target: Callable[[], None]) -> None:
        threading.Thread(target=target, daemon=True).start()

    def _interrupt(self, run: str, why: str) -> None:
        held = self._held.get(run)
        if held is not None and held.job is not None:
            held.job.interrupt(why)

    def _end(self, run: str, why: str, now: bool) -> None:
        if self._state.drain is loop.Drain.NOW and self._ended_at is None:
            self._ended_at = self._clock.monotonic()
        held = self._held.get(run)
        if held is not None and held.job is not None:
            held.releasing = held.releasing or why == loop.LEASE_LOST
            held.job.end(why, now=now)

    def _launch(self, claimed: Claimed, slot: int) -> None:
        run = claimed["run"]
        held = self._held[run]
        try:
            job = self._start(claimed, held.place, slot)
            held.started(job, self._devices.slots[slot].gpu, self._clock.monotonic())
        except (SweptError, OSError) as error:
            self._facts.put(loop.LaunchFailed(run, str(error)))
        else:
            self._facts.put(loop.Launched(run, from_zero=claimed["checkpoint"] is None))
            self._thread(lambda: self._wake_after(held))

    def _start(self, claimed: Claimed, place: Workspace, slot: int) -> Job:
        """Raises StartFailed, UsageError, OSError."""
        checkpoint = claimed["checkpoint"]
        if checkpoint is not None and not Path(checkpoint["place"]).exists():
            self._say(f"the checkpoint {checkpoint['place']} is gone: starting from the beginning")
            claimed["checkpoint"] = None
        prepare(claimed, place)
        variables = environment(
            claimed,
            place,
            url=self._link.client.url,
            checkpoints=self._home.checkpoints.absolute(),
            base=os.environ,
            device=self._devices.slots[slot].environment(),
        )
        folder = working_folder(claimed, Path.cwd())
        argv = command_line(claimed, place, variables)
        _check_program(claimed, folder)
        options = self.options
        return self._executor.start(
            Launch(argv, variables, folder, place.path, options.grace, options.leftover)
        )

    # -- threads ----------------------------------------------------------------------------------
    def _wake_after(self, held: Held) -> None:
        """The next run waits for this one's end: the main loop looks at once."""
        assert held.job is not None
        held.job.wait()
        self._facts.put(loop.Tick(self._clock.monotonic()))

    def _claim(self) -> None:
        try:
            self._facts.put(self._ask())
        except (NotFound, Unauthorized, UsageError) as error:
            self._facts.put(loop.ClaimFailed(str(error), fatal=True))
        except (SweptError, OSError) as error:
            self._facts.put(loop.ClaimFailed(str(error), fatal=False))

    def _ask(self) -> loop.ClaimAnswered:
        """One claim. The request's id is on disk before it is sent, and kept until it has given a run."""
        folder = self._folder
        assert folder is not None
        if not self._request:
            request = uuid.uuid4().hex
            folder.keep_request(request)
            self._request = request
        body: ClaimRequest = {
            "agent": self._id,
            "host": self._host,
            "request": self._request,
            "wait": self.options.wait,
            "run": self.options.run,
            "reachable": [workspace.host_id(self._home.checkpoints)],
        }
        if self.options.kinds:
            body["kinds"] = list(self.options.kinds)
        answer = self._link.call(Client.claim, self._sweep, body)
        claimed = answer["claimed"]
        if claimed is not None:
            self._hold(folder, claimed)
        return loop.ClaimAnswered(answer["status"], claimed, answer["why"])

    def _hold(self, folder: AgentFolder, claimed: Claimed) -> None:
        path = self._home.runs.absolute() / claimed["run"] / f"attempt-{claimed['attempt']}"
        place = Workspace(path)
        place.path.mkdir(parents=True, exist_ok=True)
        folder.keep(Record(claimed, str(path)))
        folder.drop_request()
        self._request = ""
        self._held[claimed["run"]] = Held(claimed, place)

    def _finish(self, action: loop.Finish) -> None:
        held, folder = self._held[action.run], self._folder
        assert folder is not None
        answer = None
        try:
            if action.supervisor_gone:
                kill_run(held.claimed["lease"], self._clock)
            if action.ending is not None:
                answer = finish(
                    self._link,
                    held.claimed,
                    held.place,
                    action.ending,
                    console=held.console,
                    tail=action.tail,
                    clock=self._clock,
                    say=self._say,
                    impatient=self._impatient,
                    figures=held.figures,
                )
        except GivenUp as error:
            self._say(str(error))
            self._facts.put(loop.Completed(action.run, ""))
            return
        held.releasing = True
        folder.drop(action.run)
        self._held.pop(action.run)
        if held.job is not None:
            held.job.close()
        if answer and answer["state"] in (RunState.STOPPED, RunState.KILLED):
            workspace.remove_checkpoints(self._home.checkpoints, action.run)
        state, retried = (answer["state"], answer["retried"]) if answer else ("", False)
        self._facts.put(loop.Completed(action.run, state, retried))

    def _impatient(self) -> bool:
        since = self._ended_at
        if since is None and self._state.drain is loop.Drain.NOW:
            since = self._ended_at = self._clock.monotonic()
        return since is not None and self._clock.monotonic() - since > WITHOUT_SERVER_SECONDS

    def _beat(self) -> None:
        """The server holds the answer for the time between two heartbeats, or until something else is wanted."""
        heard: dict[str, str] = {}
        pause = BEAT_PAUSE_SECONDS
        while not self._stopping.wait(pause):
            leases = {
                run: held.claimed["lease"]
                for run, held in list(self._held.items())
                if not held.releasing
            }
            beat: Beat = {
                "leases": leases,
                "draining": not loop.wants_more(self._state),
                "wait": self.options.heartbeat,
                "heard": heard,
            }
            try:
                answer = self._link.call(Client.beat, self._id, beat)
            except (SweptError, OSError):
                pause = self.options.heartbeat
                continue  # the programs' reports say so already
            pause = BEAT_PAUSE_SECONDS
            heard = {run: order["desired"] for run, order in answer["runs"].items()}
            for run, order in answer["runs"].items():
                lost = order["lease"] == "lost"
                desired = Desired(order["desired"])
                wandb = order.get("wandb", False)
                self._facts.put(loop.Ordered(run, desired, order["reason"], lost, wandb))

    def _send(self) -> None:
        """What the programs print, and what the machine does for them."""
        while not self._stopping.wait(SEND_SECONDS):
            for held in list(self._held.values()):
                if held.job is None or held.exited:
                    continue
                try:
                    send_console(self._link, held.claimed, held.console, self._clock)
                    if held.figures is not None and held.figures.due:
                        send_figures(self._link, held.claimed, held.figures)
                except ServerUnreachable:
                    break
                except SweptError:
                    continue

    def _measure(self) -> None:
        """Apart from sending, so that a server that is away leaves no gap. Nothing that goes wrong here is worth a run,
        or the agent."""
        seconds, said = self.options.figures, False
        while seconds > 0 and not self._stopping.wait(seconds):
            runs = [figures for held in list(self._held.values()) if (figures := held.measured())]
            failed = measure_all(runs, os.environ, self._clock) if runs else []
            if failed and not said:
                self._say(f"the machine could not be measured: {failed[0]}")
                said = True


def _check_program(claimed: Claimed, folder: Path) -> None:
    """Raises StartFailed for a program or a dataset that is not there: better than one failed run after the other."""
    program, data = claimed["program"], claimed["config"].get("data")
    if claimed["adapter"] == "ultralytics" and missing(data, folder):
        raise StartFailed(
            f"the dataset `data: {data}` is not in {folder}",
            hint="`data` is a path from the sweep file's folder; no run was used up",
        )
    if claimed["command"] or not program or (folder / program).exists():
        return
    raise StartFailed(
        f"the program `{program}` is not in {folder}",
        hint="`program:` of the sweep file is a path from that file's folder",
    )
