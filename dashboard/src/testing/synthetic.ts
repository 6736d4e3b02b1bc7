/**
 * A made-up sweep, the same for the same seed: for tests, and for `npm run dev` with `?synthetic=1000`. Its 13 parameters
 * and its learning curves are like those of the benchmark: some matter, one cannot act, some runs are stopped at rungs,
 * some fail.
 */
import type {
  AgentView, Attempt, Board, Column, Curves, Forecast, HealthCard, Importance, Pair, Progress, Role, RunState, Slice, Source,
} from "../types";

export interface SyntheticOptions {
  readonly runs: number;
  readonly epochs?: number;
  readonly seed?: number;
  /** The last of them are still running. */
  readonly running?: number;
  readonly goal?: "minimize" | "maximize";
}

/** Mulberry32: 32 bits of state, good enough for pictures, and the same everywhere. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

interface Parameter {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly log?: boolean;
  readonly whole?: boolean;
  readonly categories?: readonly string[];
  readonly inert?: string;
  /** How much the value falls between the best and the worst place, and where the best is, in [0, 1]. */
  readonly weight: number;
  readonly peak: number;
}

const PARAMETERS: readonly Parameter[] = [
  { name: "lr0", low: 1e-4, high: 0.1, log: true, weight: 0.2, peak: 0.6 },
  { name: "lrf", low: 0.001, high: 0.5, log: true, weight: 0.02, peak: 0.3 },
  { name: "weight_decay", low: 1e-5, high: 0.01, log: true, weight: 0.05, peak: 0.5 },
  { name: "momentum", low: 0.6, high: 0.98, weight: 0.06, peak: 0.8 },
  { name: "mixup", low: 0, high: 0.3, weight: 0.03, peak: 0.1 },
  { name: "hsv_h", low: 0, high: 0.03, weight: 0, peak: 0 },
  {
    name: "dropout", low: 0, high: 0.2, weight: 0, peak: 0,
    inert: "detection models of Ultralytics have no dropout layer",
  },
  { name: "batch", low: 8, high: 256, log: true, whole: true, weight: 0.04, peak: 0.5 },
  { name: "width", low: 16, high: 512, log: true, whole: true, weight: 0.07, peak: 0.9 },
  { name: "warmup_epochs", low: 0, high: 5, whole: true, weight: 0.01, peak: 0.6 },
  { name: "optimizer", low: 0, high: 2, categories: ["SGD", "Adam", "AdamW"], weight: 0.06, peak: 1 },
  { name: "schedule", low: 0, high: 1, categories: ["cosine", "linear"], weight: 0.01, peak: 0 },
  { name: "augment", low: 0, high: 2, categories: ["none", "light", "strong"], weight: 0.03, peak: 0.5 },
];

const START = 1_790_000_000;
const EPOCH_SECONDS = 30;
const AGENTS = ["agent-1", "agent-2", "agent-3", "agent-4"];

function drawn(parameter: Parameter, unit: number): number {
  if (parameter.categories) return Math.min(parameter.categories.length - 1, Math.floor(unit * parameter.categories.length));
  const value = parameter.log
    ? parameter.low * (parameter.high / parameter.low) ** unit
    : parameter.low + (parameter.high - parameter.low) * unit;
  return parameter.whole ? Math.round(value) : value;
}

interface Life {
  readonly state: RunState;
  readonly steps: number;
  readonly reason: string;
}

interface Making {
  readonly board: Board;
  readonly curves: Curves;
}

function make(options: SyntheticOptions): Making {
  const { runs: n, epochs = 100, seed = 1, running = 0, goal = "maximize" } = options;
  const draw = random(seed);
  const sign = goal === "maximize" ? 1 : -1;
  const rungs = [Math.round(epochs * 0.3), Math.round(epochs * 0.6)].filter((rung) => rung > 0);
  const values = PARAMETERS.map(() => new Float64Array(n));
  const value = new Float64Array(n);
  const best = new Float64Array(n);
  const steps = new Float64Array(n);
  const started = new Float64Array(n);
  const seconds = new Float64Array(n);
  const loss = new Float64Array(n);
  const offsets = new Uint32Array(n + 1);
  const points: number[] = [];
  const states: RunState[] = [];
  const attempts: Attempt[][] = [];
  const ended: string[] = [];
  const free = AGENTS.map(() => START);
  const reached: number[][] = rungs.map(() => []);

  for (let row = 0; row < n; row += 1) {
    let worth = 0.8;
    PARAMETERS.forEach((parameter, at) => {
      const column = values[at];
      const unit = row === 0 ? 0.45 : draw();
      const off = unit - parameter.peak;
      worth -= parameter.weight * off * off * (parameter.categories ? 1 : 2);
      if (column) column[row] = drawn(parameter, unit);
    });
    const speed = 6 + 20 * draw();
    const curve: number[] = [];
    let life: Life = { state: "finished", steps: epochs, reason: "" };
    if (row > 0 && draw() < 0.03) {
      life = { state: "failed", steps: Math.floor(draw() * epochs * 0.5), reason: "exit code 1: CUDA error: device-side assert" };
    }
    for (let step = 1; step <= life.steps; step += 1) {
      const point = sign * (worth * (1 - Math.exp(-step / speed)) + 0.006 * normal(draw));
      curve.push(point);
      const rung = rungs.indexOf(step);
      const passed = reached[rung];
      if (row > 0 && passed) {
        passed.push(sign * point);
        const better = passed.filter((other) => other > sign * point).length;
        if (better > passed.length / 2) {
          life = { state: "stopped", steps: step, reason: `below the median of ${passed.length} runs at step ${step}` };
          break;
        }
      }
    }
    if (row >= n - running) {
      curve.length = Math.min(curve.length, Math.ceil(draw() * epochs * 0.8));
      life = { state: "running", steps: curve.length, reason: "" };
    }
    let agent = 0;
    free.forEach((at, index) => {
      if (at < (free[agent] ?? 0)) agent = index;
    });
    const begin = (free[agent] ?? START) + 5;
    const end = begin + Math.max(1, curve.length) * EPOCH_SECONDS * (0.8 + 0.4 * draw());
    free[agent] = end;
    points.push(...curve);
    offsets[row + 1] = points.length;
    states.push(life.state);
    ended.push(life.reason);
    value[row] = curve.at(-1) ?? NaN;
    best[row] = curve.length ? sign * Math.max(...curve.map((point) => sign * point)) : NaN;
    steps[row] = curve.length;
    started[row] = begin;
    seconds[row] = end - begin;
    loss[row] = curve.length ? 2 - 2 * Math.abs(value[row] ?? 0) + 0.05 * draw() : NaN;
    attempts.push([{
      number: 1, agent: AGENTS[agent] ?? "", host: agent < 2 ? "vision" : "kestrel", started: begin,
      ended: life.state === "running" ? null : end, outcome: life.state === "running" ? null : life.state,
      reason: life.reason, firstStep: 0,
    }]);
  }

  const ids = Array.from({ length: n }, (_, row) => `r${String(row + 1).padStart(6, "0")}`);
  const columns = new Map<string, Column>();
  PARAMETERS.forEach((parameter, at) => {
    columns.set(parameter.name, {
      name: parameter.name, label: parameter.name, role: "parameter", kind: parameter.categories ? "category" : "number",
      whole: parameter.whole ?? false, log: parameter.log ?? false, low: parameter.low, high: parameter.high,
      categories: parameter.categories ?? [], inert: parameter.inert ?? "", values: values[at] ?? new Float64Array(n),
    });
  });
  const add = (name: string, label: string, role: Role, numbers: Float64Array, more: Partial<Column> = {}): void => {
    const [low, high] = range(numbers);
    columns.set(name, {
      name, label, role, kind: "number", whole: false, log: false, low, high, categories: [], inert: "", values: numbers, ...more,
    });
  };
  add("value", "mAP50", "metric", value);
  add("best", "best mAP50", "metric", best);
  add("steps", "steps", "info", steps, { whole: true });
  add("started", "started", "info", started, { kind: "time" });
  add("seconds", "seconds", "info", seconds);
  add("val/loss", "val/loss", "metric", loss);

  let winner = -1;
  best.forEach((number, row) => {
    if (number === number && (winner < 0 || sign * number > sign * (best[winner] ?? 0))) winner = row;
  });
  const now = Math.max(...free, START);
  const live = running > 0;
  const agents: AgentView[] = AGENTS.map((id, index) => ({
    id, host: index < 2 ? "vision" : "kestrel", kind: "swept", slots: 1, started: START, lastSeen: now,
    ended: live ? null : now, live,
  }));
  const board: Board = {
    head: {
      id: "synthetic", name: "cones", project: "demo", state: live ? "running" : "finished", method: "bayes",
      earlyStopping: "hyperband", metric: { name: "mAP50", goal }, full: epochs, rungs,
      targets: { minimum: sign * 0.7, good: sign * 0.75, excellent: sign * 0.78 }, runCap: Math.max(n, 20), hours: null,
      created: START, updated: now, endedBecause: live ? "" : "the run cap is reached", best: winner,
      baseline: n > 0 ? 0 : -1, advice: null, advising: false, agents, text: "program: train.py\nmethod: bayes\n", path: "sweep.yaml", specVersion: 1,
    },
    position: "0.0", version: 1, n, ids, rows: new Map(ids.map((id, row) => [id, row])),
    numbers: ids.map((_, row) => row + 1),
    names: ids.map((_, row) => (row === 0 ? "baseline" : `run-${row + 1}`)),
    kinds: ids.map((_, row) => (row === 0 ? "baseline" : "search")),
    states, desired: states.map(() => "go"),
    why: ids.map((_, row) => (row < 10 ? "space-filling design" : "expected improvement of the model")),
    endedBecause: ended, parents: ids.map(() => null), attempts, seeds: ids.map((_, row) => row), specVersions: ids.map(() => 1), incomparable: new Set(), effective: new Map(), columns,
  };
  const at = Float32Array.from(points);
  const places = new Float32Array(points.length);
  const times = new Float32Array(points.length);
  for (let row = 0; row < n; row += 1) {
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    const each = (seconds[row] ?? 0) / Math.max(1, to - from);
    for (let place = from; place < to; place += 1) {
      places[place] = place - from + 1;
      times[place] = (place - from + 1) * each;
    }
  }
  return { board, curves: { metric: "mAP50", offsets, steps: places, times, values: at } };
}

function range(numbers: Float64Array): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return low <= high ? [low, high] : [0, 1];
}

export function syntheticBoard(options: SyntheticOptions): Board {
  return make(options).board;
}

/** The curves of the objective of the board of the same options; of "val/loss", which falls as the objective rises. */
export function syntheticCurves(options: SyntheticOptions, metric = "mAP50"): Curves {
  const { curves } = make(options);
  if (metric === "mAP50" || metric === "") return curves;
  return { ...curves, metric, values: curves.values.map((value) => 2 - 2 * Math.abs(value)) };
}

export function syntheticImportance(runs: number): Importance {
  const total = PARAMETERS.reduce((sum, parameter) => sum + parameter.weight, 0);
  const rows = PARAMETERS.map((parameter) => {
    const share = parameter.weight / total;
    return {
      parameter: parameter.name, share, low: Math.max(0, share * 0.7 - 0.01), high: share === 0 ? 0.01 : share * 1.25,
      sign: parameter.weight === 0 ? 0 : 2 * parameter.peak - 1,
      between: parameter.weight > 0 && Math.abs(parameter.peak - 0.5) < 0.25, inert: parameter.inert ?? "",
    };
  });
  return {
    runs, caution: runs < 26 ? `${runs} runs say little about 13 parameters` : "",
    rows: rows.sort((one, other) => other.share - one.share),
  };
}

export function syntheticSlice(parameter: string): Slice {
  const found = PARAMETERS.find((one) => one.name === parameter) ?? PARAMETERS[0];
  if (!found) return { parameter, at: [], mean: [], low: [], high: [] };
  const units = found.categories ? found.categories.map((_, at) => (at + 0.5) / (found.categories?.length ?? 1))
    : Array.from({ length: 41 }, (_, at) => at / 40);
  const at = units.map((unit) => (found.categories ? found.categories[drawn(found, unit)] ?? "" : drawn({ ...found, whole: false }, unit)));
  const mean = units.map((unit) => 0.74 - 2 * found.weight * (unit - found.peak) ** 2);
  return {
    parameter, at, mean,
    low: mean.map((value, index) => value - 0.01 - 0.02 * Math.abs((units[index] ?? 0) - 0.5)),
    high: mean.map((value, index) => value + 0.01 + 0.02 * Math.abs((units[index] ?? 0) - 0.5)),
  };
}

export function syntheticPair(x: string, y: string): Pair {
  const across = syntheticSlice(x);
  const up = syntheticSlice(y);
  return {
    x: { parameter: x, at: across.at }, y: { parameter: y, at: up.at },
    mean: up.mean.map((one) => across.mean.map((other) => one + other - 0.74)),
  };
}

export function syntheticHealth(board: Board): readonly HealthCard[] {
  const failed = board.ids.filter((_, row) => board.states[row] === "failed");
  return [
    ...(failed.length ? [{
      id: "failures", level: "bad" as const, title: `${failed.length} runs failed`,
      text: "They end with the same line of the console.", evidence: ["CUDA error: device-side assert"], runs: failed,
      parameter: null,
    }] : []),
    {
      id: "inert", level: "warn", title: "dropout cannot act", text: "Detection models of Ultralytics have no dropout layer.",
      evidence: ["importance 0.00 (0.00 to 0.01)"], runs: [], parameter: "dropout",
    },
    {
      id: "edge", level: "info", title: "width is best at its upper end",
      text: "A wider range may give more.", evidence: ["8 of the best 10 runs lie above 400"], runs: [], parameter: "width",
    },
  ];
}

export function syntheticProgress(board: Board): Progress {
  const ended = board.states.filter((state) => !["pending", "running", "paused"].includes(state)).length;
  const seconds = board.columns.get("seconds")?.values ?? new Float64Array();
  const best = board.columns.get("best")?.values[board.head.best] ?? NaN;
  const sign = board.head.metric?.goal === "minimize" ? -1 : 1;
  return {
    ended, cap: board.head.runCap, eta: ended < board.n ? 5400 : null, etaWhy: "", hoursUsed: seconds.reduce((sum, one) => sum + one, 0) / 3600,
    hoursSaved: 12.5, energy: 21.4, cost: 9.1, currency: "EUR", noise: 0.006, noiseWhy: "",
    targets: Object.entries(board.head.targets).map(([name, value]) => ({ name, value, reached: sign * best >= sign * value })),
  };
}

export function syntheticForecasts(board: Board): readonly Forecast[] {
  const value = board.columns.get("value")?.values;
  return board.states.flatMap((state, row) => {
    const last = value?.[row];
    return state === "running" && last !== undefined && last === last
      ? [{ row, mean: last + 0.02, low: last - 0.01, high: last + 0.05 }] : [];
  });
}

export function syntheticSource(options: SyntheticOptions): Source {
  const board = syntheticBoard(options);
  return {
    frozen: false,
    board: async () => board,
    curves: async (_, metric) => syntheticCurves(options, metric),
    metrics: async () => ["mAP50", "val/loss"],
    importance: async () => syntheticImportance(board.n),
    slice: async (_, parameter) => syntheticSlice(parameter),
    pair: async (_, x, y) => syntheticPair(x, y),
    health: async () => syntheticHealth(board),
    progress: async () => syntheticProgress(board),
    forecasts: async () => syntheticForecasts(board),
  };
}
