import { expect, test } from "vitest";

import { syntheticBoard } from "../testing/synthetic";
import { coloursOf, worstFirst } from "./colour";
import { drawScene, svgOf, type Brushwork } from "./export";
import { describe, rows, type ParallelData } from "./parallel";
import { changes } from "./parallel-changes";
import { parallelScene } from "./parallel-scene";

function sample(runs = 40): ParallelData {
  const board = syntheticBoard({ runs, epochs: 5 });
  const value = board.columns.get("value");
  if (!value) throw new Error("no objective");
  return {
    columns: [...board.columns.values()].filter(
      ({ role, name }) => role === "parameter" || name === "value",
    ),
    flipped: new Set(),
    n: runs,
    brushes: new Map([["momentum", [[0.7, 0.9]]]]),
    title: "cones",
    shown: {
      kept: new Uint8Array(runs).fill(1),
      order: worstFirst(value.values, runs, "maximize"),
      colours: coloursOf(value, runs, "maximize", false),
      hover: -1,
      best: board.head.best,
      baseline: 0,
      chosen: new Set(),
      dark: false,
    },
  };
}

function changed(before: ParallelData, act: (data: ParallelData) => ParallelData) {
  const size = { width: 800, height: 300, ratio: 1 };
  const { seen } = changes(null, { ...before, ...size });
  return changes(seen, { ...act(before), ...size }).changes;
}

test("the same again is no change, though every array is new", () => {
  const same = changed(sample(), () => sample());
  expect(same).toEqual({ layout: false, runs: false, dark: false });
});

test("hovering draws no run again", () => {
  const hovered = changed(sample(), (data) => ({ ...data, shown: { ...data.shown, hover: 7 } }));
  expect(hovered).toEqual({ layout: false, runs: false, dark: false });
});

test("a brush in the same array changes which runs are drawn, not where", () => {
  const brushed = changed(sample(), (data) => {
    data.shown.kept[3] = 0;
    return data;
  });
  expect(brushed).toEqual({ layout: false, runs: true, dark: false });
});

test("a value that arrives in place moves its run; none that stays none does not", () => {
  const moved = changed(sample(), (data) => {
    const value = data.columns.at(-1)?.values;
    if (value) value[2] = 0.123;
    return data;
  });
  expect(moved.layout).toBe(true);
  const data = sample();
  const value = data.columns.at(-1)?.values;
  if (value) value[2] = NaN;
  expect(changed(data, (same) => same).layout).toBe(false);
});

test("order, flips, more runs and the theme are seen", () => {
  expect(
    changed(sample(), (data) => ({ ...data, columns: [...data.columns].reverse() })).layout,
  ).toBe(true);
  expect(changed(sample(), (data) => ({ ...data, flipped: new Set(["lr0"]) })).layout).toBe(true);
  expect(changed(sample(40), () => sample(41)).layout).toBe(true);
  const dark = changed(sample(), (data) => ({ ...data, shown: { ...data.shown, dark: true } }));
  expect(dark).toEqual({ layout: false, runs: true, dark: true });
});

test("the sentence for screen readers counts what is kept and names what is brushed", () => {
  const data = sample();
  data.shown.kept.fill(0, 0, 15);
  expect(describe(data)).toBe("25 of 40 runs over 14 axes, brushed: momentum");
});

test("the table behind it has the runs kept, best first, in words and numbers", () => {
  const data = sample();
  data.shown.kept.fill(0);
  data.shown.kept.fill(1, 3, 6);
  const table = rows(data);
  expect(table.columns[0]).toBe("run");
  expect(table.rows.length).toBe(3);
  expect(table.rows.map((row) => row[0]).sort()).toEqual([4, 5, 6]);
  const values = table.rows.map((row) => row.at(-1)).filter((value) => typeof value === "number");
  expect(values).toEqual([...values].sort((a, b) => b - a));
  const optimizer = table.columns.indexOf("optimizer");
  expect(["SGD", "Adam", "AdamW"]).toContain(table.rows[0]?.[optimizer]);
});

test("the picture has a line for every run and text for every axis", () => {
  const data = sample();
  const picture = svgOf(parallelScene(data, { width: 1200, height: 400 }));
  const document = new DOMParser().parseFromString(picture, "image/svg+xml");
  const runs = [...document.querySelectorAll("polyline")].filter(
    (each) => (each.getAttribute("points") ?? "").split(" ").length === 2 * data.columns.length,
  );
  expect(runs.length).toBe(40);
  const words = [...document.querySelectorAll("text")].map((each) => each.textContent);
  for (const column of data.columns) expect(words).toContain(column.label);
  expect(words.join()).toContain("40 of 40 runs");
});

test("hostile names are text in the picture", () => {
  const data = sample();
  const [first] = data.columns;
  if (!first) throw new Error("no column");
  const name = '<script>alert(1)</script>\u0000&"';
  const picture = svgOf(
    parallelScene(
      { ...data, title: name, columns: [{ ...first, label: name }, ...data.columns.slice(1)] },
      {
        width: 900,
        height: 300,
      },
    ),
  );
  expect(picture).not.toContain("<script");
  expect(picture).not.toContain("\u0000");
  expect(picture).toContain("&lt;script&gt;");
});

test("SVG and PNG are made of the same shapes", () => {
  const scene = parallelScene(sample(), { width: 900, height: 300 });
  const calls: string[] = [];
  const note = (name: string) => () => void calls.push(name);
  const context: Brushwork = {
    fillStyle: "",
    strokeStyle: "",
    lineWidth: 1,
    lineJoin: "miter",
    font: "",
    textAlign: "start",
    setLineDash: note("dash"),
    fillRect: note("rectangle"),
    strokeRect: note("outline"),
    beginPath: note("path"),
    moveTo: note("move"),
    lineTo: note("line"),
    stroke: note("stroke"),
    fillText: note("text"),
    strokeText: note("halo"),
  };
  drawScene(scene, context);
  const count = (name: string) => calls.filter((call) => call === name).length;
  const picture = svgOf(scene);
  expect(count("stroke")).toBe(picture.split("<polyline").length - 1);
  expect(count("text")).toBe(picture.split("<text").length - 1);
});

test("a sweep without runs or axes still makes a picture", () => {
  const data = sample();
  expect(svgOf(parallelScene({ ...data, n: 0 }, { width: 600, height: 300 }))).toContain("</svg>");
  expect(svgOf(parallelScene({ ...data, columns: [] }, { width: 600, height: 300 }))).toContain(
    "</svg>",
  );
});
