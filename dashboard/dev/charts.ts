/** `npm run dev`, then /dev/charts.html?runs=1000&running=8&dark=1: all charts on a made-up sweep, linked. */

import { coloursOf, worstFirst } from "../src/charts/colour";
import * as curves from "../src/charts/curves";
import * as history from "../src/charts/history";
import { timeColumn } from "../src/charts/history-geometry";
import { syntheticBoard, syntheticCurves, syntheticForecasts } from "../src/testing/synthetic";
import type { Brush, Chart, Shown } from "../src/types";

const query = new URLSearchParams(location.search);
const given = (name: string, otherwise: number): number => Number(query.get(name) ?? otherwise);
const options = {
  runs: given("runs", 1000), epochs: given("epochs", 100), running: given("running", 0),
  goal: query.get("goal") === "minimize" ? ("minimize" as const) : ("maximize" as const),
};
const dark = query.has("dark");
document.documentElement.classList.toggle("dark", dark);

const board = syntheticBoard(options);
const all = syntheticCurves(options);
const forecasts = syntheticForecasts(board);
const brushes = new Map<string, Brush>();
const value = board.columns.get("value");
let shown: Shown = {
  kept: new Uint8Array(board.n).fill(1),
  order: worstFirst(value?.values ?? [], board.n, options.goal),
  colours: value ? coloursOf(value, board.n, options.goal, dark) : new Uint32Array(board.n),
  hover: -1, best: board.head.best, baseline: board.head.baseline, chosen: new Set(), dark,
};

const updates: (() => void)[] = [];
function refresh(): void {
  for (const update of updates) update();
}

function add<Data>(name: string, make: (element: HTMLElement) => Chart<Data>, data: () => Data, auto = false): void {
  if (query.has("only") && query.get("only") !== name) return;
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
    brushes.set(column, brush);
    const kept = new Uint8Array(board.n).fill(1);
    for (const [name, ranges] of brushes) {
      const values = name === "number" || name === "ended" ? timeColumn(board, name).values : board.columns.get(name)?.values;
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

add("curves", (element) => curves.curves(element, callbacks), () => ({
  board, curves: all, shown, forecasts, x: query.get("x") === "time" ? "time" as const : "step" as const,
  logX: query.has("logx"), logY: query.has("logy"), smoothing: given("smoothing", 0),
}));
add("history", (element) => history.history(element, callbacks), () => ({
  board, shown, x: query.get("x") === "time" ? "ended" as const : "number" as const, logY: false, brushes: new Map(brushes),
}));
refresh();
Object.assign(globalThis, { charts: { refresh, callbacks, board } });
