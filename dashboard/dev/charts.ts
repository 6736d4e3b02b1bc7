/**
 * `npm run dev`, then /dev/charts.html?runs=1000&running=8&dark=1: all charts on a made-up sweep,
 * linked.
 */

import { categorical, coloursOf, worstFirst } from "../src/charts/colour";
import { bars } from "../src/charts/bars";
import * as curves from "../src/charts/curves";
import * as history from "../src/charts/history";
import { timeColumn } from "../src/charts/history-geometry";
import { histogram } from "../src/charts/histogram";
import { importance } from "../src/charts/importance";
import { pair } from "../src/charts/pair";
import { scatter } from "../src/charts/scatter";
import { series } from "../src/charts/series";
import { slice } from "../src/charts/slice";
import { sparkline } from "../src/charts/sparkline";
import { timeline } from "../src/charts/timeline";
import {
  syntheticBoard,
  syntheticCurves,
  syntheticForecasts,
  syntheticImportance,
  syntheticPair,
  syntheticSlice,
} from "../src/testing/synthetic";
import type { Brush, Chart, Column, RunState, Shown } from "../src/types";

const query = new URLSearchParams(location.search);
const given = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
const options = {
  runs: given("runs", 1000),
  epochs: given("epochs", 100),
  running: given("running", 0),
  goal: query.get("goal") === "minimize" ? ("minimize" as const) : ("maximize" as const),
};
const dark = query.has("dark");
document.documentElement.classList.toggle("dark", dark);

const board = syntheticBoard(options);
const all = syntheticCurves(options);
const forecasts = syntheticForecasts(board);
let brushes: ReadonlyMap<string, Brush> = new Map();
const value = board.columns.get("value");
let shown: Shown = {
  kept: new Uint8Array(board.n).fill(1),
  order: worstFirst(value?.values ?? [], board.n, options.goal),
  colours: value ? coloursOf(value, board.n, options.goal, dark) : new Uint32Array(board.n),
  hover: -1,
  best: board.head.best,
  baseline: board.head.baseline,
  chosen: new Set(),
  dark,
};

const updates: (() => void)[] = [];
function refresh(): void {
  for (const update of updates) update();
}

function add<Data>(
  name: string,
  make: (element: HTMLElement) => Chart<Data>,
  data: () => Data,
  auto = false,
): void {
  if (query.has("only") && !query.get("only")?.split(",").includes(name)) return;
  const section = document.createElement("section");
  const heading = document.createElement("h2");
  heading.textContent = name;
  const element = document.createElement("div");
  element.className = auto ? "chart auto" : "chart";
  element.id = name;
  section.append(heading, element);
  document.body.append(section);
  const chart = make(element);
  updates.push(() => chart.update(data()));
}

const callbacks = {
  onHover(row: number): void {
    shown = { ...shown, hover: row };
    refresh();
  },
  onPick(row: number): void {
    const chosen = new Set(shown.chosen);
    if (!chosen.delete(row)) chosen.add(row);
    shown = { ...shown, chosen };
    refresh();
  },
  onBrush(column: string, brush: Brush): void {
    brushes = new Map([...brushes, [column, brush]]);
    const kept = new Uint8Array(board.n).fill(1);
    for (const [name, ranges] of brushes) {
      const values =
        name === "number" || name === "ended"
          ? timeColumn(board, name).values
          : board.columns.get(name)?.values;
      if (!ranges.length || !values) continue;
      for (let row = 0; row < board.n; row++) {
        const at = values[row] ?? NaN;
        if (!ranges.some(([low, high]) => at >= low && at <= high)) kept[row] = 0;
      }
    }
    shown = { ...shown, kept };
    refresh();
  },
};

add(
  "curves",
  (element) => curves.curves(element, callbacks),
  () => ({
    board,
    curves: all,
    shown,
    forecasts,
    x: query.get("x") === "time" ? ("time" as const) : ("step" as const),
    logX: query.has("logx"),
    logY: query.has("logy"),
    smoothing: given("smoothing", 0),
  }),
);
add(
  "history",
  (element) => history.history(element, callbacks),
  () => ({
    board,
    shown,
    x: query.get("x") === "time" ? ("ended" as const) : ("number" as const),
    logY: false,
    brushes,
  }),
);
add(
  "timeline",
  (element) => timeline(element, callbacks),
  () => ({ board, shown }),
);
let selected = "lr0";
const found = syntheticImportance(board.n);
add(
  "importance",
  (element) =>
    importance(element, {
      onSelect(parameter) {
        selected = parameter;
        refresh();
      },
    }),
  () => ({ importance: found, selected, dark }),
  true,
);
const slices = new Map(["lr0", "optimizer", "width"].map((name) => [name, syntheticSlice(name)]));
for (const parameter of ["lr0", "optimizer"]) {
  add(
    `slice-${parameter}`,
    (element) => slice(element, callbacks),
    () => ({
      board,
      parameter,
      slice: slices.get(parameter) ?? null,
      shown,
      brushes,
      rank: query.has("rank"),
    }),
  );
}
for (const [x, y] of [
  ["lr0", "width"],
  ["optimizer", "momentum"],
] as const) {
  const means = syntheticPair(x, y);
  add(
    `pair-${x}`,
    (element) => pair(element, callbacks),
    () => ({ board, x, y, pair: means, shown }),
  );
}
const names = [
  "nano",
  "small",
  "medium",
  "large",
  "x-large",
  "nano-p2",
  "small-p2",
  "medium with a rather long name",
];
const points = (name: string, label: string, log: boolean, values: readonly number[]): Column => ({
  name,
  label,
  role: "metric",
  kind: "number",
  whole: false,
  log,
  low: 0,
  high: 1,
  categories: [],
  inert: "",
  values: Float64Array.from(values),
});
const speed = points("speed", "latency in ms", true, [1.1, 2.3, 4.8, 8.1, 14.2, 1.9, 3.1, 5.2]);
const accuracy = points(
  "map",
  "mAP50-95",
  false,
  [0.62, 0.69, 0.735, 0.75, 0.757, 0.66, 0.685, 0.73],
);
add(
  "scatter",
  (element) => scatter(element),
  () => ({
    title: "Accuracy over speed",
    x: speed,
    y: accuracy,
    labels: names,
    colours: names.map((_, at) => categorical(at, dark)),
    better: { x: "low" as const, y: "high" as const },
    spread: names.map((_, at) =>
      at % 2
        ? null
        : ([(accuracy.values[at] ?? 0) - 0.01, (accuracy.values[at] ?? 0) + 0.01] as const),
    ),
    hover: -1,
    dark,
  }),
);
const steps = Array.from({ length: 200 }, (_, step) => step);
const lines = ["train/loss", "val/loss"].map((name, at) => ({
  name,
  x: steps,
  y: steps.map(
    (step) => 2 * Math.exp(-step / 40) + 0.1 + at * 0.1 + 0.05 * Math.sin(step * (1.7 + at)),
  ),
}));
for (const kind of ["number", "duration"] as const) {
  add(
    `series-${kind}`,
    (element) => series(element),
    () => ({
      title: "loss",
      lines,
      xLabel: "step",
      xKind: kind,
      logX: false,
      logY: query.has("logy"),
      smoothing: given("smoothing", 0),
      dark,
      sync: "dev",
    }),
  );
}
const histograms = Array.from({ length: 40 }, (_, step) => {
  const edges = Array.from({ length: 65 }, (__, bin) => -3 + (6 * bin) / 64);
  return {
    step: step * 5,
    bins: edges,
    values: edges
      .slice(1)
      .map((edge) =>
        Math.round(
          1000 * Math.exp(-(((edge - step / 40) / (0.4 + 0.8 * Math.exp(-step / 10))) ** 2)),
        ),
      ),
  };
});
add(
  "histogram",
  (element) => histogram(element),
  () => ({ title: "gradients/conv1", histograms, dark }),
);
add(
  "histogram-one",
  (element) => histogram(element),
  () => ({ title: "gradients/conv1", histograms: histograms.slice(-1), dark }),
);
const counts: Partial<Record<RunState, number>> = {};
for (const state of board.states) counts[state] = (counts[state] ?? 0) + 1;
add(
  "bars",
  (element) => bars(element),
  () => ({ counts, cap: Math.round(board.n * 1.2), dark }),
  true,
);
add(
  "sparkline",
  (element) => sparkline(element),
  () => ({
    values: [null, 0.5, 0.55, 0.55, 0.61, 0.7, 0.7, 0.72],
    label: "best so far",
    baseline: 0.6,
    dark,
  }),
);
refresh();
Object.assign(globalThis, { charts: { refresh, callbacks, board } });
