import { expect, test } from "vitest";
import { compact, duration, elided, hours, money, number, ordinal, percentOf, signed } from "./format";

test("a number is short, and exact where it is whole", () => {
  expect(number(0.0001)).toBe("1e-4");
  expect(number(2.5e-5)).toBe("2.5e-5");
  expect(number(0.78123456)).toBe("0.7812");
  expect(number(123456)).toBe("123456");
  expect(number(-0)).toBe("0");
  expect(number(NaN)).toBe("–");
  expect(number(Infinity)).toBe("∞");
  expect(number(1.5e9)).toBe("1.5e9");
});

test("large ticks have units", () => {
  expect([999, 5000, 10000, 250000, 1.5e6].map(compact)).toEqual([
    "999",
    "5000",
    "10k",
    "250k",
    "1.5M",
  ]);
});

test("lengths of time are in the unit that a person would take", () => {
  expect([45, 600, 7200, 180000].map(duration)).toEqual(["45 s", "10 min", "2 h", "2.1 d"]);
});

test("text is cut by characters, not by halves of them", () => {
  expect(elided("weight_decay", 10)).toBe("weight_de…");
  expect(elided("🙂🙂🙂", 2)).toBe("🙂…");
});

test("a share of nothing is not said", () => {
  expect(percentOf(0.05, 0.5)).toBe("+10 %");
  expect(percentOf(-0.005, 0.5)).toBe("−1.0 %");
  expect(percentOf(0.05, 0)).toBe("");
});

test("what is not there is a dash", () => {
  expect([number(undefined), signed(NaN), duration(NaN)]).toEqual(["–", "–", "–"]);
});

test("hours, differences and money", () => {
  expect([0.5, 2.25, 1234.4].map(hours)).toEqual(["30 min", "2.3 h", "1,234 h"]);
  expect([signed(0.25), signed(-0.25), signed(0)]).toEqual(["+0.25", "−0.25", "±0"]);
  expect([money(3.456, "EUR"), money(1, "")]).toEqual(["3.46 EUR", "1.00"]);
});

test("a place is said as people do", () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 112, 1003].map(ordinal)).toEqual(["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,003rd"]);
});
