import { expect, it } from "vitest";
import { entry, Lines, placeOf, type Line } from "./lines";

const line = (attempt: number, number: number, text = `${attempt}.${number}`): Line => ({ attempt, number, text, stream: "stdout", time: 0 });
const made = (...page: Line[]): Lines => {
  const lines = new Lines();
  lines.take(page);
  return lines;
};

it("replaces lines of the same number and puts late ones in their place", () => {
  const lines = made(line(1, 0), line(1, 1, "10%"), line(1, 3));
  lines.take([line(1, 1, "20%"), line(1, 2), line(2, 0)]);
  expect(lines.lines.map((one) => one.text)).toEqual(["1.0", "20%", "1.2", "1.3", "2.0"]);
});

it("separates attempts where there are several", () => {
  const lines = made(line(1, 0), line(1, 1), line(3, 0));
  const attempts = lines.attempts();
  expect(attempts).toEqual([0, 2]);
  const shown = [0, 1, 2, 3, 4, 5].map((place) => entry(lines.lines, attempts, place));
  expect(shown.map((one) => (one?.kind === "line" ? one.line.text : one?.attempt ?? null))).toEqual([1, "1.0", "1.1", 3, "3.0", null]);
  expect([0, 1, 2].map((at) => placeOf(attempts, at))).toEqual([1, 2, 4]);
  expect(made(line(1, 0)).attempts()).toEqual([]);
});

it("colours go on in the next line, not in the next attempt", () => {
  const lines = made(line(1, 0, "\u001b[31mred"), line(1, 1, "still"), line(2, 0, "new"));
  expect([0, 1, 2].map((at) => lines.pieces(at)[0]?.style.fore)).toEqual([1, 1, null]);
  lines.take([line(1, 0, "plain")]);
  expect(lines.pieces(1)[0]?.style.fore).toBeNull();
});

it("finds text behind its colours", () => {
  const lines = made(line(1, 0, "Ep\u001b[1moch 1"), line(1, 1, "loss"), line(1, 2, "epoch 2"));
  expect(lines.find("epoch")).toEqual([0, 2]);
  expect(lines.find("")).toEqual([]);
});

it("holds a hundred thousand lines, and looks at what is shown", () => {
  const lines = made(...Array.from({ length: 100_000 }, (_, at) => line(1, at, `\u001b[3${at % 8}mline ${at}`)));
  expect(lines.pieces(99_999).map((piece) => piece.text)).toEqual(["line 99999"]);
  expect(lines.find("line 9999").length).toBe(11);
});

it("cuts lines of megabytes", () => {
  expect(made(line(1, 0, "x".repeat(3_000_000))).pieces(0)[0]?.text.length).toBeLessThan(21_000);
});
