import { describe, expect, it } from "vitest";
import { History } from "../run/history";
import { bestOf, common, costs, differ, goalOf, labels, metricRows, obstacles, valueAt, type Compared, type Goal } from "./compare";

function run(label: string, losses: readonly number[], summary: Record<string, unknown> = {}, goals: [string, Goal][] = []): Compared {
  const history = new History();
  history.take(losses.map((loss, at) => ({ step: at + 1, attempt: 1, metrics: { loss } })));
  return { id: label, label, running: false, history, summary, goals: new Map(goals) };
}

describe("runs of different lengths", () => {
  const long = run("long", [4, 3, 2, 1]);
  const short = run("short", [4, 2]);

  it("are said to be, and are read at the step that both have", () => {
    expect(differ([long, short])).toBe(true);
    expect(common([long, short])).toBe(2);
    expect(obstacles([long, short])[0]).toContain("long: 4, short: 2");
    const [row] = metricRows([long, short], 2);
    expect(row).toMatchObject({ name: "loss", values: [3, 2], best: [1] });
  });

  it("have no best at their ends", () => {
    expect(metricRows([long, short], "end")[0]).toMatchObject({ values: [1, 2], best: [] });
    const tested = [run("a", [1, 1], { "test/acc": 0.5 }), run("b", [1], { "test/acc": 0.6 })];
    expect(metricRows(tested, 1).find((row) => row.name === "test/acc")).toMatchObject({ values: [0.5, 0.6], best: [], atEnds: true });
  });

  it("have a best in what does not depend on the length", () => {
    const sized = [run("a", [1, 1], { "model/parameters": 5 }), run("b", [1], { "model/parameters": 3 })];
    expect(metricRows(sized, 1).find((row) => row.atEnds)?.best).toEqual([1]);
  });
});

it("runs of the same length have no obstacle, and a best at their ends", () => {
  const runs = [run("a", [3, 1]), run("b", [3, 2])];
  expect(obstacles(runs)).toEqual([]);
  expect(metricRows(runs, "end")[0]?.best).toEqual([0]);
  expect(obstacles([{ ...run("a", [1]), running: true }, run("b", [1])])).toEqual(["a is still running."]);
});

it("at the ends the summary counts, which may be a best", () => {
  expect(metricRows([run("a", [3, 1, 2], { loss: 1 }), run("b", [3, 2, 1])], "end")[0]?.values).toEqual([1, 1]);
});

it("reads the last value before a step", () => {
  const { history } = run("a", [4, 3]);
  expect([0, 1, 1.5, 9].map((step) => valueAt(history, "loss", step))).toEqual([undefined, 4, 4, 3]);
  expect(valueAt(history, "nothing", 1)).toBeUndefined();
});

it.each([
  ["val/loss", "low"], ["metrics/mAP50(B)", "high"], ["metrics/mAP50-95(B)", "high"], ["val/acc", "high"], ["train/accuracy", "high"],
  ["model/speed_ms", "low"], ["lr/pg0", null], ["epoch", null], ["top_5", "high"], ["error_rate", "low"], ["glossary", null],
])("%s is better %s", (name, goal) => {
  expect(goalOf(name, [])).toBe(goal);
});

it("what was said of a metric comes before its name", () => {
  expect(goalOf("loss", [run("a", [], {}, [["loss", "high"]])])).toBe("high");
});

it("names no best where there is nothing to choose", () => {
  expect([bestOf([1], "low"), bestOf([1, undefined], "low"), bestOf([1, 1], "low"), bestOf([NaN, 2, 1], "high"), bestOf([2, 1, 1], "low")]).toEqual([[], [], [], [1], [1, 2]]);
});

it("tells runs of one name apart", () => {
  expect(labels([{ id: "x", name: "a", number: 1 }, { id: "y", name: "a", number: 2 }, { id: "z", name: "", number: 3 }])).toEqual(["a (x)", "a (y)", "z"]);
});

it("knows what models cost where two say it", () => {
  const sized = (speed?: number): Compared => run("a", [1], speed === undefined ? {} : { "model/speed_ms": speed });
  expect(costs([sized(1), sized(2), sized()])).toEqual([{ name: "model/speed_ms", label: "ms an image" }]);
  expect(costs([sized(1), sized()])).toEqual([]);
  expect(costs([sized(1), sized(1)]), "of one and the same model").toEqual([]);
  const own = (params: number): Compared => run("a", [1], { params, net: { latency: params / 2 }, "train/loss": params });
  expect(costs([own(1), own(2)]).map(({ name }) => name)).toEqual(["net.latency", "params"]);
});
