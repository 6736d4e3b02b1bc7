/**
 * What lies above the runs of parallel coordinates, as SVG: axes with ticks, titles, brushes, and
 * the few runs that stand out, with their values at the axes. Elements of an axis live as long as
 * its column is shown, so that the keyboard's focus stays while everything else moves.
 */

import type { Brush, Brushes, Shown } from "../types";
import { histogram, type Axis, type Layout } from "./axes";
import { placesOf, worded, type Hit } from "./axes-brush";
import { css, inks, mix, type Inks } from "./colour";
import type { ParallelData } from "./parallel";
import { elided, number } from "../format";
import { lay, set, svg, tenth, type Attributes, type SvgShape } from "./svg";
import { standsOut } from "./words";

const BINS = 40;
const BRUSH = 12;
/** Compared runs that get a line of their own. */
const CHOSEN = 8;

export interface Editing {
  readonly name: string;
  readonly part: number;
}

export interface Scenery {
  readonly data: ParallelData;
  readonly plan: Layout;
  readonly places: Float32Array;
  readonly keptRows: Uint32Array;
  readonly pointer: { readonly x: number; readonly y: number } | null;
  readonly editing: Editing | null;
  /** Axes moved or changed their colours. */
  readonly relaid: boolean;
  /** Other runs are kept, or they cross elsewhere. */
  readonly recounted: boolean;
  readonly label: ((row: number) => string) | undefined;
}

interface AxisNodes {
  readonly group: SVGGElement;
  /** Over the axis: a finger that goes up or down brushes, one that goes sideways scrolls. */
  readonly area: HTMLDivElement;
  /** Over the title: a finger that goes sideways drags the axis. */
  readonly head: HTMLDivElement;
  readonly ring: SVGRectElement;
  readonly rule: SVGLineElement;
  readonly counts: SVGPathElement;
  readonly ticks: SVGGElement;
  readonly brushes: SVGGElement;
  readonly title: SVGTextElement;
  readonly arrow: SVGPathElement;
  readonly hide: SVGPathElement;
}

/** What the last drawing had. */
interface Drawn extends Shown {
  readonly brushes: Brushes;
  readonly editing: Editing | null;
}

export interface Overlay {
  draw(scenery: Scenery): void;
  /** The axis that has the keyboard, or "". */
  focused(): string;
  /** `quietly`: by pointer, which needs no ring. */
  focus(name: string, quietly?: boolean): void;
  /** The axis under the pointer, or "". */
  point(name: string): void;
}

/**
 * `front` lies above `root`, and `touch` above both: browsers heed `touch-action` inside of HTML
 * alone.
 */
export function overlayOf(
  root: SVGSVGElement,
  front: SVGSVGElement,
  touch: HTMLElement,
  keys: string,
): Overlay {
  const lines = { fill: "none", "pointer-events": "none", "stroke-linejoin": "round" };
  const standing = svg("g", lines, root);
  const hovered = svg("g", lines, front);
  const axes = svg("g", {}, root);
  const above = svg("g", { "font-size": 10.5 }, front);
  standing.setAttribute("aria-hidden", "true");
  const nodes = new Map<string, AxisNodes>();
  let pointed = "";
  let drawn: Drawn | null = null;

  function order(scenery: Scenery): void {
    const { plan } = scenery;
    const names = new Set(plan.axes.map((axis) => axis.column.name));
    for (const [name, { group, area, head }] of nodes) {
      if (names.has(name)) continue;
      for (const node of [group, area, head]) node.remove();
      nodes.delete(name);
    }
    for (const axis of plan.axes) {
      if (nodes.has(axis.column.name)) continue;
      const parts = axisNodes(keys);
      touch.append(parts.area, parts.head);
      nodes.set(axis.column.name, parts);
    }
    // Only what stands at the wrong place is moved: moving an element takes its focus away.
    const wanted = plan.axes.flatMap((axis) => nodes.get(axis.column.name)?.group ?? []);
    const active = document.activeElement;
    const anchor = wanted.findIndex((group) => group === active);
    if (anchor < 0) {
      wanted.forEach((group, index) => {
        if (axes.children[index] !== group) axes.insertBefore(group, axes.children[index] ?? null);
      });
      return;
    }
    const middle = wanted[anchor];
    for (const group of wanted.slice(0, anchor)) axes.insertBefore(group, middle ?? null);
    for (const group of wanted.slice(anchor + 1)) axes.append(group);
  }

  return {
    draw(scenery) {
      const ink = inks(scenery.data.shown.dark);
      if (scenery.relaid) {
        order(scenery);
        scenery.plan.axes.forEach((axis) => {
          const parts = nodes.get(axis.column.name);
          if (parts) drawAxis(parts, axis, scenery.plan, ink);
        });
      }
      // A pointer that moves over the runs changes nothing of the axes, nor of the other runs.
      const before = drawn;
      drawn = { ...scenery.data.shown, brushes: scenery.data.brushes, editing: scenery.editing };
      const moved = scenery.relaid || scenery.recounted;
      const brushed = before?.brushes !== drawn.brushes || before.editing !== drawn.editing;
      const active = document.activeElement;
      const all = coarse();
      scenery.plan.axes.forEach((axis, index) => {
        const parts = nodes.get(axis.column.name);
        if (!parts) return;
        if (moved) drawCounts(parts.counts, scenery, index, ink);
        if (scenery.relaid || brushed) {
          drawBrushes(parts.brushes, axis, scenery, ink);
          set(parts.group, { "aria-label": spoken(axis, index, scenery) });
        }
        const lively = pointed === axis.column.name || parts.group.contains(active);
        set(parts.hide, { opacity: lively || all ? 1 : 0 });
      });
      if (moved || standsOut(before, drawn) || before?.kept !== drawn.kept)
        lay(standing, standingRuns(scenery, ink));
      lay(hovered, hoveredRun(scenery, ink));
      lay(above, valuesOfHovered(scenery, ink));
    },
    focused() {
      for (const [name, { group }] of nodes)
        if (group.contains(document.activeElement)) return name;
      return "";
    },
    focus(name, quietly = false) {
      const parts = nodes.get(name);
      parts?.group.focus({ preventScroll: true });
      if (quietly) parts?.ring.setAttribute("visibility", "hidden");
    },
    point(name) {
      pointed = name;
    },
  };
}

const fingers = globalThis.matchMedia?.("(pointer: coarse)");

function coarse(): boolean {
  return fingers?.matches ?? false;
}

function axisNodes(keys: string): AxisNodes {
  const group = svg("g", {
    tabindex: 0,
    role: "group",
    "aria-roledescription": "axis",
    "aria-describedby": keys,
  });
  group.style.outline = "none";
  const area = strip("pan-x");
  const head = strip("pan-y");
  const parts: AxisNodes = {
    group,
    area,
    head,
    ring: svg("rect", { fill: "none", rx: 3, "stroke-width": 2, visibility: "hidden" }, group),
    counts: svg("path", { "pointer-events": "none" }, group),
    rule: svg("line", { "shape-rendering": "crispEdges", "pointer-events": "none" }, group),
    brushes: svg("g", { "pointer-events": "none" }, group),
    ticks: svg(
      "g",
      { "pointer-events": "none", "font-size": 10.5, "text-anchor": "end", ...HALO },
      group,
    ),
    title: svg(
      "text",
      { "font-size": 11.5, "font-weight": 600, "text-anchor": "middle", ...HALO },
      group,
    ),
    arrow: svg("path", { "pointer-events": "none" }, group),
    hide: svg("path", { "pointer-events": "none", fill: "none", "stroke-width": 1.5 }, group),
  };
  parts.title.style.pointerEvents = "none";
  group.addEventListener("focus", () => {
    const seen = group.matches(":focus-visible");
    parts.ring.setAttribute("visibility", seen ? "visible" : "hidden");
    if (seen) area.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  group.addEventListener("blur", () => parts.ring.setAttribute("visibility", "hidden"));
  return parts;
}

const HALO = { "paint-order": "stroke", "stroke-width": 3, "stroke-linejoin": "round" } as const;

function drawAxis(parts: AxisNodes, axis: Axis, plan: Layout, ink: Inks): void {
  const { x, column } = axis;
  const { top, bottom } = plan;
  const half = Math.min(20, (plan.gap || 40) / 3);
  put(parts.area, x - half, top - 12, 2 * half, bottom - top + 24);
  const wide = Math.max(24, axis.title.length * 6.8);
  put(parts.head, axis.titleX - wide / 2, axis.titleY - 12, wide, 16);
  set(parts.ring, {
    x: x - half,
    y: 1,
    width: 2 * half,
    height: plan.height - 2,
    stroke: css(ink.brush),
  });
  set(parts.rule, {
    x1: x,
    x2: x,
    y1: top,
    y2: bottom,
    stroke: css(column.inert ? ink.grid : ink.axis),
  });
  const ground = css(ink.ground);
  set(parts.title, {
    x: axis.titleX,
    y: axis.titleY,
    stroke: ground,
    fill: css(column.inert ? ink.muted : ink.text),
  });
  set(parts.title, {
    "font-style": column.inert ? "italic" : "normal",
    "font-weight": column.inert ? 400 : 600,
  });
  parts.title.textContent = axis.title;
  parts.head.title = [
    elided(column.label, 200),
    column.inert ? `cannot act here: ${elided(column.inert.replaceAll("`", ""), 200)}` : "",
    "drag to reorder",
  ]
    .filter(Boolean)
    .join("\n");

  // The arrow points to where the values grow.
  const y = top - 10;
  const tip = axis.flipped ? 4 : -4;
  set(parts.arrow, {
    d: `M${x - 4.5} ${y - tip}L${x + 4.5} ${y - tip}L${x} ${y + tip}Z`,
    fill: css(ink.muted),
  });
  set(parts.hide, { d: `M${x + 13} ${y - 3.5}l7 7m0 -7l-7 7`, stroke: css(ink.muted) });

  parts.ticks.replaceChildren(
    ...axis.ticks.flatMap((tick) => [
      svg("path", {
        d: `M${x - 4} ${crisp(tick.at)}H${x}`,
        stroke: css(ink.axis),
        "stroke-width": 1,
        "shape-rendering": "crispEdges",
      }),
      textNode(tick.label, { x: x - 6, y: tick.at + 3.5, fill: css(ink.text), stroke: ground }),
    ]),
    ...(!axis.missing
      ? []
      : [textNode("none", { x: x - 6, y: plan.none + 3.5, fill: css(ink.muted), stroke: ground })]),
  );
}

/** How many of the runs kept cross where, as a quiet profile beside the axis. */
function drawCounts(path: SVGPathElement, scenery: Scenery, index: number, ink: Inks): void {
  const { plan, places, keptRows } = scenery;
  const axis = plan.axes[index];
  if (!axis || keptRows.length < 8) {
    path.setAttribute("d", "");
    return;
  }
  const bins = axis.column.kind === "category" ? Math.max(1, axis.column.categories.length) : BINS;
  const counts = histogram(places, plan.axes.length, index, keptRows, plan.top, plan.bottom, bins);
  const most = Math.max(1, ...counts);
  const size = (plan.bottom - plan.top) / bins;
  const wide = Math.min(16, plan.gap * 0.2);
  let d = "";
  counts.forEach((count, bin) => {
    if (!count) return;
    // A category's runs are spread over half its step, and so is its bar.
    const gap = axis.column.kind === "category" ? size / 2 : Math.min(1, size / 6);
    const top = tenth(plan.top + bin * size + gap / 2);
    d += `M${axis.x} ${top}h${tenth((count / most) * wide)}v${tenth(size - gap)}H${axis.x}Z`;
  });
  set(path, { d, fill: css(ink.text), "fill-opacity": 0.22 });
}

function drawBrushes(group: SVGGElement, axis: Axis, scenery: Scenery, ink: Inks): void {
  const brush: Brush = scenery.data.brushes.get(axis.column.name) ?? [];
  if (!brush.length && !group.firstChild) return;
  const held = scenery.editing?.name === axis.column.name ? scenery.editing.part : -1;
  group.replaceChildren(
    ...brush.flatMap((range, part) => {
      const [upper, lower] = placesOf(axis.scale, range);
      const height = Math.max(2, lower - upper);
      const x = axis.x - BRUSH / 2;
      return [
        // The ground first: a brush on a crowd of dark lines must not drown in them.
        svg("rect", { x, y: upper, width: BRUSH, height, rx: 2, fill: css(ink.ground, 0.65) }),
        svg("rect", {
          x,
          y: upper,
          width: BRUSH,
          height,
          rx: 2,
          fill: css(ink.brush, 0.35),
          stroke: css(ink.brush),
          "stroke-width": part === held ? 2.5 : 1,
        }),
        svg("path", {
          d: `M${x} ${upper}h${BRUSH}M${x} ${upper + height}h${BRUSH}`,
          stroke: css(ink.brush),
          "stroke-width": 3,
        }),
      ];
    }),
  );
}

const DASH = "5 4";

/** Compared runs, the baseline and the best, in rising order. */
function standingRuns(scenery: Scenery, ink: Inks): readonly SvgShape[] {
  const { chosen, baseline, best } = scenery.data.shown;
  return [
    ...[...chosen].slice(0, CHOSEN).flatMap((row) => runLine(scenery, ink, row, ink.chosen, 1.75)),
    ...runLine(scenery, ink, baseline, ink.baseline, 1.5, DASH),
    ...runLine(scenery, ink, best, ink.best, 2.25),
  ];
}

function hoveredRun(scenery: Scenery, ink: Inks): readonly SvgShape[] {
  const { hover, baseline } = scenery.data.shown;
  return runLine(scenery, ink, hover, ink.hover, 2.25, hover === baseline ? DASH : "");
}

/** On a halo. */
function runLine(
  scenery: Scenery,
  ink: Inks,
  row: number,
  colour: number,
  width: number,
  dash = "",
): readonly SvgShape[] {
  const { shown, n } = scenery.data;
  if (row < 0 || row >= n) return [];
  const d = pathOf(row, scenery);
  const quiet = shown.kept[row] || row === shown.hover ? 1 : 0.35;
  return [
    {
      tag: "path",
      attributes: {
        d,
        stroke: css(ink.ground),
        "stroke-width": width + 2.5,
        "stroke-opacity": quiet < 1 ? 0 : 0.75,
      },
    },
    {
      tag: "path",
      attributes: {
        d,
        stroke: css(colour),
        "stroke-width": width,
        "stroke-opacity": quiet,
        ...(dash ? { "stroke-dasharray": dash } : {}),
      },
    },
  ];
}

/** The values of the run pointed at, beside its axes, and its name beside the pointer. */
function valuesOfHovered(scenery: Scenery, ink: Inks): readonly SvgShape[] {
  const { data, plan, places, pointer, label } = scenery;
  const row = data.shown.hover;
  if (row < 0 || row >= data.n) return [];
  const stride = plan.axes.length;
  const pills = plan.axes.flatMap((axis, index) => {
    const value = axis.column.values[row] ?? NaN;
    const ran = data.effective?.get(axis.column.name)?.get(row);
    const really = ran === undefined ? "" : ` → ${typeof ran === "number" ? number(ran) : elided(ran, 16)}`;
    const words = (Number.isNaN(value) ? "none" : elided(valueWords(axis, value), 16)) + really;
    return pill(words, axis.x + 5, places[row * stride + index] ?? 0, plan, ink, axis.x);
  });
  const name = pointer && label ? elided(label(row), 60) : "";
  if (pointer && name)
    pills.push(...pill(name, pointer.x + 14, pointer.y - 16, plan, ink, pointer.x, true));
  return pills;
}

export function valueWords(axis: Axis, value: number): string {
  return axis.column.kind === "number" ? number(value) : axis.scale.format(value);
}

function pill(
  words: string,
  x: number,
  y: number,
  plan: Layout,
  ink: Inks,
  other: number,
  strong = false,
): readonly SvgShape[] {
  const width = words.length * 6.1 + 8;
  const left = x + width > plan.width - 1 ? Math.max(1, other - 6 - width) : x;
  const middle = Math.min(plan.height - 9, Math.max(9, y));
  const fill = strong ? ink.text : mix(ink.ground, ink.text, 0.06);
  return [
    {
      tag: "rect",
      attributes: {
        x: left,
        y: middle - 8,
        width,
        height: 16,
        rx: 3,
        fill: css(fill),
        "fill-opacity": 0.94,
        stroke: css(ink.axis),
        "stroke-width": 0.75,
      },
    },
    {
      tag: "text",
      attributes: {
        x: left + width / 2,
        y: middle + 3.5,
        "text-anchor": "middle",
        fill: css(strong ? ink.ground : ink.text),
      },
      text: words,
    },
  ];
}

function pathOf(row: number, { plan, places }: Scenery): string {
  const stride = plan.axes.length;
  const points = plan.axes.map(
    (axis, index) => `${tenth(axis.x)} ${tenth(places[row * stride + index] ?? 0)}`,
  );
  if (stride === 1) {
    const [x, y] = (points[0] ?? "0 0").split(" ");
    return `M${Number(x) - 14} ${y}h28`;
  }
  return points.length ? `M${points.join("L")}` : "";
}

function spoken(axis: Axis, index: number, { data, plan }: Scenery): string {
  const { column, scale } = axis;
  const span =
    column.kind === "category"
      ? `${column.categories.length} categories`
      : `${valueWords(axis, scale.domain[0])} to ${valueWords(axis, scale.domain[1])}`;
  const brush = data.brushes.get(column.name) ?? [];
  return [
    elided(column.label, 100),
    span,
    scale.kind === "log" ? "logarithmic" : "",
    axis.flipped ? "flipped" : "",
    column.inert ? "cannot act" : "",
    `axis ${index + 1} of ${plan.axes.length}`,
    brush.length ? `brush ${worded(axis, brush)}` : "no brush",
  ]
    .filter(Boolean)
    .join(", ");
}

export function cursorOf(found: Hit, hovered: number): string {
  if (found.kind === "title") return "grab";
  if (found.kind === "flip" || found.kind === "hide") return "pointer";
  if (found.kind === "brush") return found.grip === "body" ? "move" : "ns-resize";
  if (found.kind === "axis") return "crosshair";
  return hovered >= 0 ? "pointer" : "default";
}

function strip(touchAction: string): HTMLDivElement {
  const node = document.createElement("div");
  Object.assign(node.style, { position: "absolute", pointerEvents: "auto", touchAction });
  node.setAttribute("aria-hidden", "true");
  return node;
}

function put(node: HTMLElement, x: number, y: number, width: number, height: number): void {
  Object.assign(node.style, {
    left: `${x}px`,
    top: `${y}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}

function textNode(words: string, attributes: Attributes): SVGTextElement {
  const node = svg("text", attributes);
  node.textContent = words;
  return node;
}

function crisp(value: number): number {
  return Math.round(value) + 0.5;
}
