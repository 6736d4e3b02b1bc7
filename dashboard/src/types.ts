/** The data that every part of the page agrees on. A run is its row in the board: a number that stays its own. */

export type Role = "parameter" | "metric" | "info";

/**
 * One column over all runs. `values[row]` is a number, NaN where the run has none; of a category it is the place in
 * `categories`. `low` and `high` are the parameter's own bounds, or the range of what is there.
 */
export interface Column {
  readonly name: string;
  readonly label: string;
  readonly role: Role;
  readonly kind: "number" | "category" | "time";
  readonly whole: boolean;
  readonly log: boolean;
  readonly low: number;
  readonly high: number;
  readonly categories: readonly string[];
  /** Why this parameter cannot act here, or "". */
  readonly inert: string;
  values: Float64Array;
}

export type SweepState = "pending" | "running" | "paused" | "finished" | "cancelled";
export type RunState =
  | "pending" | "running" | "paused" | "finished" | "failed" | "stopped" | "killed" | "crashed";

export interface Attempt {
  readonly number: number;
  readonly agent: string;
  readonly host: string;
  readonly started: number;
  readonly ended: number | null;
  readonly outcome: string | null;
  readonly reason: string;
  readonly firstStep: number;
}

/** What is said of a sweep as a whole. Times are seconds since 1970. */
export interface SweepHead {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly state: SweepState;
  readonly method: string;
  readonly earlyStopping: string;
  readonly metric: { readonly name: string; readonly goal: "minimize" | "maximize" } | null;
  /** Steps of a whole training, where known. */
  readonly full: number | null;
  /** Steps at which early stopping judges. */
  readonly rungs: readonly number[];
  readonly targets: Readonly<Record<string, number>>;
  readonly runCap: number | null;
  readonly hours: number | null;
  readonly created: number;
  readonly updated: number;
  readonly endedBecause: string;
  /** Rows. */
  readonly best: number;
  readonly baseline: number;
  readonly advice: { readonly row: number; readonly value: number; readonly low: number; readonly high: number; readonly full: number } | null;
  /** The model is being asked: there will soon be other advice. */
  readonly advising: boolean;
  readonly agents: readonly AgentView[];
  readonly text: string;
  readonly path: string;
  /** How often the sweep's file was changed, from 1; 0 of a project. */
  readonly specVersion: number;
}

export interface AgentView {
  readonly id: string;
  readonly host: string;
  readonly kind: string;
  readonly slots: number;
  readonly started: number;
  readonly lastSeen: number;
  readonly ended: number | null;
  readonly live: boolean;
}

/** All runs of a sweep. The arrays grow at their end; `version` counts every change. */
export interface Board {
  head: SweepHead;
  /** The stream goes on from here. */
  position: string;
  version: number;
  n: number;
  ids: string[];
  /** Row by id. */
  rows: Map<string, number>;
  numbers: number[];
  names: string[];
  kinds: string[];
  states: RunState[];
  desired: string[];
  why: string[];
  endedBecause: string[];
  parents: (string | null)[];
  attempts: Attempt[][];
  seeds: (number | null)[];
  /** Of the sweep's file, when the run was made. */
  specVersions: number[];
  /** Rows of runs that were given other fixed values than the file has now: 50 epochs say nothing about 100. */
  incomparable: Set<number>;
  /** What runs really had, where that is not what the search suggested: column → row → value, of a category its text. Columns hold what was suggested. */
  effective: Map<string, Map<number, number | string>>;
  /** Parameters first, in the file's order; then the objective ("value"), "best", "steps", "started", "seconds", and what the history stands on, "number" and "ended"; then the summary's numbers. */
  columns: Map<string, Column>;
}

/**
 * The curves of one metric, of all runs end to end: run `row` has the places `offsets[row]` up to `offsets[row + 1]`.
 * `values` may be NaN. `best[place]` is not kept: it follows from the values.
 */
export interface Curves {
  readonly metric: string;
  /** The metric that `steps` are values of, where they are no steps. */
  readonly over?: string | undefined;
  /** So many runs have not reported `over` yet, and no curve here. */
  lacking?: number | undefined;
  offsets: Uint32Array;
  steps: Float32Array;
  /** Seconds since the run's start, empty where not known. */
  times: Float32Array;
  values: Float32Array;
}

/**
 * The head of a curves buffer: a uint32 (little-endian) with the byte length of this JSON, the JSON padded with spaces to
 * a multiple of 8 with the length before it, then the planes one after another.
 *
 * encoding "f32": uint32 lengths[n] · float32 steps · float32 values (· float32 times where `times`)
 * encoding "u16": uint32 lengths[n] · then as planes of low bytes and high bytes, each the difference to the value before in its run,
 * modulo 65536: uint16 steps · uint16 values, where value = low + (high - low) * q / 65534 and 65535 is NaN; in that order.
 */
export interface CurvesHeader {
  readonly schema: 1;
  readonly metric: string;
  readonly encoding: "f32" | "u16";
  readonly n: number;
  readonly points: number;
  readonly low: number;
  readonly high: number;
  readonly times: boolean;
  /** The metric that the steps are values of; else they are steps. */
  readonly over?: string;
  /** With `over`: so many runs are under way or failed and have not that metric. */
  readonly lacking?: number;
}

/** What a chart of runs is given besides its data. Colours are CSS-ready 0xRRGGBB by row. */
export interface Shown {
  /** 1 = passes every filter and brush. */
  readonly kept: Uint8Array;
  /** Rows, those to be drawn last (on top) at the end. */
  readonly order: Uint32Array;
  readonly colours: Uint32Array;
  /** A row, or -1. */
  readonly hover: number;
  readonly best: number;
  readonly baseline: number;
  /** Rows chosen for comparison. */
  readonly chosen: ReadonlySet<number>;
  readonly dark: boolean;
}

/** A drawn chart: made once in its element, told of new data, ended. */
export interface Chart<Data> {
  update(data: Data): void;
  destroy(): void;
}

/** The data table behind a chart. Every chart's module has `describe(data)`, one sentence, and `rows(data)`, this. */
export interface DataTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** A brush: the ranges (or-ed) that a column's values must lie in, in the column's own unit; of a category its places. */
export type Brush = readonly (readonly [number, number])[];
export type Brushes = ReadonlyMap<string, Brush>;

export interface ImportanceRow {
  readonly parameter: string;
  readonly share: number;
  readonly low: number;
  readonly high: number;
  /** -1 … 1: larger values are better (+) or worse (-); near 0: neither. */
  readonly sign: number;
  /** The best lies between the ends of the range. */
  readonly between: boolean;
  readonly inert: string;
}
export interface Importance {
  readonly runs: number;
  /** "" or why the figures say little. */
  readonly caution: string;
  readonly rows: readonly ImportanceRow[];
}
export interface Slice {
  readonly parameter: string;
  readonly at: readonly (number | string)[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}
export interface Pair {
  readonly x: { readonly parameter: string; readonly at: readonly (number | string)[] };
  readonly y: { readonly parameter: string; readonly at: readonly (number | string)[] };
  /** mean[j][i] at x.at[i], y.at[j]. */
  readonly mean: readonly (readonly number[])[];
}
export interface HealthCard {
  readonly id: string;
  readonly level: "bad" | "warn" | "info" | "good";
  readonly title: string;
  readonly text: string;
  readonly evidence: readonly string[];
  /** Runs that it speaks of: ids. */
  readonly runs: readonly string[];
  readonly parameter: string | null;
}
export interface Progress {
  readonly ended: number;
  readonly cap: number | null;
  readonly eta: number | null;
  /** What is missing, where it is not known. */
  readonly etaWhy: string;
  readonly hoursUsed: number;
  readonly hoursSaved: number | null;
  readonly energy: number | null;
  readonly cost: number | null;
  readonly currency: string;
  /** One standard deviation of a single run's value, where repeats tell. */
  readonly noise: number | null;
  /** Why it is not known. */
  readonly noiseWhy: string;
  readonly targets: readonly { readonly name: string; readonly value: number; readonly reached: boolean }[];
}
export interface Forecast {
  readonly row: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export type Fetched<T> =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly value: T }
  | { readonly state: "failed"; readonly why: string };

/** Where a sweep's data come from: the server, or the file that the page is. */
export interface Source {
  readonly frozen: boolean;
  board(sweep: string): Promise<Board>;
  /** With the times of its points only where they are asked for; a report has none. */
  curves(sweep: string, metric: string, timed?: boolean): Promise<Curves>;
  metrics(sweep: string): Promise<readonly string[]>;
  importance(sweep: string, metric: string): Promise<Importance>;
  slice(sweep: string, parameter: string): Promise<Slice>;
  pair(sweep: string, x: string, y: string): Promise<Pair>;
  /** `quick`: by what is known of the model of the runs, without waiting for it. */
  health(sweep: string, quick?: boolean): Promise<readonly HealthCard[]>;
  progress(sweep: string): Promise<Progress>;
  forecasts(sweep: string): Promise<readonly Forecast[]>;
}
