/**
 * Parallel coordinates: an axis a column, a line a run.
 *
 * No well-kept package has log and categorical axes, reordering, several brushes an axis and a
 * keyboard, so this is our own. Runs left out by filters lie on one
 * canvas, which a brush does not change; those kept are painted on a second one, best first; axes,
 * brushes and the few highlighted runs are SVG above both. The chart keeps no state of its own but
 * what the pointer holds: brushes, order and flips are told to the callbacks and come back as data.
 */

import type { Board, Brush, Brushes, Chart, Column, DataTable, Shown } from "../types";
import { crossings, layout, nearest, NEAREST, reordered, type Axis, type Layout } from "./axes";
import {
  begun,
  dragged,
  drawn,
  hit,
  keyStep,
  merged,
  replaced,
  toggled,
  without,
  worded,
  type Grip,
  type Hit,
} from "./axes-brush";
import { inks } from "./colour";
import { changes, untouched, type Seen, type View } from "./parallel-changes";
import { cursorOf, overlayOf } from "./parallel-overlay";
import { inHurry, pixelRatio, whenSized } from "./frames";
import { hairline, line, onFrame, surface, word, type Pixels } from "./raster";
import { leisure } from "../leisure";
import { frontSvg, set, svg } from "./svg";
import { moment } from "../format";

export interface ParallelData {
  /** In the order shown. */
  readonly columns: readonly Column[];
  readonly flipped: ReadonlySet<string>;
  /** Runs: the first `n` values of each column. */
  readonly n: number;
  readonly brushes: Brushes;
  readonly shown: Shown;
  readonly title: string;
  /** What runs really had, where that is not what is drawn: column → row → value. */
  readonly effective?: Board["effective"];
}

export interface ParallelCallbacks {
  /** A row, or -1. */
  onHover(row: number): void;
  /** A run was clicked. */
  onPick(row: number, event: MouseEvent): void;
  /** All ranges of a column; none clears it. Called while a brush is dragged, too. */
  onBrush(column: string, brush: Brush): void;
  /** Clear every brush. */
  onClear(): void;
  onOrder(names: readonly string[]): void;
  onFlip(column: string): void;
  onHide(column: string): void;
  /** What a run is called, beside the pointer. */
  label?(row: number): string;
}

const HEIGHT = 340;
const REACH = 12;
/** So few lines are drawn with soft edges at once. */
const FEW = 150;
/** From so many on lines stay hairlines: nobody can tell. In between hairlines come first. */
const CROWD = 3000;
/** Milliseconds without a change before the finer lines, which other charts' first ones precede. */
const QUIET = 120;
/** Runs drawn together. */
const CHUNK = 16;
const NO_BRUSH: Brush = [];
const NONE = { layout: false, runs: false, dark: false };
const KEYS =
  "Arrow left or right moves the axis, F flips it, H hides it. " +
  "B makes a brush or goes to the next one, arrow up or down moves it, " +
  "with Shift its upper end, with Alt its lower end. Delete clears.";

type Gesture =
  | {
      readonly kind: "brush";
      readonly name: string;
      readonly base: Brush;
      /** Place in `base`, or -1 for a new one. */
      readonly part: number;
      readonly grip: Grip;
      readonly from: number;
      readonly shift: boolean;
      /** What there was before it began. */
      readonly before: Brush;
      now: Brush;
      moved: boolean;
    }
  | {
      readonly kind: "title";
      readonly name: string;
      readonly from: number;
      x: number;
      moved: boolean;
    }
  | { readonly kind: "press"; readonly x: number; readonly y: number; readonly hit: Hit };

/** One sentence for screen readers. */
export function describe(data: ParallelData): string {
  const { n, shown, columns, brushes } = data;
  let kept = 0;
  for (let row = 0; row < n; row++) kept += shown.kept[row] ? 1 : 0;
  const brushed = columns
    .filter((column) => brushes.get(column.name)?.length)
    .map((column) => column.label);
  const filters = brushed.length ? `, brushed: ${brushed.join(", ")}` : "";
  return `${kept} of ${n} runs over ${columns.length} axes${filters}`;
}

/** The table behind the chart: the runs kept, best first. */
export function rows(data: ParallelData): DataTable {
  return {
    columns: ["run", ...data.columns.map((column) => column.label)],
    rows: [...bestFirst(data)].map((row) => [
      row + 1,
      ...data.columns.map((one) => cell(one, row)),
    ]),
  };
}

function cell(column: Column, row: number): string | number | null {
  const value = column.values[row] ?? NaN;
  if (Number.isNaN(value)) return null;
  if (column.kind === "category") return column.categories[value] ?? null;
  return column.kind === "time" ? moment(value) : value;
}

export function parallel(element: HTMLElement, callbacks: ParallelCallbacks): Chart<ParallelData> {
  const scroll = html("div", {
    position: "absolute",
    inset: "0",
    overflowX: "auto",
    overflowY: "hidden",
  });
  const stage = html("div", { position: "relative" });
  const live = html("div", HIDDEN);
  live.setAttribute("aria-live", "polite");
  const keys = html("div", HIDDEN);
  keys.id = `parallel-keys-${++made}`;
  keys.textContent = KEYS;
  const faint = surface(canvas());
  const lines = surface(canvas());
  const drawing = svg("svg");
  drawing.setAttribute("role", "group");
  Object.assign(drawing.style, {
    position: "absolute",
    inset: "0",
    display: "block",
    userSelect: "none",
  });
  const touch = html("div", { position: "absolute", inset: "0", pointerEvents: "none" });
  const front = frontSvg();
  const overlay = overlayOf(drawing, front, touch, keys.id);
  stage.append(faint.canvas, lines.canvas, drawing, front, touch);
  scroll.append(stage);
  const more = html("div", {});
  more.className = "more-aside";
  more.textContent = "→";
  more.ariaHidden = "true";
  more.hidden = true;
  element.append(scroll, more, live, keys);
  if (getComputedStyle(element).position === "static") element.style.position = "relative";
  if (element.clientHeight < 120) element.style.minHeight = `${HEIGHT}px`;

  let data: ParallelData | null = null;
  let room: { readonly width: number; readonly height: number } | null = null;
  let seen: Seen | null = null;
  let viewed: View | null = null;
  let described: Brushes | null = null;
  let plan: Layout | null = null;
  let bar = 0;
  let places = new Float32Array(0);
  let keptRows = new Uint32Array(0);
  let faintFresh = false;
  let slid = false;
  let finer: ReturnType<typeof setTimeout> | undefined;
  let job = 0;
  let gesture: Gesture | null = null;
  let pointer: { x: number; y: number } | null = null;
  let editing: { readonly name: string; part: number } | null = null;
  let say: (() => string) | null = null;
  let hovered = -1;

  const frame = onFrame(draw);
  // Measured when it changed: asked for in a frame, a size has the browser lay out what changed so far.
  const measure = (): void => {
    room = null;
    frame.ask();
  };
  const unmeasured = whenSized(element, measure);
  globalThis.addEventListener("resize", measure);

  /** That there is more to the right is to be seen without a scrollbar, too. */
  function edge(): void {
    more.hidden = !room || !plan || scroll.scrollLeft + room.width >= plan.width - 4;
  }
  scroll.addEventListener("scroll", edge, { passive: true });

  function brushOf(name: string): Brush {
    return data?.brushes.get(name) ?? NO_BRUSH;
  }

  function ordered(given: ParallelData): readonly Column[] {
    if (gesture?.kind !== "title" || !gesture.moved) return given.columns;
    const names = reordered(
      given.columns.map((column) => column.name),
      gesture.name,
      placeOfDragged(given),
    );
    const byName = new Map(given.columns.map((column) => [column.name, column]));
    return names.flatMap((name) => byName.get(name) ?? []);
  }

  /** Where the axis under the pointer would be dropped. */
  function placeOfDragged(given: ParallelData): number {
    const held = gesture;
    if (held?.kind !== "title" || !plan) return 0;
    const first = plan.axes.find((axis) => axis.column.name !== held.name)?.x ?? 0;
    const start = plan.axes[0]?.column.name === held.name ? first - plan.gap : first;
    const place = Math.round((held.x - start) / Math.max(1, plan.gap));
    return Math.min(given.columns.length - 1, Math.max(0, place));
  }

  function draw(): void {
    if (!data || !element.isConnected) return;
    let resized = room === null;
    room ??= { width: element.clientWidth, height: Math.max(120, element.clientHeight) };
    const { width, height } = room;
    if (width < 2) return;
    const columns = ordered(data);
    const { shown, flipped, n } = data;
    const ratio = pixelRatio();
    const view = { columns, flipped, n, shown, width, height: height - bar, ratio };
    const compared = seen && untouched(viewed, view) ? { seen, changes: NONE } : changes(seen, view);
    const changed = compared.changes;
    seen = compared.seen;
    viewed = view;
    if (changed.layout || !plan) {
      const apart = inHurry() ? 0 : NEAREST; // paper is not scrolled
      plan = layout({ columns, flipped, n, width, height: height - bar, apart });
      const stride = plan.axes.length;
      if (places.length !== data.n * stride) places = new Float32Array(data.n * stride);
      for (const [index, axis] of plan.axes.entries()) {
        crossings(axis, data.n, plan.none, places, stride, index);
      }
      stage.style.width = `${plan.width}px`;
      stage.style.height = `${plan.height}px`;
      faint.resize(plan.width, plan.height);
      lines.resize(plan.width, plan.height);
      for (const node of [drawing, front]) set(node, { width: plan.width, height: plan.height });
      faintFresh = false;
      resized = true;
    }
    const placed = withDragged(plan);
    const sliding = placed !== plan;
    if (changed.layout || changed.runs || sliding || slid) {
      keptRows = bestFirst(data);
      paintRuns(data, placed, sliding);
    }
    overlay.draw({
      data,
      plan: placed,
      places,
      keptRows,
      pointer,
      editing,
      relaid: changed.layout || sliding || slid || changed.dark,
      recounted: changed.layout || changed.runs,
      label: callbacks.label,
    });
    slid = sliding;
    if (changed !== NONE || described !== data.brushes)
      drawing.setAttribute("aria-label", `${data.title}: ${describe(data)}`);
    described = data.brushes;
    if (say) {
      live.textContent = say();
      say = null;
    }
    if (resized) sides(plan, width);
  }

  /** Not in each frame: to ask has the browser lay out all that changed so far. */
  function sides(laid: Layout, width: number): void {
    edge();
    // A bar below the axes takes its room from them, not from the page: where it came or went with this layout, once more.
    const after = laid.width > width ? scroll.offsetHeight - scroll.clientHeight : 0;
    if (after === bar) return;
    bar = after;
    frame.ask();
  }

  function withDragged(given: Layout): Layout {
    if (gesture?.kind !== "title" || !gesture.moved) return given;
    const { name, x } = gesture;
    return {
      ...given,
      axes: given.axes.map((axis) =>
        axis.column.name === name ? { ...axis, x, titleX: axis.titleX + x - axis.x } : axis,
      ),
    };
  }

  function paintRuns(given: ParallelData, placed: Layout, sliding: boolean): void {
    const { shown, n } = given;
    const xs = placed.axes.map((axis) => axis.x);
    const rows = keptRows;
    const { ratio } = lines;
    const { colours } = shown;
    const now = places;
    const paint = (width: number) => {
      const chunks = Math.ceil(rows.length / CHUNK);
      lines.paint(
        chunks,
        (target, chunk) => {
          runs(
            target,
            xs,
            now,
            rows.subarray(chunk * CHUNK, (chunk + 1) * CHUNK),
            colours,
            width,
            ratio,
          );
        },
        width > 0 && rows.length > FEW,
      );
    };
    clearTimeout(finer);
    job++;
    if (rows.length <= FEW) {
      paint(thickness(rows.length) * ratio);
    } else {
      paint(0);
      if (rows.length <= CROWD) {
        const mine = job;
        finer = setTimeout(() => {
          void leisure().then(() => mine === job && paint(thickness(rows.length) * ratio));
        }, QUIET);
      }
    }
    if (rows.length === n || sliding) {
      // Nothing is left out, or all is moving: an empty ground.
      if (faintFresh || sliding) faint.paint(0, () => undefined);
      faintFresh = false;
    } else if (!faintFresh) {
      const colour = inks(shown.dark).faint;
      const every = Uint32Array.from({ length: n }, (_, row) => row);
      const flat = new Uint32Array(n).fill(colour);
      faint.paint(Math.ceil(n / CHUNK), (target, chunk) => {
        runs(
          target,
          xs,
          now,
          every.subarray(chunk * CHUNK, (chunk + 1) * CHUNK),
          flat,
          0,
          faint.ratio,
        );
      });
      faintFresh = true;
    }
  }

  function rowAt(x: number, y: number): number {
    return plan ? nearest(plan.axes, places, keptRows, x, y, REACH) : -1;
  }

  function hover(row: number): void {
    if (row === hovered) return;
    hovered = row;
    callbacks.onHover(row);
  }

  function place(event: MouseEvent): { x: number; y: number } {
    const box = drawing.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function under(event: PointerEvent): Hit {
    const { x, y } = place(event);
    return plan ? hit(plan, brushOf, x, y, event.pointerType !== "mouse") : { kind: "plot" };
  }

  function nameOf(found: Hit): string {
    return found.kind === "plot" ? "" : (plan?.axes[found.axis]?.column.name ?? "");
  }

  function axisOf(name: string): Axis | undefined {
    return plan?.axes.find((axis) => axis.column.name === name);
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !plan || gesture) return;
    const found = under(event);
    const { x, y } = place(event);
    const name = nameOf(found);
    if (found.kind === "axis" || found.kind === "brush") {
      gesture = brushing(name, y, event.shiftKey, found.kind === "brush" ? found : null);
    } else if (found.kind === "title") {
      gesture = { kind: "title", name, from: x, x: axisOf(name)?.x ?? x, moved: false };
    } else {
      gesture = { kind: "press", x, y, hit: found };
    }
    if (name) overlay.focus(name, true);
    if (gesture?.kind !== "press") stage.setPointerCapture(event.pointerId);
    // Keeps the mouse from selecting text and from taking the focus away again.
    event.preventDefault();
  });

  stage.addEventListener("pointermove", (event) => {
    const at = place(event);
    pointer = at;
    const held = gesture?.kind === "press" ? gesture : null;
    const sign = held?.hit.kind === "flip" || held?.hit.kind === "hide";
    if (held && sign && at.y - held.y > 6 && at.y - held.y > Math.abs(at.x - held.x)) {
      // From the signs above an axis down along it: no click, but a brush from the axis' end.
      gesture = brushing(nameOf(held.hit), held.y, event.shiftKey, null);
      stage.setPointerCapture(event.pointerId);
    }
    if (gesture?.kind === "brush") moveBrush(gesture, at.y);
    else if (gesture?.kind === "title") moveTitle(gesture, at.x, event.clientX);
    else if (event.pointerType === "mouse") {
      const found = under(event);
      stage.style.cursor = cursorOf(found, hovered);
      overlay.point(nameOf(found));
      hover(found.kind === "plot" || found.kind === "axis" ? rowAt(at.x, at.y) : -1);
    }
    frame.ask();
  });

  function brushing(
    name: string,
    from: number,
    shift: boolean,
    found: (Hit & { kind: "brush" }) | null,
  ): Gesture & { kind: "brush" } {
    const grabbed = shift ? null : found;
    return {
      kind: "brush",
      name,
      from,
      shift,
      moved: false,
      base: grabbed || shift ? brushOf(name) : [],
      part: grabbed?.part ?? -1,
      grip: grabbed?.grip ?? "body",
      before: brushOf(name),
      now: brushOf(name),
    };
  }

  function moveBrush(held: Gesture & { kind: "brush" }, y: number): void {
    if (!held.moved && Math.abs(y - held.from) < 3) return;
    const axis = axisOf(held.name);
    if (!axis) return;
    held.moved = true;
    const old = held.base[held.part];
    held.now = old
      ? replaced(held.base, held.part, dragged(axis.scale, old, held.grip, y - held.from))
      : [...held.base, drawn(axis.scale, held.from, y)];
    hover(-1);
    callbacks.onBrush(held.name, held.now);
  }

  function moveTitle(held: Gesture & { kind: "title" }, x: number, clientX: number): void {
    if (!held.moved && Math.abs(x - held.from) < 4) return;
    held.moved = true;
    held.x = x;
    hover(-1);
    // Beyond the visible part: the stage follows.
    const box = scroll.getBoundingClientRect();
    if (clientX < box.left + 24) scroll.scrollLeft -= 12;
    else if (clientX > box.right - 24) scroll.scrollLeft += 12;
  }

  stage.addEventListener("pointerup", (event) => {
    const held = gesture;
    gesture = null;
    if (!held || !data) return;
    if (held.kind === "brush") endBrush(held);
    else if (held.kind === "title" && held.moved) {
      gesture = held;
      const names = ordered(data).map((column) => column.name);
      gesture = null;
      callbacks.onOrder(names);
      say = () => movedWords(held.name);
    } else if (held.kind === "press") endPress(held, event);
    frame.ask();
  });

  function endBrush(held: Gesture & { kind: "brush" }): void {
    const axis = axisOf(held.name);
    if (!axis) return;
    const { before } = held;
    let next: Brush = merged(held.now);
    if (!held.moved) {
      const pointed =
        axis.column.kind === "category" ? Math.round(axis.scale.invert(held.from)) : -1;
      const real = pointed >= 0 && pointed < axis.column.categories.length;
      if (real && (held.shift || !before.length)) next = toggled(before, pointed);
      else if (held.shift) return;
      else next = [];
    }
    editing = null;
    if (next.length || before.length) callbacks.onBrush(held.name, next);
    announce(held.name);
  }

  function endPress(held: Gesture & { kind: "press" }, event: PointerEvent): void {
    const { x, y } = place(event);
    if (Math.hypot(x - held.x, y - held.y) > 6) return;
    if (held.hit.kind === "flip") callbacks.onFlip(nameOf(held.hit));
    else if (held.hit.kind === "hide") callbacks.onHide(nameOf(held.hit));
    else if (held.hit.kind === "plot") {
      const row = rowAt(x, y);
      const touched = event.pointerType !== "mouse";
      // A first tap shows the run, as a mouse would by pointing at it; a second one picks it.
      if (row >= 0 && (!touched || row === hovered)) callbacks.onPick(row, event);
      if (touched) hover(row);
    }
  }

  stage.addEventListener("pointercancel", () => {
    // The browser took the touch for scrolling: as if it had not been.
    const held = gesture;
    gesture = null;
    if (held?.kind === "brush" && held.moved) callbacks.onBrush(held.name, held.before);
    frame.ask();
  });
  stage.addEventListener("pointerleave", (event) => {
    if (gesture || event.pointerType !== "mouse") return;
    pointer = null;
    overlay.point("");
    hover(-1);
    frame.ask();
  });
  stage.addEventListener("dblclick", (event) => {
    event.preventDefault();
    callbacks.onClear();
    say = () => "All brushes cleared";
    frame.ask();
  });

  function announce(name: string): void {
    say = () => {
      const axis = axisOf(name);
      if (!axis || !data) return "";
      const brush = brushOf(name);
      const what = brush.length ? worded(axis, brush) : "no brush";
      return `${axis.column.label}: ${what}. ${describe(data)}`;
    };
    frame.ask();
  }

  function movedWords(name: string): string {
    const index = data?.columns.findIndex((column) => column.name === name) ?? -1;
    const label = data?.columns[index]?.label ?? "";
    return index < 0 ? "" : `${label} is axis ${index + 1} of ${data?.columns.length ?? 0}`;
  }

  drawing.addEventListener("keydown", (event) => {
    const name = overlay.focused();
    const axis = axisOf(name);
    if (!axis || !data || event.ctrlKey || event.metaKey) return;
    if (!key(event, name, axis, data)) return;
    event.preventDefault();
    event.stopPropagation();
    frame.ask();
  });

  function key(event: KeyboardEvent, name: string, axis: Axis, given: ParallelData): boolean {
    const names = given.columns.map((column) => column.name);
    const at = names.indexOf(name);
    const brush = brushOf(name);
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const to = at + (event.key === "ArrowLeft" ? -1 : 1);
        if (to < 0 || to >= names.length) return true;
        callbacks.onOrder(reordered(names, name, to));
        say = () => movedWords(name);
        return true;
      }
      case "f":
        callbacks.onFlip(name);
        say = () => `${axis.column.label} is ${data?.flipped.has(name) ? "" : "not "}flipped`;
        return true;
      case "h":
        overlay.focus(names[at + 1] ?? names[at - 1] ?? "");
        callbacks.onHide(name);
        say = () => `${axis.column.label} is hidden`;
        return true;
      case "b":
      case "B": {
        if (brush.length && !event.shiftKey) {
          const next = editing?.name === name ? (editing.part + 1) % brush.length : 0;
          editing = { name, part: next };
        } else {
          editing = { name, part: brush.length };
          callbacks.onBrush(name, [...brush, begun(axis.scale)]);
        }
        announce(name);
        return true;
      }
      case "ArrowUp":
      case "ArrowDown": {
        const part = editing?.name === name ? editing.part : brush.length ? 0 : -1;
        const range = brush[part];
        if (!range) return false;
        editing = { name, part };
        const grip: Grip = event.shiftKey ? "upper" : event.altKey ? "lower" : "body";
        const by = keyStep(axis.scale) * (event.key === "ArrowUp" ? -1 : 1);
        callbacks.onBrush(name, replaced(brush, part, dragged(axis.scale, range, grip, by)));
        announce(name);
        return true;
      }
      case "Delete":
      case "Backspace": {
        if (!brush.length) return false;
        const one = editing?.name === name && brush.length > 1;
        callbacks.onBrush(name, one ? without(brush, editing?.part ?? 0) : []);
        editing = null;
        announce(name);
        return true;
      }
      case "Escape": {
        if (editing?.name !== name) return false;
        editing = null;
        return true;
      }
      default:
        return false;
    }
  }

  return {
    update(next) {
      data = next;
      hovered = next.shown.hover;
      frame.ask();
    },
    destroy() {
      frame.cancel();
      clearTimeout(finer);
      job++;
      faint.cancel();
      lines.cancel();
      unmeasured();
      globalThis.removeEventListener("resize", measure);
      scroll.remove();
      live.remove();
      keys.remove();
    },
  };
}

let made = 0;
const HIDDEN = {
  position: "absolute",
  width: "1px",
  height: "1px",
  overflow: "hidden",
  clipPath: "inset(50%)",
  whiteSpace: "nowrap",
} as const;

/** Fewer runs, stronger lines: each keeps about the same share of the ground. */
export function thickness(count: number): number {
  return Math.min(1.5, Math.max(0.6, 14 / Math.sqrt(Math.max(1, count))));
}

/**
 * Some runs, through all axes: gap by gap, since the pixels of one gap stay in the processor's
 * cache. `width` 0 is a hairline.
 */
function runs(
  target: Pixels,
  xs: readonly number[],
  places: Float32Array,
  rows: Uint32Array,
  colours: Uint32Array,
  width: number,
  ratio: number,
): void {
  const stride = xs.length;
  for (let index = stride === 1 ? 0 : 1; index < stride; index++) {
    const single = stride === 1;
    const from = single ? ((xs[0] ?? 0) - 12) * ratio : (xs[index - 1] ?? 0) * ratio;
    const to = single ? ((xs[0] ?? 0) + 12) * ratio : (xs[index] ?? 0) * ratio;
    for (const row of rows) {
      const at = row * stride + index;
      const start = (places[single ? at : at - 1] ?? NaN) * ratio;
      const end = (places[at] ?? NaN) * ratio;
      const colour = word(colours[row] ?? 0);
      if (width > 0) line(target, from, start, to, end, colour, width);
      else hairline(target, from, start, to, end, colour);
    }
  }
}

/** Rows that are kept, those drawn on top first. */
function bestFirst({ shown, n }: ParallelData): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(shown.order.length);
  let count = 0;
  for (let i = shown.order.length - 1; i >= 0; i--) {
    const row = shown.order[i] ?? 0;
    if (row < n && shown.kept[row]) rows[count++] = row;
  }
  return rows.slice(0, count);
}

function html(name: "div", style: Partial<CSSStyleDeclaration>): HTMLDivElement {
  const node = document.createElement(name);
  Object.assign(node.style, style);
  return node;
}

function canvas(): HTMLCanvasElement {
  const node = document.createElement("canvas");
  Object.assign(node.style, { position: "absolute", inset: "0", pointerEvents: "none" });
  node.setAttribute("aria-hidden", "true");
  return node;
}
