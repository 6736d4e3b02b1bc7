import { afterEach, expect, it, vi } from "vitest";
import { describe as say, importance, rows } from "./importance";
import { syntheticImportance } from "../testing/synthetic";

afterEach(() => document.body.replaceChildren());

const data = { importance: syntheticImportance(10), selected: "lr0", dark: false };

function frame(): Promise<void> {
  return new Promise((done) => requestAnimationFrame(() => done()));
}

it("selects a parameter by a click, and shows which one is selected", async () => {
  const selected = vi.fn();
  const chart = importance(document.body, { onSelect: selected });
  chart.update(data);
  await frame();
  const buttons = [...document.querySelectorAll("button")];
  const pressed = buttons.filter((button) => button.getAttribute("aria-pressed") === "true");
  expect(pressed.map((button) => button.dataset["parameter"])).toEqual(["lr0"]);
  buttons.find((button) => button.dataset["parameter"] === "width")?.click();
  expect(selected).toHaveBeenCalledWith("width");
  chart.destroy();
  expect(document.body.childElementCount).toBe(0);
});

it("says from how many runs, when that is too few, and why a parameter cannot act", async () => {
  const chart = importance(document.body, { onSelect: () => undefined });
  chart.update(data);
  await frame();
  expect(document.body.textContent).toContain("from 10 runs");
  expect(document.body.textContent).toContain("10 runs say little about 13 parameters");
  expect(document.querySelector("ul")?.textContent).toContain(
    "dropout cannot act: detection models",
  );
  expect(
    [...document.querySelectorAll("button")].some(
      (button) => button.dataset["parameter"] === "dropout",
    ),
  ).toBe(false);
  chart.destroy();
});

it("shows names as text, whatever they hold", async () => {
  const name = "<img src=x onerror=alert(1)>";
  const chart = importance(document.body, { onSelect: () => undefined });
  chart.update({
    importance: {
      runs: 1,
      caution: name,
      rows: [
        { parameter: name, share: 1, low: 1, high: 1, sign: 0, between: false, inert: "" },
        { parameter: "b", share: 0, low: 0, high: 0, sign: 0, between: false, inert: name },
      ],
    },
    selected: "",
    dark: true,
  });
  await frame();
  expect(document.querySelector("img")).toBeNull();
  expect(document.body.textContent).toContain(name);
  chart.destroy();
});

it("says the first in words, and tables all", () => {
  expect(say(data)).toMatch(
    /^Importance from 10 runs; with caution: .*; lr0 explains 3\d % \(.*\); larger is better/,
  );
  expect(rows(data).rows).toHaveLength(data.importance.rows.length);
});

it("does not draw what is not known as if it were measured", async () => {
  const nothing = { parameter: "lr0", share: 0, low: 0, high: 1, sign: 0, between: false, inert: "" };
  const found = { importance: { runs: 3, caution: "too few runs", rows: [nothing] }, selected: "", dark: false };
  const chart = importance(document.body, { onSelect: () => undefined });
  chart.update(found);
  await frame();
  const button = document.querySelector("button");
  expect(button?.textContent).toBe("lr0?");
  expect(button?.title).toBe("lr0: not known");
  expect(rows(found).rows[0]?.[1]).toBe("not known");
  chart.destroy();
});

it("says where the best is, as a sign with its meaning and in words", async () => {
  const row = (parameter: string, sign: number, between: boolean) => ({ parameter, share: 0.3, low: 0.2, high: 0.4, sign, between, inert: "" });
  const found = {
    importance: { runs: 40, caution: "", rows: [row("lr0", 0.4, true), row("momentum", 0.8, false), row("optimizer", 0, false)] }, selected: "", dark: false,
  };
  const chart = importance(document.body, { onSelect: () => undefined });
  chart.update(found);
  await frame();
  expect(document.body.textContent).toContain("from 40 runs · ↗ larger is better · ↕ best in between");
  expect([...document.querySelectorAll("button")].map((button) => button.textContent?.at(-1))).toEqual(["↕", "↗", "·"]);
  const spoken = [...document.querySelectorAll("button")].map((button) => button.getAttribute("aria-description")?.split("; ")[1]);
  expect(spoken).toEqual(["best in between", "larger is better", "neither larger nor smaller is better"]);
  expect(rows(found).rows[0]?.[4]).toBe("best in between");
  chart.destroy();
});
