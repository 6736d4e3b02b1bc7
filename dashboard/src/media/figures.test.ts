import { describe, expect, it } from "vitest";
import { chartsByTable, figureOf } from "./figures";

const chart = (kind: string, fieldSettings: object, stringSettings: object = {}): object => ({
  panel_config: { panelDefId: kind, fieldSettings, stringSettings },
});

describe("the charts of wandb.plot", () => {
  it("lines, one or by a stroke", () => {
    const table = { columns: ["x", "y", "s"], rows: [[1, 2, "a"], [2, "3", "a"], [1, 5, "b"]] };
    expect(figureOf(chart("wandb/line/v0", { x: "x", y: "y", stroke: null }, { title: "t" }), table)).toEqual(
      { kind: "lines", title: "t", x: "x", lines: [{ name: "", x: [1, 2, 1], y: [2, 3, 5] }] },
    );
    const strokes = figureOf(chart("wandb/line/v0", { x: "x", y: "y", stroke: "s" }), table);
    expect(strokes?.kind === "lines" && strokes.lines.map((line) => [line.name, line.y])).toEqual([["a", [2, 3]], ["b", [5]]]);
  });

  it("series and areas under curves", () => {
    const series = figureOf(
      chart("wandb/lineseries/v0", { step: "step", lineKey: "k", lineVal: "v" }, { xname: "epoch" }),
      { columns: ["step", "k", "v"], rows: [[1, "a", 2], [1, "b", 3]] },
    );
    expect(series).toMatchObject({ kind: "lines", x: "epoch", lines: [{ name: "a" }, { name: "b" }] });
    const area = figureOf(
      chart("wandb/area-under-curve/v0", { x: "fpr", y: "tpr", class: "class" }),
      { columns: ["class", "fpr", "tpr"], rows: [["no", 0, 0], ["no", 1, 1]] },
    );
    expect(area).toMatchObject({ kind: "lines", lines: [{ name: "no", x: [0, 1], y: [0, 1] }] });
  });

  it("a confusion matrix, its labels in the order of the table", () => {
    const found = figureOf(
      chart("wandb/confusion_matrix/v1", { Actual: "Actual", Predicted: "Predicted", nPredictions: "nPredictions" }),
      { columns: ["Actual", "Predicted", "nPredictions"], rows: [["no", "no", 2], ["no", "yes", 1], ["yes", "yes", 3]] },
    );
    expect(found).toEqual({ kind: "matrix", title: "", labels: ["no", "yes"], counts: [[2, 1], [0, 3]] });
  });

  it("bars, points and histograms", () => {
    const table = { columns: ["n", "v"], rows: [["a", 1], ["b", 4], ["c", 4], ["d", "x"]] };
    expect(figureOf(chart("wandb/bar/v0", { label: "n", value: "v" }), table)).toMatchObject({ kind: "bars", bars: [{ label: "a", value: 1 }, {}, {}, { value: NaN }] });
    expect(figureOf(chart("wandb/scatter/v0", { x: "v", y: "v" }), table)).toMatchObject({ kind: "points", points: { x: [1, 4, 4, NaN] } });
    expect(figureOf(chart("wandb/histogram/v0", { value: "v" }), table)).toEqual({ kind: "histogram", title: "", bins: [1, 2.5, 4], values: [1, 2] });
  });

  it.each([
    [chart("wandb/line/v0", { x: "missing", y: "y" })], [chart("somebody/own/v3", {})], [null], [{ panel_config: 3 }], [chart("wandb/histogram/v0", { value: "t" })],
  ])("what is not known is no figure: %j", (one) => {
    expect(figureOf(one, { columns: ["x", "y", "t"], rows: [[1, 2, "word"]] })).toBeNull();
  });

  it("are known by the key of their table", () => {
    expect([...chartsByTable({ loss: 1 })]).toEqual([["loss_table", 1]]);
    expect(chartsByTable("nonsense").size).toBe(0);
  });
});
