/** Charts that draw on a canvas name and describe themselves, and leave nothing behind. */
import { afterEach, expect, it } from "vitest";
import { curves } from "./curves";
import { histogram } from "./histogram";
import { history } from "./history";
import { pair } from "./pair";
import { scatter } from "./scatter";
import { slice } from "./slice";
import { timeline } from "./timeline";
import { coloursOf, worstFirst } from "./colour";
import {
  syntheticBoard,
  syntheticCurves,
  syntheticPair,
  syntheticSlice,
} from "../testing/synthetic";
import type { Chart, Column, Shown } from "../types";

const options = { runs: 12, running: 2 };
const board = syntheticBoard(options);
const value = board.columns.get("value") as Column;
const shown: Shown = {
  kept: new Uint8Array(board.n).fill(1),
  order: worstFirst(value.values, board.n, "maximize"),
  colours: coloursOf(value, board.n, "maximize", false),
  hover: -1,
  best: board.head.best,
  baseline: board.head.baseline,
  chosen: new Set([3]),
  dark: false,
};
const callbacks = { onHover: () => undefined };

function started<Data>(
  make: (element: HTMLElement) => Chart<Data>,
  data: Data,
): () => Chart<never> {
  return () => {
    const chart = make(document.body);
    chart.update(data);
    return chart;
  };
}

const each: Readonly<Record<string, () => Chart<never>>> = {
  "Learning curves of mAP50": started((element) => curves(element, callbacks), {
    board,
    curves: syntheticCurves(options),
    shown,
    forecasts: [],
    x: "step" as const,
    logX: false,
    logY: true,
    smoothing: 0.5,
  }),
  History: started((element) => history(element, callbacks), {
    board,
    shown,
    x: "ended" as const,
    logY: false,
    brushes: new Map(),
  }),
  "Timeline of agents and slots": started((element) => timeline(element, callbacks), {
    board,
    shown,
  }),
  "Slice along lr0": started((element) => slice(element, callbacks), {
    board,
    parameter: "lr0",
    slice: syntheticSlice("lr0"),
    shown,
    brushes: new Map(),
    rank: true, step: null,
  }),
  "lr0 and optimizer": started((element) => pair(element, callbacks), {
    board,
    x: "lr0",
    y: "optimizer",
    pair: syntheticPair("lr0", "optimizer"),
    shown,
  }),
  "Accuracy over speed": started((element) => scatter(element), {
    title: "Accuracy over speed",
    x: value,
    y: value,
    labels: ["a", "b"],
    colours: [0, 0],
    better: null,
    hover: -1,
    dark: true,
  }),
  gradients: started((element) => histogram(element), {
    title: "gradients",
    histograms: [],
    dark: false,
  }),
};

afterEach(() => document.body.replaceChildren());

it.each(Object.keys(each))("%s", async (name) => {
  const chart = each[name]?.();
  await new Promise((done) => requestAnimationFrame(done));
  const host = document.body.querySelector("[aria-roledescription=chart]");
  expect(host?.getAttribute("aria-label")).toBe(name);
  const described = document.getElementById(host?.getAttribute("aria-describedby") ?? "");
  expect(described?.textContent).toMatch(/\.$/);
  expect(host?.querySelectorAll("canvas[aria-hidden=true]").length).toBeGreaterThan(0);
  chart?.destroy();
  expect(document.body.childElementCount).toBe(0);
});
