import { expect, test } from "vitest";

import { dot, hairline, line, pixels, rectangle, slice, word, type Pixels } from "./raster";

function at({ data, width }: Pixels, x: number, y: number): number[] {
  return [...data.slice((y * width + x) * 4, (y * width + x) * 4 + 4)];
}

function painted({ words }: Pixels): number {
  return words.reduce((sum, each) => sum + (each ? 1 : 0), 0);
}

test("a level line in the middle of its pixels is one crisp row", () => {
  const target = pixels(10, 5);
  line(target, 0, 2.5, 10, 2.5, word(0x102030));
  for (let x = 0; x < 10; x++) expect(at(target, x, 2)).toEqual([0x10, 0x20, 0x30, 255]);
  expect(painted(target)).toBe(10);
});

test("a line between two rows is shared by them", () => {
  const target = pixels(10, 5);
  line(target, 0, 3, 10, 3, word(0xff0000));
  for (const y of [2, 3]) {
    expect(at(target, 5, y)[0]).toBe(255);
    expect(at(target, 5, y)[3]).toBeGreaterThan(120);
    expect(at(target, 5, y)[3]).toBeLessThan(135);
  }
});

test("two pixels thick is two rows, as on a screen of ratio 2", () => {
  const target = pixels(10, 6);
  line(target, 0, 3, 10, 3, word(0xff0000), 2);
  expect([2, 3].map((y) => at(target, 5, y)[3])).toEqual([255, 255]);
  expect([1, 4].map((y) => at(target, 5, y)[3])).toEqual([0, 0]);
});

test("what is drawn first stays on top", () => {
  const target = pixels(9, 9);
  line(target, 0, 4.5, 9, 4.5, word(0x00ff00));
  line(target, 4.5, 0, 4.5, 9, word(0xff0000));
  hairline(target, 0, 0.5, 9, 8.5, word(0x0000ff));
  expect(at(target, 4, 4)).toEqual([0, 255, 0, 255]);
  expect(at(target, 4, 1)).toEqual([255, 0, 0, 255]);
});

test("many thin lines behind one another become full, and then nothing more changes", () => {
  const target = pixels(4, 4);
  for (let i = 0; i < 40; i++) line(target, 0, 1.5, 4, 1.5, word(0x336699), 0.3);
  const [red = 0, green = 0, blue = 0, alpha] = at(target, 1, 1);
  expect(alpha).toBe(255);
  expect(Math.abs(red - 0x33) + Math.abs(green - 0x66) + Math.abs(blue - 0x99)).toBeLessThan(8);
  const before = target.words.slice();
  line(target, 0, 1.5, 4, 1.5, word(0xffffff));
  expect(target.words).toEqual(before);
});

test("lines far outside are cut, in every direction", () => {
  const target = pixels(20, 10);
  for (const draw of [line, hairline]) {
    draw(target, -1e6, -1e6, 1e6, 1e6, word(0xff0000));
    draw(target, -50, 5, -10, 5, word(0xff0000));
    draw(target, 0, -30, 20, -20, word(0xff0000));
    draw(target, 5.5, 1e7, 5.5, -1e7, word(0xff0000));
  }
  expect(at(target, 5, 9)[3]).toBe(255);
  expect(at(target, 0, 5)[3]).toBe(0);
  expect(at(target, 19, 0)[3]).toBe(0);
});

test("what has no place is not drawn", () => {
  const target = pixels(8, 8);
  line(target, 0, NaN, 8, 4, word(0xff0000));
  hairline(target, 0, 1, Infinity, 4, word(0xff0000));
  dot(target, NaN, 3, 2, word(0xff0000));
  expect(painted(target)).toBe(0);
});

test("segments of one run meet without a gap or a doubled pixel", () => {
  const target = pixels(20, 8);
  line(target, 0, 4.5, 7.3, 4.5, word(0xff0000), 0.5);
  line(target, 7.3, 4.5, 20, 4.5, word(0xff0000), 0.5);
  const alphas = Array.from({ length: 20 }, (_, x) => at(target, x, 4)[3]);
  expect(new Set(alphas).size).toBe(1);
});

test("rectangles and dots keep to their place", () => {
  const target = pixels(10, 10);
  rectangle(target, 1, 1, 3, 2, word(0x00ff00));
  expect(painted(target)).toBe(6);
  dot(target, 7, 7, 1.5, word(0xff0000));
  expect(at(target, 7, 7)).toEqual([255, 0, 0, 255]);
  expect(at(target, 9, 9)[3]).toBe(0);
});

test("a slice ends with its budget and the next goes on where it ended", () => {
  const target = pixels(4, 4);
  const seen: number[] = [];
  let clock = 0;
  const paint = (_: Pixels, index: number) => {
    seen.push(index);
    clock += 1;
  };
  let from = 0;
  let slices = 0;
  while (from < 100) {
    from = slice(target, 100, paint, from, 8, () => clock);
    slices++;
  }
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(slices).toBeGreaterThan(8);
  expect(slices).toBeLessThan(20);
});

test("a slice without time left still gets on", () => {
  expect(
    slice(
      pixels(1, 1),
      10,
      () => undefined,
      0,
      0,
      () => 5,
    ),
  ).toBeGreaterThan(0);
});
