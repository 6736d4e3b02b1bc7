import { describe, expect, it } from "vitest";
import { lastPoint, nearestCurve, project, ranksOf, smoothed, worthwhile } from "./curves-geometry";
import { linear, log } from "./scale";
import { clip, faded } from "./curves-lines";
import { random } from "../testing/synthetic";
import type { Curves } from "../types";

function curvesOf(...runs: readonly (readonly (readonly [number, number])[])[]): Curves {
  const offsets = new Uint32Array(runs.length + 1);
  runs.forEach((run, row) => (offsets[row + 1] = (offsets[row] ?? 0) + run.length));
  const points = runs.flat();
  return {
    metric: "loss",
    offsets,
    times: new Float32Array(),
    steps: Float32Array.from(points, ([step]) => step),
    values: Float32Array.from(points, ([, value]) => value),
  };
}

describe("smoothed", () => {
  it("leaves a constant as it is, from the first point on", () => {
    expect([...smoothed(Float32Array.of(2, 2, 2), Uint32Array.of(0, 3), 0.9)]).toEqual([2, 2, 2]);
  });

  it("weighs what was before, and begins anew with each run", () => {
    const [first, second, third] = smoothed(Float32Array.of(0, 1, 5), Uint32Array.of(0, 2, 3), 0.5);
    expect(first).toBe(0);
    expect(second).toBeCloseTo(2 / 3);
    expect(third).toBe(5);
  });

  it("passes over points without a value", () => {
    const out = smoothed(Float32Array.of(1, NaN, 1), Uint32Array.of(0, 3), 0.5);
    expect(out[1]).toBeNaN();
    expect(out[2]).toBe(1);
  });
});

describe("worthwhile", () => {
  const bulk = Array.from({ length: 200 }, (_, i) => i / 200);

  it("cuts a few diverged values on the bad side", () => {
    const found = worthwhile(Float32Array.of(...bulk, 1e9), "minimize", false);
    expect(found?.cut).toBe(true);
    expect(found?.range[0]).toBe(0);
    expect(found?.range[1]).toBeLessThan(2);
  });

  it("never cuts the good side", () => {
    expect(worthwhile(Float32Array.of(...bulk, 50), "maximize", false)?.range[1]).toBe(50);
    expect(worthwhile(Float32Array.of(...bulk, -50), "minimize", false)?.range[0]).toBe(-50);
  });

  it("takes all of a logarithmic axis but what has no logarithm", () => {
    expect(worthwhile(Float32Array.of(-1, 0, 1, 1e6), null, true)).toEqual({
      range: [1, 1e6],
      cut: false,
    });
  });

  it("says nothing of no values", () => {
    expect(worthwhile(Float32Array.of(NaN, Infinity), null, false)).toBeNull();
  });
});

describe("project", () => {
  it("places every point", () => {
    const curves = curvesOf(
      [
        [0, 0],
        [10, 1],
      ],
      [[5, 0.5]],
    );
    const placed = project(
      curves,
      curves.steps,
      curves.values,
      linear([0, 10], [0, 100]),
      linear([0, 1], [50, 0]),
      100,
    );
    expect([...placed.x]).toEqual([0, 100, 50]);
    expect([...placed.y]).toEqual([50, 0, 25]);
    expect([...placed.offsets]).toEqual([0, 2, 3]);
  });

  it("keeps the extremes of a run with more points than pixels", () => {
    const long = Array.from({ length: 10_000 }, (_, i) => [i, i === 5000 ? 9 : 0] as const);
    const curves = curvesOf(long);
    const placed = project(
      curves,
      curves.steps,
      curves.values,
      linear([0, 10_000], [0, 10]),
      linear([0, 9], [9, 0]),
      10,
    );
    expect(placed.x.length).toBeLessThan(100);
    expect(Math.min(...placed.y)).toBe(0);
    expect([...placed.source]).toContain(5000);
  });

  it("gives points below zero no place on a logarithmic axis", () => {
    const curves = curvesOf([
      [0, 1],
      [1, 1],
    ]);
    expect(
      project(curves, curves.steps, curves.values, log([1, 10], [0, 1]), linear([0, 1], [1, 0]), 10)
        .x[0],
    ).toBeNaN();
  });
});

describe("nearestCurve", () => {
  const curves = curvesOf(
    [
      [0, 0],
      [10, 0],
    ],
    [
      [0, 1],
      [10, 1],
    ],
    [
      [0, 1],
      [5, 1],
    ],
  );
  const placed = project(
    curves,
    curves.steps,
    curves.values,
    linear([0, 10], [0, 100]),
    linear([0, 1], [100, 0]),
    100,
  );

  it("finds the line, between its points too", () => {
    expect(nearestCurve(placed, ranksOf([0, 1], 3), 33, 95, 20)).toMatchObject({
      row: 0,
      point: 0,
      distance: 5,
    });
    expect(nearestCurve(placed, ranksOf([0, 1], 3), 80, 4, 20)).toMatchObject({ row: 1, point: 3 });
  });

  it("of equals takes the one on top, and only kept ones", () => {
    expect(nearestCurve(placed, ranksOf([2, 1], 3), 20, 0, 20)?.row).toBe(2);
    expect(nearestCurve(placed, ranksOf([1], 3), 20, 0, 20)?.row).toBe(1);
  });

  it("finds nothing where nothing is near", () => {
    expect(nearestCurve(placed, ranksOf([0, 1, 2], 3), 50, 50, 20)).toBeNull();
  });

  it("finds what a look at all segments finds", () => {
    const draw = random(7);
    const many = curvesOf(
      ...Array.from({ length: 40 }, () =>
        Array.from({ length: 30 }, (_, i) => [i, draw()] as const),
      ),
    );
    const all = project(
      many,
      many.steps,
      many.values,
      linear([0, 29], [0, 300]),
      linear([0, 1], [200, 0]),
      300,
    );
    const rows = Array.from({ length: 40 }, (_, row) => row);
    for (let k = 0; k < 20; k++) {
      const [px, py] = [300 * draw(), 200 * draw()];
      let least = 24;
      for (const row of rows) {
        for (let i = all.offsets[row] ?? 0; i + 1 < (all.offsets[row + 1] ?? 0); i++) {
          for (let t = 0; t <= 1; t += 0.02) {
            const [x0 = 0, x1 = 0, y0 = 0, y1 = 0] = [
              all.x[i],
              all.x[i + 1],
              all.y[i],
              all.y[i + 1],
            ];
            least = Math.min(least, Math.hypot(x0 + t * (x1 - x0) - px, y0 + t * (y1 - y0) - py));
          }
        }
      }
      const found = nearestCurve(all, ranksOf(rows, 40), px, py, 24);
      if (least < 23) expect(found?.distance).toBeCloseTo(least, 0);
    }
  });
});

describe("lastPoint", () => {
  it("is the last with a value, and none of an empty run", () => {
    const curves = curvesOf(
      [
        [1, 3],
        [2, NaN],
      ],
      [],
    );
    expect(lastPoint(curves, 0)).toBe(0);
    expect(lastPoint(curves, 1)).toBe(-1);
    expect(lastPoint(curves, 9)).toBe(-1);
  });
});

describe("clip", () => {
  const plot = { left: 0, right: 10, top: 0, bottom: 10 };

  it("leaves what is inside, cuts what crosses, drops what is outside or has no place", () => {
    expect(clip(1, 1, 9, 9, plot)).toEqual([1, 1, 9, 9]);
    expect(clip(-5, 5, 15, 5, plot)).toEqual([0, 5, 10, 5]);
    expect(clip(-5, -5, -1, 20, plot)).toBeNull();
    expect(clip(NaN, 1, 5, 5, plot)).toBeNull();
  });
});

describe("faded", () => {
  it("mixes each channel", () => {
    expect(faded(0x123456, 0xffffff, 0)).toBe(0x123456);
    expect(faded(0x123456, 0xfedcba, 1)).toBe(0xfedcba);
    expect(faded(0xff0000, 0x0000ff, 0.5).toString(16)).toBe("7f007f");
    expect(faded(0xffffff, 0xffffff, 0.5)).toBe(0xffffff);
  });
});
