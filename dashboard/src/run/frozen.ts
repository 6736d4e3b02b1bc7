/** A run as a report holds it: the curves of its row, its images, and what the board says where the report has no more. */
import type { Frozen } from "../data/frozen";
import type { Board } from "../types";
import type { FileView, RunView } from "./data";
import type { History, Row } from "./history";

/** Fills `history` and gives the run. Raises where the report knows nothing of it. */
export async function thawed(report: Frozen, id: string, history: History, keep: (files: readonly FileView[]) => void): Promise<RunView> {
  const board = await report.source.board(report.sweep);
  const row = board.rows.get(id);
  const whole = report.runs[id];
  if (row === undefined && !whole) throw new Error("this run is not in the report");
  if (row !== undefined) history.take(await rowsOf(report, row));
  const images = report.images.filter((image) => image.run === id);
  for (const { name, step, type, data } of images) {
    const path = `data:${type};base64,${data}`;
    if (step !== null) history.show(step, name, { kind: "images", images: [{ path, caption: "", width: 0, height: 0, boxes: {}, masks: {} }] });
  }
  keep(images.filter((image) => image.step === null).map(({ name, type, data }) => ({
    name, size: 0, time: 0, digest: `data:${type};base64,${data}`,
  })));
  return whole ?? outline(board, row ?? 0, id);
}

async function rowsOf(report: Frozen, row: number): Promise<Row[]> {
  const found = new Map<number, Record<string, number>>();
  for (const metric of await report.source.metrics(report.sweep)) {
    const { offsets, steps, values } = await report.source.curves(report.sweep, metric);
    for (let at = offsets[row] ?? 0; at < (offsets[row + 1] ?? 0); at += 1) {
      const step = steps[at] ?? 0;
      const metrics = found.get(step) ?? {};
      metrics[metric] = values[at] ?? NaN;
      found.set(step, metrics);
    }
  }
  return [...found].sort(([one], [other]) => one - other).map(([step, metrics]) => ({ step, attempt: 1, metrics }));
}

/** Of a run of which the report holds only its row. */
function outline(board: Board, row: number, id: string): RunView {
  const at = (name: string): number | null => {
    const value = board.columns.get(name)?.values[row] ?? NaN;
    return Number.isFinite(value) ? value : null;
  };
  const parameters = [...board.columns.values()].filter((column) => column.role === "parameter");
  const summary = [...board.columns.values()].filter((column) => column.role === "metric" && column.name !== "value" && column.name !== "best");
  const started = at("started");
  const seconds = at("seconds");
  return {
    id, number: board.numbers[row] ?? 0, name: board.names[row] ?? "", project: board.head.project, sweep: board.head.id,
    kind: board.kinds[row] ?? "", state: board.states[row] ?? "", effective_config: null,
    config: Object.fromEntries(parameters.flatMap((column) => {
      const value = column.values[row] ?? NaN;
      if (!Number.isFinite(value)) return [];
      return [[column.label, column.kind === "category" ? column.categories[value] : value]];
    })),
    value: at("value"), best_value: at("best"), steps: at("steps") ?? 0, curve: [],
    attempts: (board.attempts[row] ?? []).map((one) => ({
      number: one.number, agent: one.agent, host: one.host, started: one.started, ended: one.ended, outcome: one.outcome,
      reason: one.reason, exit_code: null, signal: null, first_step: one.firstStep,
    })),
    why: board.why[row] ?? "", ended_because: board.endedBecause[row] ?? "", desired: board.desired[row] ?? "go",
    parent: board.parents[row] ?? null, retry_of: null, seed: board.seeds[row] ?? null,
    summary: Object.fromEntries(summary.flatMap((column) => {
      const value = column.values[row] ?? NaN;
      return Number.isNaN(value) ? [] : [[column.label, value]];
    })),
    created: started ?? 0, started, ended: started !== null && seconds !== null ? started + seconds : null,
    resumable: false, defined: {}, details: {},
  };
}
