/** A page to look at parallel coordinates: ?runs=1000&axes=14&narrow. */
import { coloursOf, worstFirst } from "../src/charts/colour";
import { pngOf, save, svgOf } from "../src/charts/export";
import { describe, parallel, type ParallelData } from "../src/charts/parallel";
import { parallelScene } from "../src/charts/parallel-scene";
import { syntheticBoard, syntheticCurves } from "../src/testing/synthetic";
import type { Brush, Column } from "../src/types";

const query = new URLSearchParams(location.search);
const runs = Number(query.get("runs") ?? 1000);
const options = { runs };
const board = syntheticBoard(options);
const curves = syntheticCurves(options);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const all = [...board.columns.values()];
const wanted = Number(query.get("axes") ?? 14);
let columns: Column[] = all.filter(
  (column) => column.role === "parameter" || column.name === "value",
);
if (wanted > columns.length) columns = [...columns, ...all.filter((one) => !columns.includes(one))];
columns = columns.slice(0, wanted);
const extra = all[0];
while (extra && columns.length < wanted) {
  columns.push({
    ...extra,
    name: `extra_${columns.length}`,
    label: `model/backbone_depth_${columns.length}`,
  });
}
const value = board.columns.get("value")?.values ?? new Float64Array();
const final = value.slice();
let flipped = new Set<string>();
const brushes = new Map<string, Brush>();
const kept = new Uint8Array(runs).fill(1);
const chosen = new Set<number>();
let hover = -1;
let epoch = 100;
let version = 0;
let colours = new Uint32Array();
let order = new Uint32Array();
function recolour(): void {
  const column = board.columns.get("value");
  if (!column) return;
  colours = coloursOf(column, runs, "maximize", dark) as Uint32Array<ArrayBuffer>;
  order = worstFirst(column.values, runs, "maximize") as Uint32Array<ArrayBuffer>;
}
recolour();

function filter(): void {
  kept.fill(1);
  for (const [name, brush] of brushes) {
    const column = board.columns.get(name) ?? columns.find((one) => one.name === name);
    if (!brush.length || !column) continue;
    for (let row = 0; row < runs; row++) {
      const at = column.values[row] ?? NaN;
      if (!brush.some(([low, high]) => at >= low && at <= high)) kept[row] = 0;
    }
  }
}

function data(): ParallelData {
  return {
    columns,
    flipped,
    n: runs,
    brushes,
    title: "cones: parameters and mAP50",
    shown: { kept, order, colours, hover, best: board.head.best, baseline: 0, chosen, dark },
  };
}

const host = document.getElementById("chart");
const said = document.getElementById("said");
if (host && said) {
  const chart = parallel(host, {
    onHover(row) {
      hover = row;
      show();
    },
    onPick(row) {
      if (!chosen.delete(row)) chosen.add(row);
      show();
    },
    onBrush(name, brush) {
      brushes.set(name, brush);
      filter();
      show();
    },
    onClear() {
      brushes.clear();
      filter();
      show();
    },
    onOrder(names) {
      columns = names.flatMap((name) => columns.find((one) => one.name === name) ?? []);
      show();
    },
    onFlip(name) {
      flipped = new Set(flipped);
      if (!flipped.delete(name)) flipped.add(name);
      show();
    },
    onHide(name) {
      columns = columns.filter((one) => one.name !== name);
      show();
    },
    label: (row) => board.names[row] ?? "",
  });
  const show = (): void => {
    chart.update(data());
    version++;
    said.textContent = describe(data());
  };
  show();
  document.getElementById("svg")?.addEventListener("click", () => {
    save(svgOf(parallelScene(data(), { width: 1200, height: 420 })), "parallel.svg");
  });
  document.getElementById("png")?.addEventListener("click", async () => {
    save(await pngOf(parallelScene(data(), { width: 1200, height: 420 }), 2), "parallel.png");
  });
  document.getElementById("epoch")?.addEventListener("input", (event) => {
    epoch = Number((event.target as HTMLInputElement).value);
    for (let row = 0; row < runs; row++) {
      const from = curves.offsets[row] ?? 0;
      const to = curves.offsets[row + 1] ?? 0;
      value[row] =
        epoch >= 100
          ? (final[row] ?? NaN)
          : (curves.values[Math.min(to - 1, from + epoch - 1)] ?? NaN);
      if (to - from < epoch && epoch < 100) value[row] = NaN;
    }
    recolour();
    show();
  });
  Object.assign(globalThis, { page: { data, show, board, brushes, versionOf: () => version } });
}
