import { describe, expect, it } from "vitest";
import { bytes, differences, flatten, matches, settings, told, whole } from "./values";

describe("flattening", () => {
  it("names leaves by dots and leaves lists, media and empty mappings whole", () => {
    const flat = flatten({ a: { b: 1, c: { d: [1, 2] } }, e: null, f: {}, g: { _type: "histogram", values: [] } });
    expect([...flat]).toEqual([["a.b", 1], ["a.c.d", [1, 2]], ["e", null], ["f", {}], ["g", { _type: "histogram", values: [] }]]);
    expect([...flatten({})]).toEqual([]);
  });

  it("ends at a depth that nobody means", () => {
    let deep: Record<string, unknown> = { end: 1 };
    for (let at = 0; at < 5000; at += 1) deep = { a: deep };
    expect(flatten(deep).size).toBe(1);
  });
});

describe("the configuration beside what really ran", () => {
  it("marks differences, nested ones too", () => {
    const found = settings({
      config: { lr: 0.1, batch: 64, model: { depth: 3 } }, effective_config: { lr: 0.1, batch: 32, model: { depth: 4 }, amp: true },
    });
    expect(found.filter((one) => one.differs).map((one) => one.name)).toEqual(["batch", "model.depth"]);
    expect(found.at(-1)).toEqual({ name: "amp", given: undefined, ran: true, differs: false, own: true });
  });

  it("is what was given where the program said nothing", () => {
    expect(settings({ config: { lr: 0.1 }, effective_config: null })).toEqual([
      { name: "lr", given: 0.1, ran: 0.1, differs: false, own: false },
    ]);
    expect(settings({ config: { lr: 0.1, x: 2 }, effective_config: { lr: 0.2 } })[1]?.differs).toBe(false);
  });

  it("has what the program set beside it, also within what was given, and last what really ran", () => {
    const run = { config: { net: { depth: 2 } }, program: { net: { width: 8 }, seed: 7 }, effective_config: { seed: 8 } };
    expect(settings(run).map(({ name, ran, own }) => [name, ran, own])).toEqual([
      ["net.depth", 2, false], ["net.width", 8, true], ["seed", 8, true],
    ]);
    expect(whole(run)).toEqual({ "net.depth": 2, "net.width": 8, seed: 8 });
  });
});

describe("differences between runs", () => {
  it("are the names that are not the same everywhere", () => {
    const found = differences([{ lr: 0.1, m: { a: 1 }, n: [1] }, { lr: 0.1, m: { a: 2 }, n: [1] }, { lr: 0.1, n: [1], z: "1" }]);
    expect(found).toEqual([
      { name: "m.a", values: [1, 2, undefined] }, { name: "z", values: [undefined, undefined, "1"] },
    ]);
  });

  it("a text is not its number", () => {
    expect(differences([{ a: 1 }, { a: "1" }])).toHaveLength(1);
  });
});

it("values are said as people write them", () => {
  expect([0.1 + 0.2, NaN, "x", null, undefined, [1], true].map(told)).toEqual(["0.3", "NaN", "x", "null", "–", "[1]", "true"]);
});

it("sizes are said with three digits", () => {
  expect([0, 999, 1000, 12_345_678].map(bytes)).toEqual(["0 B", "999 B", "1.00 kB", "12.3 MB"]);
});

it("search takes all words, in names or values", () => {
  expect(matches("opt sgd", "optimizer", "SGD")).toBe(true);
  expect(matches("opt adam", "optimizer", "SGD")).toBe(false);
  expect(matches("", "x")).toBe(true);
});
