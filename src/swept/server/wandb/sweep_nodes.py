"""Sweeps and their agents as nodes."""

from __future__ import annotations

from swept.errors import UsageError
from swept.model import Agent, Sweep
from swept.outlook import outlook
from swept.server.wandb import run_lists, selecting, sweeps, tokens
from swept.server.wandb.graphql import Arguments, Node
from swept.server.wandb.nodes import connection, entity_node, moment
from swept.server.wandb.service import SEARCHED, Service
from swept.store.conditions import All, Among, Exists, Property, Sort
from swept.store.visible import summarized


def sweep_node(service: Service, sweep: Sweep) -> Node:
    spec = service.spec(sweep)
    return {
        "__typename": "Sweep",
        "id": sweep.id,
        "name": sweep.id,
        "displayName": sweep.name or sweep.id,
        "method": spec.method,
        "state": sweeps.STATES[sweep.state],
        "description": spec.description or None,
        "config": lambda a: sweeps.config_text(sweep, spec.command, spec.wandb_yaml()),
        "createdAt": moment(sweep.created),
        "updatedAt": moment(sweep.updated),
        "heartbeatAt": moment(sweep.updated),
        "earlyStopJobRunning": False,
        "controller": None,
        "scheduler": None,
        "controllerRunName": None,
        "priorRuns": {"edges": []},
        "bestLoss": lambda a: _best_loss(service, sweep),
        "runCount": lambda a: run_lists.count_of_sweep(service, sweep.project, sweep.id),
        "runCountExpected": lambda a: outlook(spec, ()).runs,
        "runs": lambda a: run_lists.of_sweep(service, sweep.project, sweep.id, a),
        "project": {
            "__typename": "Project",
            "id": sweep.project,
            "name": sweep.project,
            "entity": entity_node(),
        },
        "agent": lambda a: _agent(service, sweep, a.text("agentName")),
        "agents": lambda a: connection(
            [_agent_node(service, sweep, one) for one in service.store.agents(sweep.id)], a
        ),
    }


def sweeps_of(service: Service, project: str, arguments: Arguments) -> Node:
    if tokens.mapping(arguments.get("filters")):
        raise UsageError("sweeps cannot be filtered here", hint="list them and choose")
    found = service.store.sweeps(project)
    return connection([sweep_node(service, one) for one in found], arguments)


def _best_loss(service: Service, sweep: Sweep) -> float | None:
    """The objective of `best_run`, as its summary has it."""
    metric = service.spec(sweep).metric
    if metric is None:
        return None
    field = selecting.field(f"summary_metrics.{metric.name}")
    where = All((Among(Property("sweep"), (sweep.id,)), Exists(field)))
    page = service.store.select_runs(
        sweep.project, where, [Sort(field, metric.goal.sign < 0)], kinds=SEARCHED, limit=1
    )
    return next((summarized(run.summary, metric.name) for run in page.runs), None)


def _agent(service: Service, sweep: Sweep, name: str) -> Node | None:
    found = (one for one in service.store.agents(sweep.id) if one.id == name)
    return next((_agent_node(service, sweep, one) for one in found), None)


def _agent_node(service: Service, sweep: Sweep, agent: Agent) -> Node:
    quiet = service.now() - agent.last_seen > service.engine.wandb_lease_seconds
    return {
        "__typename": "Agent",
        "id": agent.id,
        "name": agent.id,
        "host": agent.host,
        "state": "FINISHED" if agent.ended is not None or quiet else "RUNNING",
        "createdAt": moment(agent.started),
        "heartbeatAt": moment(agent.last_seen),
        "totalRuns": lambda a: run_lists.count_of_agent(service, sweep.project, agent.id),
        "runs": lambda a: run_lists.of_agent(service, sweep.project, agent.id, a),
    }
