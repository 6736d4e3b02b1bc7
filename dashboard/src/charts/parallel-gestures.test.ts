import { afterEach, beforeEach, expect, test } from "vitest";

import { syntheticBoard } from "../testing/synthetic";
import type { Brush } from "../types";
import { coloursOf, worstFirst } from "./colour";
import { parallel, type ParallelData } from "./parallel";

/** A page around the chart, as small as can be: what the chart says becomes its next data. */
class Page {
  readonly element = document.createElement("div");
  readonly brushes = new Map<string, Brush>();
  readonly hovered: number[] = [];
  readonly picked: number[] = [];
  names: readonly string[];
  flipped = new Set<string>();
  cleared = 0;
  private readonly board = syntheticBoard({ runs: 60, epochs: 5 });
  private readonly chart;

  constructor() {
    this.names = ["lr0", "momentum", "optimizer", "value"];
    Object.defineProperties(this.element, {
      clientWidth: { value: 600 },
      clientHeight: { value: 300 },
    });
    document.body.append(this.element);
    this.chart = parallel(this.element, {
      onHover: (row) => this.hovered.push(row),
      onPick: (row) => this.picked.push(row),
      onBrush: (name, brush) => {
        this.brushes.set(name, brush);
        this.update();
      },
      onClear: () => {
        this.cleared++;
        this.brushes.clear();
        this.update();
      },
      onOrder: (names) => {
        this.names = names;
        this.update();
      },
      onFlip: (name) => {
        if (!this.flipped.delete(name)) this.flipped.add(name);
        this.update();
      },
      onHide: (name) => {
        this.names = this.names.filter((other) => other !== name);
        this.update();
      },
    });
    this.update();
  }

  update(): void {
    const { board } = this;
    const value = board.columns.get("value");
    if (!value) throw new Error("no objective");
    const data: ParallelData = {
      columns: this.names.flatMap((name) => board.columns.get(name) ?? []),
      flipped: new Set(this.flipped),
      n: board.n,
      brushes: new Map(this.brushes),
      title: "cones",
      shown: {
        kept: new Uint8Array(board.n).fill(1),
        order: worstFirst(value.values, board.n, "maximize"),
        colours: coloursOf(value, board.n, "maximize", false),
        hover: this.hovered.at(-1) ?? -1,
        best: board.head.best,
        baseline: 0,
        chosen: new Set(),
        dark: false,
      },
    };
    this.chart.update(data);
  }

  axes(): SVGGElement[] {
    return [...this.element.querySelectorAll<SVGGElement>('g[aria-roledescription="axis"]')];
  }

  axis(name: string): SVGGElement {
    const found = this.axes().find((axis) => axis.getAttribute("aria-label")?.startsWith(name));
    if (!found) throw new Error(`no axis ${name}`);
    return found;
  }

  x(name: string): number {
    return Number(this.axis(name).querySelector("line")?.getAttribute("x1"));
  }

  ends(): [number, number] {
    const rule = this.axes()[0]?.querySelector("line");
    return [Number(rule?.getAttribute("y1")), Number(rule?.getAttribute("y2"))];
  }

  async press(key: string, more: KeyboardEventInit = {}): Promise<void> {
    const target = document.activeElement ?? this.element;
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
    await frame();
  }

  async pointer(type: string, x: number, y: number, more: PointerEventInit = {}): Promise<void> {
    const stage = this.element.querySelector("svg")?.parentElement;
    const where = { clientX: x, clientY: y, pointerType: "mouse", pointerId: 1, bubbles: true };
    stage?.dispatchEvent(new PointerEvent(type, { ...where, ...more }));
    await frame();
  }

  async drag(x: number, from: number, to: number, more: PointerEventInit = {}): Promise<void> {
    await this.pointer("pointerdown", x, from, more);
    await this.pointer("pointermove", x, (from + to) / 2, more);
    await this.pointer("pointermove", x, to, more);
    await this.pointer("pointerup", x, to, more);
  }

  end(): void {
    this.chart.destroy();
    this.element.remove();
  }
}

function frame(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
  });
}

let page: Page;

beforeEach(async () => {
  // Neither a screen nor a pointer is here to be captured.
  HTMLElement.prototype.setPointerCapture ??= () => undefined;
  page = new Page();
  await frame();
});

afterEach(() => page.end());

test("every axis can be reached by keyboard and says what it is", () => {
  expect(page.axes().map((axis) => axis.getAttribute("tabindex"))).toEqual(["0", "0", "0", "0"]);
  expect(page.axis("lr0").getAttribute("aria-label")).toBe(
    "lr0, 1e-4 to 0.1, logarithmic, axis 1 of 4, no brush",
  );
});

test("arrow keys move an axis, and the keyboard stays with it", async () => {
  page.axis("lr0").focus();
  await page.press("ArrowRight");
  await page.press("ArrowRight");
  expect(page.names).toEqual(["momentum", "optimizer", "lr0", "value"]);
  expect(document.activeElement).toBe(page.axis("lr0"));
  await page.press("ArrowLeft");
  expect(page.names).toEqual(["momentum", "lr0", "optimizer", "value"]);
  expect(page.element.querySelector("[aria-live]")?.textContent).toBe("lr0 is axis 2 of 4");
});

test("an axis at the end stays there", async () => {
  page.axis("lr0").focus();
  await page.press("ArrowLeft");
  expect(page.names[0]).toBe("lr0");
});

test("keys make a brush, move it, change its ends and clear it", async () => {
  page.axis("momentum").focus();
  await page.press("b");
  const [made] = page.brushes.get("momentum") ?? [];
  await page.press("ArrowUp");
  const [moved] = page.brushes.get("momentum") ?? [];
  expect(moved?.[0]).toBeGreaterThan(made?.[0] ?? NaN);
  await page.press("ArrowUp", { shiftKey: true });
  const [longer] = page.brushes.get("momentum") ?? [];
  expect(longer?.[0]).toBeCloseTo(moved?.[0] ?? NaN, 6);
  expect(longer?.[1]).toBeGreaterThan(moved?.[1] ?? NaN);
  await page.press("ArrowDown", { altKey: true });
  expect(page.brushes.get("momentum")?.[0]?.[0]).toBeLessThan(longer?.[0] ?? NaN);
  await page.press("B", { shiftKey: true });
  expect(page.brushes.get("momentum")?.length).toBe(2);
  await page.press("Delete");
  await page.press("Delete");
  expect(page.brushes.get("momentum")).toEqual([]);
});

test("f flips, h hides and gives the keyboard to the next axis", async () => {
  page.axis("lr0").focus();
  await page.press("f");
  expect([...page.flipped]).toEqual(["lr0"]);
  expect(page.axis("lr0").getAttribute("aria-label")).toContain("flipped");
  await page.press("h");
  expect(page.names).toEqual(["momentum", "optimizer", "value"]);
  expect(document.activeElement).toBe(page.axis("momentum"));
});

test("keys that mean nothing to an axis are left to the page", async () => {
  const heard: string[] = [];
  const listen = (event: Event) => heard.push((event as KeyboardEvent).key);
  document.addEventListener("keydown", listen);
  page.axis("lr0").focus();
  await page.press("x");
  await page.press("Escape");
  await page.press("f");
  document.removeEventListener("keydown", listen);
  expect(heard).toEqual(["x", "Escape"]);
});

test("a drag on an axis brushes it, another replaces that, with Shift it adds", async () => {
  const [top, bottom] = page.ends();
  const x = page.x("momentum");
  await page.drag(x, top + 20, top + 60);
  await page.drag(x, bottom - 20, bottom - 60);
  expect(page.brushes.get("momentum")?.length).toBe(1);
  await page.drag(x, top + 20, top + 60, { shiftKey: true });
  expect(page.brushes.get("momentum")?.length).toBe(2);
});

test("brushes that come to overlap are one when the drag ends", async () => {
  const [top] = page.ends();
  const x = page.x("momentum");
  await page.drag(x, top + 20, top + 60);
  await page.drag(x, top + 40, top + 120, { shiftKey: true });
  expect(page.brushes.get("momentum")?.length).toBe(1);
});

test("a drag of a brush moves it, of its end resizes it", async () => {
  const [top] = page.ends();
  const x = page.x("momentum");
  await page.drag(x, top + 40, top + 100);
  const [low = 0, high = 0] = page.brushes.get("momentum")?.[0] ?? [];
  await page.drag(x, top + 70, top + 100);
  const [lower = 0, less = 0] = page.brushes.get("momentum")?.[0] ?? [];
  expect(less - lower).toBeCloseTo(high - low, 2);
  expect(lower).toBeLessThan(low);
  await page.drag(x, top + 70, top + 10);
  expect(page.brushes.get("momentum")?.[0]?.[0]).toBeCloseTo(lower, 2);
  expect(page.brushes.get("momentum")?.[0]?.[1]).toBeGreaterThan(less);
});

test("a drag that begins a little above an axis or below it is a brush from its end", async () => {
  const [top, bottom] = page.ends();
  const x = page.x("momentum");
  // On its left, on the sign that flips it, on the one that hides it, and further down.
  for (const [aside, from, to] of [
    [-11, top - 10, top + 60],
    [0, top - 10, top + 60],
    [14, top - 10, top + 60],
    [0, bottom + 10, bottom - 60],
  ] as const) {
    page.brushes.clear();
    page.update();
    await page.drag(x + aside, from, to);
    const [low = 0, high = 0] = page.brushes.get("momentum")?.[0] ?? [];
    expect(high).toBeGreaterThan(low);
    expect(to > from ? high : low).toBe(to > from ? 0.98 : 0.6);
  }
  expect(page.flipped.size).toBe(0);
  await page.pointer("pointerdown", x, top - 10);
  await page.pointer("pointerup", x, top - 9);
  expect([...page.flipped]).toEqual(["momentum"]);
});

test("a click on an axis clears it, on a category takes that one", async () => {
  const [top, bottom] = page.ends();
  await page.drag(page.x("momentum"), top + 40, top + 100);
  await page.pointer("pointerdown", page.x("momentum"), bottom - 5);
  await page.pointer("pointerup", page.x("momentum"), bottom - 5);
  expect(page.brushes.get("momentum")).toEqual([]);
  await page.pointer("pointerdown", page.x("optimizer"), bottom - 12);
  await page.pointer("pointerup", page.x("optimizer"), bottom - 12);
  expect(page.brushes.get("optimizer")).toEqual([[-0.5, 0.5]]);
});

test("a touch that the browser takes for scrolling leaves the brushes as they were", async () => {
  const [top] = page.ends();
  const x = page.x("momentum");
  await page.drag(x, top + 40, top + 100);
  const before = page.brushes.get("momentum");
  const touch = { pointerType: "touch" };
  await page.pointer("pointerdown", x, top + 70, touch);
  await page.pointer("pointermove", x, top + 90, touch);
  await page.pointer("pointercancel", x, top + 90, touch);
  expect(page.brushes.get("momentum")).toEqual(before);
  await page.pointer("pointerdown", x, top + 150, touch);
  await page.pointer("pointermove", x, top + 170, touch);
  await page.pointer("pointercancel", x, top + 170, touch);
  expect(page.brushes.get("momentum")).toEqual(before);
});

test("a double click clears all", async () => {
  const [top] = page.ends();
  await page.drag(page.x("lr0"), top + 20, top + 60);
  await page.pointer("dblclick", page.x("lr0") + 40, top + 60);
  expect(page.cleared).toBe(1);
  expect(page.brushes.size).toBe(0);
});

test("a title dragged past another changes the order", async () => {
  const [first, third] = [page.x("lr0"), page.x("optimizer")];
  await page.pointer("pointerdown", first, 8);
  await page.pointer("pointermove", third - 10, 8);
  await page.pointer("pointerup", third - 10, 8);
  expect(page.names).toEqual(["momentum", "optimizer", "lr0", "value"]);
});

test("pointing at a run tells its row, leaving tells none, a click picks it", async () => {
  const [top, bottom] = page.ends();
  const x = (page.x("lr0") + page.x("momentum")) / 2;
  for (let y = top; y < bottom && !page.hovered.length; y += 4)
    await page.pointer("pointermove", x, y);
  const row = page.hovered.at(-1) ?? -1;
  expect(row).toBeGreaterThanOrEqual(0);
  page.update();
  await frame();
  const values = [...page.element.querySelectorAll("svg:last-of-type > g:last-child text")];
  expect(values.length).toBe(4);
  await page.pointer("pointerleave", x, -10);
  expect(page.hovered.at(-1)).toBe(-1);
});
