/** The board: typed columns over all runs, from the wire's rows, and brought up to date by rows that changed. */
import { timeColumn } from "../charts/history-geometry";
import type { Attempt, Board, Column, Role, RunState, SweepHead, SweepState } from "../types";
import { trainedSeconds } from "./trained";
import type { BoardView, ParameterView } from "./wire";

/** Columns that every board has; a parameter or a metric of the same name is kept under a longer one. */
const OWN = ["value", "best", "steps", "started", "seconds", "number", "ended", "spec_version"] as const;

/** The column of the version of the sweep's file; only where there is more than one. */
export const VERSION = "spec_version";

const SWEEP_STATES: readonly SweepState[] = ["pending", "running", "paused", "finished", "cancelled"];
const RUN_STATES: readonly RunState[] = [
  "pending", "running", "paused", "finished", "failed", "stopped", "killed", "crashed",
];

/** Numbers on the wire may be spelled: NaN and the infinities. */
export function spelled(value: unknown): number {
  if (typeof value === "number") return value;
  if (value === true) return 1;
  if (value === false) return 0;
  if (value === "Infinity") return Infinity;
  if (value === "-Infinity") return -Infinity;
  return NaN;
}

/** A category as text: what is no scalar is its JSON text already. */
export function word(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** As `word`, but of `1` and `"1"` each is a category of its own: such a text has its quotation marks. */
function words(values: readonly unknown[]): string[] {
  const others = new Set(values.filter((value) => typeof value !== "string").map(word));
  return values.map((value) => (typeof value === "string" && others.has(value) ? JSON.stringify(value) : word(value)));
}

function oneOf<T extends string>(known: readonly T[], value: string, otherwise: T): T {
  return known.find((one) => one === value) ?? otherwise;
}

/** The column of a parameter by the name that the sweep's file gives it. */
export function parameterColumn(board: Board, name: string): Column | undefined {
  const column = board.columns.get(OWN.some((own) => own === name) ? `config.${name}` : name);
  return column?.role === "parameter" ? column : undefined;
}

function metricKey(board: Board, name: string): string {
  const taken = board.columns.get(name);
  return OWN.some((own) => own === name) || taken?.role === "parameter" ? `summary.${name}` : name;
}

export function boardOf(view: BoardView): Board {
  const board: Board = {
    head: headOf(view, new Map()), position: view.position, version: 0, n: 0, ids: [], rows: new Map(), numbers: [], names: [], kinds: [],
    states: [], desired: [], why: [], endedBecause: [], parents: [], attempts: [], seeds: [], specVersions: [], incomparable: new Set(), effective: new Map(), columns: new Map(),
  };
  const label = view.head.metric?.name ?? "value";
  for (const parameter of view.parameters) {
    const key = OWN.some((own) => own === parameter.name) ? `config.${parameter.name}` : parameter.name;
    board.columns.set(key, parameterOf(key, parameter));
  }
  for (const [key, name, role] of [
    ["value", label, "metric"], ["best", `best ${label}`, "metric"], ["steps", "steps", "info"],
    ["started", "started", "info"], ["seconds", "seconds", "info"], ["number", "run", "info"], ["ended", "ended", "info"],
  ] as const) {
    board.columns.set(key, plain(key, name, role, key === "started" ? "time" : "number", key === "steps"));
  }
  merge(board, view);
  return board;
}

/**
 * Takes the rows of `view` in: known runs in their place, new ones at the end. Counts the version up. False where a new
 * run is older than the last one known, so that rows are not in the server's order any more, where a parameter of runs
 * by hand has become a category, or where the sweep's file was changed: then all is to be asked for.
 */
export function merge(board: Board, view: BoardView): boolean {
  const { runs } = view;
  let orderly = board.head.specVersion === view.head.spec_version;
  const places = runs.id.map((id, at) => {
    let row = board.rows.get(id);
    if (row === undefined) {
      const number = runs.number[at] ?? 0;
      orderly &&= !(number > 0 && number < (board.numbers[board.n - 1] ?? 0));
      board.numbers[board.n] = number;
      row = board.n;
      board.n += 1;
      board.rows.set(id, row);
      board.ids.push(id);
    }
    return row;
  });
  for (const [name, column] of board.columns) {
    if (column.values.length !== board.n) board.columns.set(name, { ...column, values: longer(column.values, board.n) });
  }
  places.forEach((row, at) => {
    board.numbers[row] = runs.number[at] ?? 0;
    board.names[row] = runs.name[at] ?? "";
    board.kinds[row] = runs.kind[at] ?? "";
    board.states[row] = oneOf(RUN_STATES, runs.state[at] ?? "", "pending");
    board.desired[row] = runs.desired[at] ?? "go";
    board.why[row] = runs.why[at] ?? "";
    board.endedBecause[row] = runs.ended_because[at] ?? "";
    board.parents[row] = runs.parent[at] ?? null;
    board.seeds[row] = runs.seed[at] ?? null;
    board.attempts[row] = (runs.attempts[at] ?? []).map(attemptOf);
    board.specVersions[row] = runs.spec_version[at] ?? 1;
    board.incomparable.delete(row);
  });
  for (const at of view.incomparable) {
    const row = places[at];
    if (row !== undefined) board.incomparable.add(row);
  }
  fill(board, "value", places, runs.value);
  fill(board, "best", places, runs.best_value);
  fill(board, "steps", places, runs.steps);
  fill(board, "started", places, runs.started);
  fill(board, "seconds", places, runs.id.map((_, at) => trainedSeconds({ started: runs.started[at], ended: runs.ended[at], attempts: runs.attempts[at] ?? [] })));
  for (const parameter of view.parameters) {
    const key = OWN.some((own) => own === parameter.name) ? `config.${parameter.name}` : parameter.name;
    if (!board.columns.has(key)) board.columns.set(key, { ...parameterOf(key, parameter), values: longer(new Float64Array(), board.n) });
    if (board.columns.get(key)?.kind !== parameter.kind) orderly = false;
    else configure(board, key, parameter, places, view.config[parameter.name] ?? []);
    takeEffective(board, key, places, view.effective[parameter.name] ?? {});
  }
  for (const [name, numbers] of Object.entries(view.summary)) {
    const key = metricKey(board, name);
    if (!board.columns.has(key)) {
      board.columns.set(key, { ...plain(key, name, "metric"), values: longer(new Float64Array(), board.n) });
    }
    fill(board, key, places, numbers);
  }
  board.head = headOf(view, board.rows);
  // Of a file that was never changed all runs have the same version, which says nothing.
  if (board.head.specVersion > 1) {
    if (!board.columns.has(VERSION)) board.columns.set(VERSION, { ...plain(VERSION, "file version", "info", "number", true), values: longer(new Float64Array(), board.n) });
    fill(board, VERSION, [...board.ids.keys()], board.specVersions);
  }
  // What a brush across the history names. Of runs under way the end is the sweep's last change: all are looked at.
  for (const x of ["number", "ended"] as const) board.columns.set(x, timeColumn(board, x));
  board.position = view.position;
  board.version += 1;
  return orderly;
}

/** A point of the objective, before the server's own figures for the run come. */
export function report(board: Board, row: number, step: number, value: number): void {
  const sign = board.head.metric?.goal === "maximize" ? 1 : -1;
  const put = (name: string, next: number): void => {
    const column = board.columns.get(name);
    if (!column) return;
    column.values[row] = next;
    if (Number.isFinite(next) && !(next >= column.low && next <= column.high)) {
      board.columns.set(name, { ...column, low: next >= column.low ? column.low : next, high: next <= column.high ? column.high : next });
    }
  };
  const before = board.columns.get("best")?.values[row] ?? NaN;
  put("value", value);
  put("steps", step);
  if (Number.isFinite(value) && !(sign * before >= sign * value)) put("best", value);
}

function parameterOf(key: string, parameter: ParameterView): Column {
  return {
    name: key, label: parameter.name, role: "parameter", kind: oneOf(["number", "category"], parameter.kind, "category"), whole: parameter.whole, log: parameter.log,
    low: spelled(parameter.low), high: spelled(parameter.high),
    categories: words(parameter.categories), inert: parameter.inert, values: new Float64Array(),
  };
}

function plain(name: string, label: string, role: Role, kind: Column["kind"] = "number", whole = false): Column {
  return { name, label, role, kind, whole, log: false, low: NaN, high: NaN, categories: [], inert: "", values: new Float64Array() };
}

/** With NaN in the new places; its buffer grows by half, so that runs that come one by one are not copied each time. */
function longer(values: Float64Array, n: number): Float64Array {
  if (values.byteOffset === 0 && values.buffer.byteLength >= 8 * n) {
    return new Float64Array(values.buffer, 0, n).fill(NaN, values.length);
  }
  const grown = new Float64Array(new ArrayBuffer(8 * Math.ceil(n * (values.length ? 1.5 : 1))), 0, n);
  grown.set(values);
  return grown.fill(NaN, values.length);
}

function fill(board: Board, key: string, places: readonly number[], numbers: readonly unknown[]): void {
  const column = board.columns.get(key);
  if (!column) return;
  let { low, high } = column;
  places.forEach((row, at) => {
    const value = spelled(numbers[at]);
    column.values[row] = value;
    if (!Number.isFinite(value)) return;
    if (!(low <= value)) low = value;
    if (!(high >= value)) high = value;
  });
  if (low !== column.low || high !== column.high) board.columns.set(key, { ...column, low, high });
}

function configure(board: Board, key: string, parameter: ParameterView, places: readonly number[], values: readonly unknown[]): void {
  const column = board.columns.get(key);
  if (!column) return;
  if (column.kind !== "category") {
    fill(board, key, places, values);
    // A parameter's own bounds hold, also where a run by hand lies beyond them: those are drawn at the edge.
    const filled = board.columns.get(key);
    const [low, high] = [spelled(parameter.low), spelled(parameter.high)];
    if (filled && (filled.low !== low || filled.high !== high)) board.columns.set(key, { ...filled, low, high });
    return;
  }
  const declared = new Map(parameter.categories.map((category, place) => [JSON.stringify(category), place]));
  const known = new Map(column.categories.map((category, place) => [category, place]));
  places.forEach((row, at) => {
    const value = values[at];
    if (value === null || value === undefined) {
      column.values[row] = NaN;
      return;
    }
    const place = declared.get(JSON.stringify(value));
    const category = word(value);
    if (place === undefined && !known.has(category)) known.set(category, known.size);
    column.values[row] = place ?? known.get(category) ?? NaN;
  });
  if (known.size > column.categories.length) {
    board.columns.set(key, { ...column, categories: [...known.keys()], high: Math.max(column.high, known.size - 1) });
  }
}

/** By the row that `values` are keyed by, which is the place in the answer. */
function takeEffective(board: Board, key: string, places: readonly number[], values: Readonly<Record<string, unknown>>): void {
  const known = board.effective.get(key) ?? new Map<number, number | string>();
  places.forEach((row, at) => {
    const value = values[at];
    if (value === undefined) known.delete(row);
    else known.set(row, board.columns.get(key)?.kind === "category" || spelled(value) !== spelled(value) ? word(value) : spelled(value));
  });
  if (known.size) board.effective.set(key, known);
  else board.effective.delete(key);
}

function attemptOf(view: BoardView["runs"]["attempts"][number][number]): Attempt {
  return {
    number: view.number, agent: view.agent, host: view.host, started: view.started, ended: view.ended,
    outcome: view.outcome, reason: view.reason, firstStep: view.first_step,
  };
}

function headOf(view: BoardView, rows: ReadonlyMap<string, number>): SweepHead {
  const { head } = view;
  const row = (id: string | null): number => (id === null ? -1 : rows.get(id) ?? -1);
  return {
    id: head.id, name: head.name, project: head.project, state: oneOf(SWEEP_STATES, head.state, "pending"), method: head.method,
    earlyStopping: head.early_stopping, metric: head.metric && { name: head.metric.name, goal: oneOf(["minimize", "maximize"], head.metric.goal, "minimize") },
    full: head.full, rungs: head.rungs,
    targets: Object.fromEntries(Object.entries(head.targets).map(([name, value]) => [name, spelled(value)])),
    runCap: head.run_cap, hours: head.hours, created: head.created, updated: head.updated, endedBecause: head.ended_because,
    best: row(head.best), baseline: row(head.baseline),
    advice: head.advice ? {
      row: row(head.advice.run), value: spelled(head.advice.value), low: spelled(head.advice.low), high: spelled(head.advice.high),
      full: head.advice.full,
    } : null,
    advising: head.advising,
    agents: head.agents.map((agent) => ({
      id: agent.id, host: agent.host, kind: agent.kind, slots: agent.slots, started: agent.started, lastSeen: agent.last_seen,
      ended: agent.ended, live: agent.live,
    })),
    text: head.text, path: head.path, specVersion: head.spec_version,
  };
}
