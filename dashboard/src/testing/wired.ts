/** A made-up board as the server would send it: the other way round than `data/board`. */
import type { BoardView } from "../data/wire";
import type { Board, Curves } from "../types";

export function viewOf(board: Board, rows: readonly number[] = [...board.ids.keys()]): BoardView {
  const { head } = board;
  const column = (name: string): (number | null)[] => rows.map((row) => {
    const value = board.columns.get(name)?.values[row] ?? NaN;
    return Number.isNaN(value) ? null : value;
  });
  const parameters = [...board.columns.values()].filter((one) => one.role === "parameter");
  const metrics = [...board.columns.values()].filter((one) => one.role === "metric" && !["value", "best"].includes(one.name));
  return {
    head: {
      id: head.id, name: head.name, project: head.project, state: head.state, method: head.method, early_stopping: head.earlyStopping,
      metric: head.metric, full: head.full, rungs: [...head.rungs], targets: { ...head.targets }, run_cap: head.runCap, hours: head.hours,
      created: head.created, updated: head.updated, ended_because: head.endedBecause, best: board.ids[head.best] ?? null,
      baseline: board.ids[head.baseline] ?? null, advice: null, advising: head.advising,
      agents: head.agents.map((agent) => ({
        id: agent.id, host: agent.host, kind: agent.kind, slots: agent.slots, started: agent.started, last_seen: agent.lastSeen,
        ended: agent.ended, live: agent.live,
      })),
      text: head.text, path: head.path, spec_version: head.specVersion,
    },
    position: board.position,
    version: board.version,
    parameters: parameters.map((one) => ({
      name: one.label, kind: one.kind, whole: one.whole, log: one.log, low: one.low, high: one.high, categories: [...one.categories],
      inert: one.inert,
    })),
    runs: {
      id: rows.map((row) => board.ids[row] ?? ""), number: rows.map((row) => board.numbers[row] ?? 0),
      name: rows.map((row) => board.names[row] ?? ""), kind: rows.map((row) => board.kinds[row] ?? ""),
      state: rows.map((row) => board.states[row] ?? ""), desired: rows.map((row) => board.desired[row] ?? ""),
      why: rows.map((row) => board.why[row] ?? ""), ended_because: rows.map((row) => board.endedBecause[row] ?? ""),
      parent: rows.map((row) => board.parents[row] ?? null), seed: rows.map((row) => board.seeds[row] ?? null),
      value: column("value"), best_value: column("best"), steps: column("steps").map(Number), created: column("started").map(Number),
      started: column("started"), ended: rows.map((row) => board.attempts[row]?.at(-1)?.ended ?? null),
      attempts: rows.map((row) => (board.attempts[row] ?? []).map((attempt) => ({
        number: attempt.number, agent: attempt.agent, host: attempt.host, started: attempt.started, ended: attempt.ended,
        outcome: attempt.outcome, reason: attempt.reason, first_step: attempt.firstStep,
      }))),
      spec_version: rows.map((row) => board.specVersions[row] ?? 1),
    },
    config: Object.fromEntries(parameters.map((one) => [one.label, rows.map((row) => {
      const value = one.values[row] ?? NaN;
      return one.kind === "category" ? one.categories[value] ?? null : value;
    })])),
    effective: Object.fromEntries([...board.effective].map(([name, values]) => [
      board.columns.get(name)?.label ?? name, Object.fromEntries(rows.flatMap((row, at) => (values.has(row) ? [[String(at), values.get(row)]] : []))),
    ])),
    incomparable: rows.flatMap((row, at) => (board.incomparable.has(row) ? [at] : [])),
    summary: Object.fromEntries(metrics.map((one) => [one.label, column(one.name)])),
  };
}

export function emptyCurves(metric: string, n: number): Curves {
  return { metric, offsets: new Uint32Array(n + 1), steps: new Float32Array(), values: new Float32Array(), times: new Float32Array() };
}
