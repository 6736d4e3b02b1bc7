import { describe, expect, test } from "vitest";
import { random } from "../testing/synthetic";
import type { Curves } from "../types";
import { emptyCurves } from "../testing/wired";
import { change, decode, lengthOf, replacing, valuesAt, type Change } from "./curves";

function encoded(header: object, planes: readonly Uint8Array[]): ArrayBuffer {
  let text = JSON.stringify(header);
  while ((4 + text.length) % 8) text += " ";
  const parts = [new Uint8Array(Uint32Array.of(text.length).buffer), new TextEncoder().encode(text), ...planes];
  const buffer = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    buffer.set(part, at);
    at += part.length;
  }
  return buffer.buffer;
}

const bytes = (plane: Uint32Array | Float32Array): Uint8Array => new Uint8Array(plane.buffer);

function planes16(runs: readonly (readonly number[])[]): Uint8Array {
  const deltas = runs.flatMap((run) => run.map((value, at) => (value - (at ? run[at - 1] ?? 0 : 0)) & 65535));
  return Uint8Array.from([...deltas.map((one) => one & 255), ...deltas.map((one) => one >> 8)]);
}

describe("decode", () => {
  const common = { schema: 1, metric: "loss", n: 2, points: 3 };

  test("reads 32-bit floats, NaN and times", () => {
    const read = decode(encoded({ ...common, over: "epoch", lacking: 2, encoding: "f32", low: 0, high: 1, times: true }, [
      bytes(Uint32Array.of(2, 1)), bytes(Float32Array.of(1, 2, 5)), bytes(Float32Array.of(0.5, NaN, 0.25)),
      bytes(Float32Array.of(10, 20, 30)),
    ]));
    expect([read.metric, read.over, read.lacking]).toEqual(["loss", "epoch", 2]);
    expect([...read.offsets]).toEqual([0, 2, 3]);
    expect([...read.steps]).toEqual([1, 2, 5]);
    expect([...read.values]).toEqual([0.5, NaN, 0.25]);
    expect([...read.times]).toEqual([10, 20, 30]);
  });

  test("reads quantised differences", () => {
    const read = decode(encoded({ ...common, encoding: "u16", low: -1, high: 1, times: false }, [
      bytes(Uint32Array.of(2, 1)), planes16([[1, 300], [7]]), planes16([[0, 65534], [65535]]),
    ]));
    expect([...read.steps]).toEqual([1, 300, 7]);
    expect([...read.values]).toEqual([-1, 1, NaN]);
  });

  test("says when the buffer was cut off", () => {
    const whole = encoded({ ...common, encoding: "f32", low: 0, high: 1, times: false }, [bytes(Uint32Array.of(2, 1))]);
    expect(() => decode(whole)).toThrow("cut off");
    expect(() => decode(new ArrayBuffer(2))).toThrow("cut off");
  });
});

function runsOf(curves: Curves): number[][] {
  return Array.from({ length: curves.offsets.length - 1 }, (_, row) =>
    [...curves.values.subarray(curves.offsets[row], curves.offsets[row + 1])]);
}

const added = (keep: number, values: readonly number[]): Change => ({
  keep, values, steps: values.map((_, at) => keep + at + 1), times: values.map(() => 0),
});

describe("change", () => {
  test("any sequence of changes gives what plain lists give", () => {
    const draw = random(3);
    const whole = (below: number): number => Math.floor(draw() * below);
    const curves = emptyCurves("loss", 0);
    const lists: number[][] = [];
    for (let round = 0; round < 200; round += 1) {
      for (let more = whole(3); more > 0; more -= 1) lists.push([]);
      const changes = new Map<number, Change>();
      for (let count = whole(4); count > 0 && lists.length; count -= 1) {
        const row = whole(lists.length);
        if (changes.has(row)) continue;
        const list = lists[row] ?? [];
        const keep = draw() < 0.8 ? list.length : whole(list.length + 1);
        const values = Array.from({ length: whole(4) }, () => whole(1000));
        changes.set(row, added(keep, values));
        lists[row] = [...list.slice(0, keep), ...values];
      }
      change(curves, lists.length, changes);
      expect(runsOf(curves)).toEqual(lists);
      expect(curves.steps.length).toBe(curves.values.length);
    }
  });

  test("points at the end reuse the buffer", () => {
    const curves = emptyCurves("loss", 1);
    change(curves, 1, new Map([[0, added(0, [1, 2, 3])]]));
    const buffer = curves.values.buffer;
    change(curves, 1, new Map([[0, added(3, [4])]]));
    expect(curves.values.buffer).toBe(buffer);
    expect(runsOf(curves)).toEqual([[1, 2, 3, 4]]);
  });

  test("whole curves are put in the place of others", () => {
    const curves = emptyCurves("loss", 2);
    change(curves, 2, new Map([[0, added(0, [1, 2])], [1, added(0, [3])]]));
    const news = emptyCurves("loss", 2);
    change(news, 2, new Map([[0, added(0, [8, 9])], [1, added(0, [7])]]));
    change(curves, 3, replacing([2, 0], news));
    expect(runsOf(curves)).toEqual([[7], [3], [8, 9]]);
    expect(lengthOf(curves, 2)).toBe(2);
  });
});

test("the value at a step is the last one until then", () => {
  const curves = emptyCurves("loss", 3);
  change(curves, 3, new Map([
    [0, { keep: 0, steps: [1, 5, 9], values: [1, 2, 3], times: [] }], [1, { keep: 0, steps: [4], values: [7], times: [] }],
  ]));
  expect([...valuesAt(curves, 3, 4)]).toEqual([1, 7, NaN]);
  expect([...valuesAt(curves, 3, 100)]).toEqual([3, 7, NaN]);
  expect([...valuesAt(curves, 3, 0)]).toEqual([NaN, NaN, NaN]);
});
