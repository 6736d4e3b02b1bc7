import { apart } from "./targets";
import { describe, expect, it } from "vitest";
import { segments, describe as sayBars } from "./bars";
import { nearestMark, press, stamp } from "./dots";
import { fitted, labelRoom, lasting, unobstructed } from "./frame";
import { meant } from "./gestures";
import { columnsOf, quantile, strip } from "./histogram-geometry";
import { bilinear, levelOf } from "./pair-geometry";
import { pixels } from "./raster";
import { linear } from "./scale";
import { front, nameSpots } from "./scatter-geometry";
import { aligned, averaged, ordered, tickSteps } from "./series-geometry";
import { bestOf, placesAt, ranks, roomy, shorter } from "./slice-geometry";
import { describe as saySpark, sparkline, sparkPath } from "./sparkline";
import { lanes, nameOf } from "./timeline-geometry";
import { beside } from "./tooltip";
import { syntheticBoard } from "../testing/synthetic";
import type { AgentView, Attempt, Board, Column } from "../types";

const wide = (text: string) => text.length * 6;
const number: Column = {
  name: "lr",
  label: "lr",
  role: "parameter",
  kind: "number",
  whole: false,
  log: true,
  low: 0.001,
  high: 0.1,
  categories: [],
  inert: "",
  values: Float64Array.of(0.01),
};
const category: Column = {
  ...number,
  kind: "category",
  log: false,
  low: 0,
  high: 1,
  categories: ["SGD", "Adam"],
};

describe("frame", () => {
  it("cuts text to its room", () => {
    expect(fitted("momentum", 100, wide)).toBe("momentum");
    expect(fitted("momentum", 30, wide)).toBe("mome…");
    expect(fitted("momentum", 3, wide)).toBe("");
    expect(labelRoom(["1", "1000"], wide)).toBeGreaterThan(24);
  });

  it("writes no label over another, and none outside", () => {
    const ticks = [0, 10, 60, 100].map((at) => ({ value: at, at, label: "12345" }));
    const places = unobstructed(ticks, wide, 0, 100);
    expect(places.map((tick) => tick.value)).toEqual([0, 60]);
    expect(places[0]?.place).toBe(15);
  });

  it("counts lengths of time by the clock", () => {
    const labels = lasting(linear([0, 3600], [0, 100]))
      .ticks(5)
      .map((tick) => tick.label);
    expect(labels).toEqual(["0", "15 min", "30 min", "45 min", "60 min"]);
  });
});

describe("gestures", () => {
  const plot = { left: 0, top: 0, right: 100, bottom: 50 };

  it("mean the axis that is dragged along, and stay in the plot", () => {
    expect(meant({ x: 90, y: 10 }, { x: 120, y: 12 }, plot)).toEqual({ x: [90, 100], y: null });
    expect(meant({ x: 10, y: 40 }, { x: 11, y: 10 }, plot)).toEqual({ x: null, y: [10, 40] });
    expect(meant({ x: 50, y: 40 }, { x: 10, y: 10 }, plot)).toEqual({ x: [10, 50], y: [10, 40] });
  });
});

describe("tooltip", () => {
  it("lies beside the place, in the chart, and never on it where there is room", () => {
    expect(beside(10, 50, 40, 20, 200, 100).left).toBe(24);
    expect(beside(190, 50, 40, 20, 200, 100).left).toBe(136);
    expect(beside(100, 20, 180, 20, 200, 100)).toEqual({ left: 10, top: 34 });
    expect(beside(100, 90, 180, 20, 200, 100)).toEqual({ left: 10, top: 56 });
  });
});

describe("dots", () => {
  it("press a mark of its colour, and keep to the picture", () => {
    const target = pixels(20, 20);
    press(target, stamp("disc", 3), 10, 10, 0x336699, 1);
    const middle = 4 * (9 * 20 + 9);
    expect([...target.data.slice(middle, middle + 4)]).toEqual([0x33, 0x66, 0x99, 255]);
    press(target, stamp("cross", 3), -1, 30, 0, 1);
    press(target, stamp("square", 3), NaN, 3, 0, 1);
    expect(target.data.filter((_, i) => i % 4 === 3 && i < 16).every((alpha) => alpha === 0)).toBe(
      true,
    );
  });

  it("lay a later mark over an earlier one", () => {
    const target = pixels(9, 9);
    press(target, stamp("disc", 3), 4.5, 4.5, 0xff0000, 1);
    press(target, stamp("disc", 3), 4.5, 4.5, 0x0000ff, 0.5);
    const middle = 4 * (4 * 9 + 4);
    expect(target.data[middle]).toBeGreaterThan(120);
    expect(target.data[middle + 2]).toBeGreaterThan(120);
    expect(target.data[middle + 3]).toBe(255);
  });

  it("differ by shape, not by colour alone", () => {
    const covers = (["disc", "ring", "square", "frame", "cross", "diamond"] as const).map((shape) =>
      JSON.stringify(stamp(shape, 4)),
    );
    expect(new Set(covers).size).toBe(6);
  });

  it("find the nearest kept mark, of equals the later", () => {
    const [xs, ys] = [
      [0, 10, 10],
      [0, 0, 0],
    ];
    expect(nearestMark(xs, ys, [0, 1, 2], [1, 1, 1], 9, 1, 5)).toBe(2);
    expect(nearestMark(xs, ys, [0, 1, 2], [1, 1, 0], 9, 1, 5)).toBe(1);
    expect(nearestMark(xs, ys, [0, 1, 2], [1, 1, 1], 5, 30, 5)).toBe(-1);
  });
});

describe("series", () => {
  it("are brought into order, the last of equal places counting", () => {
    expect(ordered({ x: [2, 1, 2, NaN], y: [5, 6, 7, 8] })).toEqual({ x: [1, 2], y: [6, 7] });
  });

  it("share their places: a place of another line is passed, a missing value is a gap", () => {
    const { x, lines } = aligned(
      [
        { name: "a", x: [1, 3], y: [10, NaN] },
        { name: "b", x: [2, 3], y: [5, 6] },
      ],
      0,
      false,
      false,
    );
    expect(x).toEqual([1, 2, 3]);
    expect(lines.map((line) => line.raw)).toEqual([
      [10, undefined, null],
      [undefined, 5, 6],
    ]);
  });

  it("have nothing below zero on logarithmic axes", () => {
    const { x, lines } = aligned([{ name: "a", x: [0, 1, 2], y: [1, -1, 4] }], 0.5, true, true);
    expect(x).toEqual([1, 2]);
    expect(lines[0]?.raw).toEqual([null, 4]);
    expect(lines[0]?.smooth?.[1]).toBeGreaterThan(0);
  });

  it("are smoothed without a pull to zero", () => {
    expect(averaged([4, 4, NaN, 4], 0.5)).toEqual([4, 4, NaN, 4]);
  });
});

describe("slice", () => {
  it("finds the places of numbers and names", () => {
    expect([...placesAt(number, [0.1, 1])]).toEqual([0.1, 1]);
    expect([...placesAt(category, ["Adam", "SGD", "Lion"])]).toEqual([1, 0, NaN]);
  });

  it("ranks the best first, equals alike, none without a value", () => {
    expect([...ranks([0.5, 0.9, NaN, 0.5], 4, "maximize")]).toEqual([2, 1, NaN, 2]);
    expect([...ranks([0.5, 0.9, NaN, 0.4], 4, "minimize")]).toEqual([2, 3, NaN, 1]);
  });

  it("leaves room at the bounds, by factors where the axis is logarithmic", () => {
    const [low, high] = roomy(number);
    expect(low).toBeLessThan(0.001);
    expect(low * high).toBeCloseTo(0.0001);
  });

  it("is best by the goal", () => {
    const model = { parameter: "lr", at: [1, 2, 3], mean: [5, 2, NaN], low: [], high: [] };
    expect(bestOf(model, "minimize")).toEqual({ at: 2, mean: 2 });
    expect(bestOf(model, "maximize")).toEqual({ at: 1, mean: 5 });
    expect(bestOf({ ...model, at: [], mean: [] }, "minimize")).toBeNull();
  });
});

describe("pair", () => {
  const mean = [
    [0, 10],
    [20, 30],
  ];
  const [x, y] = [Float64Array.of(0, 100), Float64Array.of(50, 0)];

  it("lies between the grid's places in proportion, and ends with them", () => {
    const at = bilinear(mean, x, y, false, false);
    expect(at(0, 50)).toBe(0);
    expect(at(50, 25)).toBe(15);
    expect(at(200, -10)).toBe(30);
  });

  it("knows no place between two categories", () => {
    const at = bilinear(mean, x, y, true, false);
    expect(at(49, 50)).toBe(0);
    expect(at(51, 50)).toBe(10);
  });

  it("falls into bands", () => {
    expect([0, 0.49, 0.5, 1].map((value) => levelOf(value, [0, 1], 2))).toEqual([0, 0, 1, 1]);
    expect(levelOf(3, [3, 3], 10)).toBe(5);
  });
});

describe("scatter", () => {
  it("has a front of what nothing beats", () => {
    expect(front([1, 2, 3, 2.5], [0.5, 0.7, 0.6, NaN], { x: "low", y: "high" })).toEqual([0, 1]);
    expect(front([1, 1, 3], [2, 2, 1], { x: "low", y: "low" })).toEqual([0, 2]);
    expect(front([1, 2], [1, 2], { x: "high", y: "high" })).toEqual([1]);
  });

  it("writes no name over another or outside", () => {
    const room = { left: 0, right: 200, top: 0, bottom: 100 };
    const spots = nameSpots([0, 1, 2], [100, 102, 190], [50, 50, 50], [60, 60, 60], room);
    expect(spots.find((spot) => spot.index === 2)?.align).toBe("right");
    const boxes = spots.map((spot) => ({
      l: spot.align === "left" ? spot.x : spot.x - 60,
      y: spot.y,
    }));
    boxes.forEach((one, i) =>
      boxes.slice(i + 1).forEach((two) => {
        expect(Math.abs(one.l - two.l) >= 60 || Math.abs(one.y - two.y) >= 13).toBe(true);
      }),
    );
  });
});

describe("histogram", () => {
  const flat = { step: 0, bins: [0, 1, 2], values: [1, 1] };

  it("spreads counts over common bins and loses none", () => {
    const found = strip(
      [flat, { step: 5, bins: [0, 4], values: [7] }, { step: 6, bins: [], values: [] }],
      4,
    );
    expect(found && [found.low, found.high]).toEqual([0, 4]);
    expect(found?.shares.map((shares) => [...shares])).toEqual([
      [0.5, 0.5, 0, 0],
      [0.25, 0.25, 0.25, 0.25],
      [0, 0, 0, 0],
    ]);
    expect(found?.most).toBe(0.5);
  });

  it("of one value still has a width, and of nothing is nothing", () => {
    const found = strip([{ step: 0, bins: [2, 2], values: [3] }], 4);
    expect(found && found.high > found.low).toBe(true);
    expect(found?.shares[0]?.reduce((sum, share) => sum + share, 0)).toBe(1);
    expect(strip([], 4)).toBeNull();
  });

  it("has columns without gaps, and quantiles within bins", () => {
    expect(columnsOf([0, 10, 40])).toEqual([
      [-5, 5],
      [5, 25],
      [25, 55],
    ]);
    expect(columnsOf([3])).toEqual([[2.5, 3.5]]);
    expect(quantile(flat, 0.5)).toBe(1);
    expect(quantile(flat, 0.75)).toBe(1.5);
  });
});

describe("bars", () => {
  it("are in proportion, and one run of thousands is seen", () => {
    const parts = segments({ counts: { finished: 5000, failed: 1 }, cap: null });
    expect(parts.map((part) => part.state)).toEqual(["finished", "failed"]);
    expect(parts.at(-1)?.to).toBeCloseTo(1);
    expect((parts[1]?.to ?? 0) - (parts[1]?.from ?? 0)).toBeGreaterThan(0.01);
  });

  it("leave what is not begun empty, and say it", () => {
    expect(segments({ counts: { running: 5 }, cap: 10 })[0]?.to).toBe(0.5);
    expect(segments({ counts: {}, cap: null })).toEqual([]);
    expect(sayBars({ counts: { finished: 2, failed: 1 }, cap: 10 })).toBe(
      "2 finished, 1 failed, of at most 10.",
    );
  });
});

describe("sparkline", () => {
  it("leaves gaps, and draws one number as a dash", () => {
    expect(sparkPath([0, null, 1, 2], [0, 2], 90, 10)).toBe("M0.0 10.0M60.0 5.0L90.0 0.0");
    expect(sparkPath([4], [4, 4], 90, 10)).toBe("M0.0 5.0H90");
    expect(saySpark({ values: [null], label: "best so far", baseline: null, dark: false })).toBe(
      "best so far: no values yet.",
    );
  });

  it("has the baseline as a line of its own, within its height, where there is one", () => {
    const paths = (baseline: number | null): (string | null)[] => {
      const chart = sparkline(document.body);
      chart.update({ values: [1, 3], label: "best so far", baseline, dark: false });
      const drawn = [...document.querySelectorAll("path")].map((path) => path.getAttribute("d"));
      chart.destroy();
      return drawn;
    };
    expect(paths(null)).toEqual(["M0.0 24.0L100.0 0.0"]);
    expect(paths(2)).toEqual(["M0.0 12.0L100.0 12.0", "M0.0 24.0L100.0 0.0"]);
    expect(paths(5)).toEqual(["M0.0 0.0L100.0 0.0", "M0.0 24.0L100.0 12.0"]);
    expect(saySpark({ values: [1, 3], label: "best so far", baseline: 5, dark: false })).toBe("best so far: from 1 to 3, baseline 5.");
  });
});

describe("timeline", () => {
  const agent: AgentView = {
    id: "a",
    host: "h",
    kind: "swept",
    slots: 2,
    started: 0,
    lastSeen: 90,
    ended: null,
    live: false,
  };
  const attempt = (started: number, ended: number | null): Attempt => ({
    number: 1,
    agent: "a",
    host: "h",
    started,
    ended,
    outcome: ended === null ? null : "finished",
    reason: "",
    firstStep: 0,
  });
  const made = syntheticBoard({ runs: 3 });
  const board: Board = {
    ...made,
    head: { ...made.head, updated: 100, agents: [agent] },
    attempts: [[attempt(0, 40)], [attempt(10, 50)], [attempt(60, null)]],
  };

  it("gives each attempt a slot that is free, and shows the waiting between", () => {
    const [first, second, ...more] = lanes(board);
    expect(more).toEqual([]);
    expect(first?.stints.map((stint) => stint.row)).toEqual([0, 2]);
    expect(second?.stints.map((stint) => stint.row)).toEqual([1]);
    expect(first?.waits).toEqual([[40, 60]]);
    expect(second?.waits).toEqual([
      [0, 10],
      [50, 90],
    ]);
    expect(first && nameOf(first)).toBe("h · a · slot 1");
  });

  it("marks when an agent was last heard of that never said goodbye", () => {
    expect(lanes(board)[0]?.died).toBe(90);
    const left = { ...board, head: { ...board.head, agents: [{ ...agent, ended: 95 }] } };
    expect(lanes(left)[0]?.died).toBeNull();
  });

  it("has a lane for an agent that ran nothing, and lanes for more at once than slots", () => {
    const idle = { ...board, attempts: [] };
    expect(lanes(idle)).toHaveLength(2);
    const crowded = { ...board, attempts: [[attempt(0, 50)], [attempt(1, 50)], [attempt(2, 50)]] };
    expect(lanes(crowded)).toHaveLength(2 + 1);
  });
});

describe("names beside lines", () => {
  it("are moved apart evenly, and stay in order within the plot", () => {
    expect(apart([10, 50], 12, 100)).toEqual([10, 50]);
    expect(apart([40, 42, 44], 12, 100)).toEqual([30, 42, 54]);
    const low = apart([95, 96, 99], 12, 100);
    expect(low.at(-1)).toBeLessThanOrEqual(100);
    expect((low[1] ?? 0) - (low[0] ?? 0)).toBe(12);
  });
});

it("steps have ticks at whole numbers, other places where they fall", () => {
  expect(Math.min(...tickSteps([1, 2, 3]))).toBe(1);
  expect(tickSteps([1, 2, 3])).toEqual(expect.arrayContaining([1, 2, 5, 10, 20]));
  expect(tickSteps([0.5, 1])).toContain(0.1);
  expect(tickSteps([1, 2])).not.toContain(2.5);
});

it("runs that came less far than the others are told apart, and all are alike at a step that all have", () => {
  const board = syntheticBoard({ runs: 4, epochs: 20 });
  board.states = ["finished", "stopped", "running", "finished"];
  board.columns.get("steps")?.values.set([20, 2, 20, 18]);
  board.columns.get("value")?.values.set([0.5, 0.1, 0.4, 0.6]);
  const of = (step: number | null) => [...shorter({ ...board, head: { ...board.head, full: 20 } }, step)];
  expect(of(null)).toEqual([1]);
  expect(of(2)).toEqual([]);
  expect(of(19)).toEqual([1, 3]);
});
