import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { follow, go } from "../router";
import { syntheticBoard } from "../testing/synthetic";
import type { Board, Curves } from "../types";
import { Selection } from "./selection";
import { bind, viewOf, written, type View } from "./url";

const VIEW: View = {
  brushes: new Map([["lr0", [[0.001, 0.01], [0.05, 0.1]]], ["a,b&c=~%", [[0, 2]]]]), filter: 'value > 0.7 and x = "a&b"', top: 20, afterwards: true,
  colourBy: "optimizer", metric: "val/loss", step: 30, chosen: ["a", "b,c"], axes: ["lr0", "100%", "x,y"], flipped: new Set(["lr0"]),
  parameter: "lr0", sort: { by: "val/loss.min", down: false },
};

test("a view is the same after a way through the address", () => {
  expect(viewOf(new URLSearchParams(written(VIEW).toString()))).toEqual(VIEW);
});

test("the usual view has no address of its own", () => {
  expect(written(viewOf(new URLSearchParams())).toString()).toBe("");
});

test("an address that people broke gives what can be read of it", () => {
  const view = viewOf(new URLSearchParams("b.lr0=x~y,1~2,3&b.q=&top=-4&step=high&axes=%25E0&sort=lr0"));
  expect([...view.brushes]).toEqual([["lr0", [[1, 2]]]]);
  expect(view.top).toBeNull();
  expect(view.step).toBeNull();
  expect(view.axes).toEqual(["%E0"]);
  expect(view.sort.by).toBe("");
});

beforeEach(() => {
  vi.useFakeTimers();
  history.replaceState(null, "", "/sweeps/s");
});
afterEach(() => vi.useRealTimers());

function selected(): Selection {
  return new Selection({
    board: signal<Board | null>(syntheticBoard({ runs: 20 })), version: signal(1), curves: signal<Curves | null>(null), curvesVersion: signal(1),
    dark: signal(false),
  });
}

test("what is selected comes into the address when it has settled, and the back button undoes it", () => {
  const stopFollowing = follow();
  const selection = selected();
  const unbind = bind(selection, { view: "sweep", id: "s" });
  const entries = history.length;
  for (const low of [0.7, 0.71, 0.72]) {
    selection.brush("momentum", [[low, 0.9]]);
    vi.advanceTimersByTime(50);
  }
  vi.advanceTimersByTime(1000);
  expect(location.search).toBe("?b.momentum=0.72%7E0.9");
  expect(history.length).toBe(entries + 1);
  history.replaceState(null, "", "/sweeps/s");
  dispatchEvent(new PopStateEvent("popstate"));
  expect(selection.brushes.value.size).toBe(0);
  unbind();
  stopFollowing();
});

test("what was selected a moment before the page is left is in the address that one comes back to", () => {
  const stopFollowing = follow();
  dispatchEvent(new PopStateEvent("popstate"));
  const selection = selected();
  const unbind = bind(selection, { view: "sweep", id: "s" });
  const entries = history.length;
  const pushed = vi.spyOn(history, "pushState");
  selection.brush("momentum", [[0.7, 0.9]]);
  go("/runs/r");
  unbind();
  vi.advanceTimersByTime(1000);
  expect(pushed.mock.calls.map(([, , url]) => url)).toEqual(["/sweeps/s?b.momentum=0.7%7E0.9", "/runs/r"]);
  expect(history.length).toBe(entries + 2);
  expect(location.pathname).toBe("/runs/r");
  pushed.mockRestore();
  stopFollowing();
});

test("while the pointer is down nothing comes into the address", () => {
  const selection = selected();
  const unbind = bind(selection, { view: "sweep", id: "s" });
  dispatchEvent(new Event("pointerdown"));
  selection.brush("momentum", [[0.7, 0.9]]);
  vi.advanceTimersByTime(5000);
  expect(location.search).toBe("");
  dispatchEvent(new Event("pointerup"));
  vi.advanceTimersByTime(1000);
  expect(location.search).toBe("?b.momentum=0.7%7E0.9");
  unbind();
});

test("an address that is opened selects what it says", () => {
  history.replaceState(null, "", "/sweeps/s?q=optimizer+%3D+SGD&pick=r000003");
  const stopFollowing = follow();
  dispatchEvent(new PopStateEvent("popstate"));
  const selection = selected();
  const unbind = bind(selection, { view: "sweep", id: "s" });
  expect(selection.filter.value).toBe("optimizer = SGD");
  expect([...selection.chosen.value]).toEqual([2]);
  unbind();
  stopFollowing();
});

test("a brush's ends are in the address with all their digits", () => {
  const view = viewOf(new URLSearchParams("b.lr0=0.00123456789012345~0.1"));
  expect(viewOf(written(view)).brushes.get("lr0")).toEqual([[0.00123456789012345, 0.1]]);
});
