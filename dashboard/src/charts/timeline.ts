/**
 * What ran where and when: a lane for each slot of each agent, a bar for each attempt, gaps in
 * which a slot waited.
 */

import { css, inks, textOn, type Inks } from "./colour";
import {
  clipped,
  FONT,
  fitted,
  horizontal,
  inside,
  labelRoom,
  plotIn,
  textMeasure,
  unobstructed,
  vertical,
  type Plot,
} from "./frame";
import { listen, rangeShape, type Dragged, type Point } from "./gestures";
import { duration, moment } from "../format";
import { time, type Scale } from "./scale";
import { lookOf, type Pattern } from "./states";
import { surface, whole, type Box } from "./surface";
import { tenth, type SvgShape } from "./svg";
import { lanes, nameOf, shortName, type Lane, type Stint } from "./timeline-geometry";
import { tooltip } from "./tooltip";
import { differs, inShort, remarksOf, titleOf, type RunCallbacks } from "./words";
import type { Board, Chart, DataTable, Shown } from "../types";

export interface TimelineData {
  readonly board: Board;
  readonly shown: Shown;
}

const LANE = 28;
const THINNEST = 14;
/** Names longer than this many pixels are cut. */
const NAMES = 180;

interface Placed {
  readonly plot: Plot;
  readonly x: Scale;
  readonly height: number;
  readonly lanes: readonly Lane[];
}

export function timeline(element: HTMLElement, callbacks: RunCallbacks): Chart<TimelineData> {
  let data: TimelineData | null = null;
  let key = "";
  let all: readonly Lane[] = [];
  let byRow: ReadonlyMap<number, readonly LaneStint[]> | null = null;
  let placed: Placed | null = null;
  let zoom: readonly [number, number] | null = null;
  let hover = -1;
  /** Where the keyboard is. */
  let walked: Stint | null = null;
  let dragged: Dragged | null = null;
  const measure = textMeasure();
  const area = surface(
    element,
    {
      label: "Timeline",
      interactive: true,
      height: 160,
      resized: () => (placed = null),
      followers() {
        const now = place();
        if (!data || !now) return { shapes: [], window: whole(area.box()) };
        const ink = inks(data.shown.dark);
        const range = rangeShape(now.plot, dragged && { x: dragged.x, y: null }, ink);
        byRow ??= stintsByRow(all);
        return { shapes: [...outlines(now, byRow.get(hover) ?? [], ink), ...range], window: now.plot };
      },
    },
    [
      (context, box) => {
        context.clearRect(0, 0, box.width, box.height);
        const now = place();
        if (data && now) drawLanes(context, data, now, box, zoom !== null);
      },
    ],
  );
  const tip = tooltip(area.host);

  function place(): Placed | null {
    const box = area.box();
    if (!data || box.width < 1) return null;
    placed ??= placedOf(data, all, zoom, box, measure);
    return placed;
  }

  function zoomTo(range: readonly [number, number] | null): void {
    zoom = range;
    placed = null;
    area.redraw();
    area.follow();
  }

  function touch(row: number): void {
    if (row === hover) return;
    hover = row;
    area.follow();
    callbacks.onHover(row);
  }

  listen(area, {
    plot: () => placed?.plot ?? plotIn(area.box()),
    hover(at) {
      if (!placed || !data) return;
      const found = at && inside(placed.plot, at.x, at.y) ? hit(placed, at) : null;
      touch(found?.stint?.row ?? -1);
      if (at && found) tip.show(at.x, at.y, linesOf(data.board, found));
      else tip.hide();
    },
    click(_, event) {
      if (hover >= 0) callbacks.onPick?.(hover, event);
    },
    dragging(range) {
      dragged = range;
      tip.hide();
      area.follow();
    },
    dragged({ x }) {
      if (placed && x) zoomTo([placed.x.invert(x[0]), placed.x.invert(x[1])]);
    },
    doubled: () => zoomTo(null),
  });

  area.host.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !placed) return;
      event.preventDefault();
      magnify(Math.exp(Math.max(-50, Math.min(50, event.deltaY)) / 100), area.at(event).x);
    },
    { passive: false },
  );

  function magnify(factor: number, px: number): void {
    if (!placed) return;
    const { plot, x } = placed;
    const range = [
      x.invert(px - (px - plot.left) * factor),
      x.invert(px + (plot.right - px) * factor),
    ] as const;
    area.soon("zoom", () => zoomTo(range));
  }

  area.host.addEventListener("keydown", (event) => {
    if (!placed || !data || event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (placed.plot.left + placed.plot.right) / 2;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const inOrder = all
        .flatMap((lane) => lane.stints.map((stint) => ({ lane, stint })))
        .sort((a, b) => a.stint.from - b.stint.from);
      // A run has as many stints as attempts: which of them it is, its row does not say.
      const there = inOrder.findIndex(({ stint }) => stint === walked && stint.row === hover);
      const at = there < 0 ? inOrder.findIndex(({ stint }) => stint.row === hover) : there;
      const next = inOrder[Math.max(0, Math.min(inOrder.length - 1, at + step))];
      if (!next) return;
      walked = next.stint;
      touch(next.stint.row);
      const lines = linesOf(data.board, next);
      tip.show(...middleOf(placed, next.lane, next.stint), lines);
      area.say(lines.join(", "));
    } else if (event.key === "+" || event.key === "=") magnify(0.7, middle);
    else if (event.key === "-") magnify(1 / 0.7, middle);
    else if (event.key === "0") zoomTo(null);
    else if (event.key === "Enter" && hover >= 0) callbacks.onPick?.(hover, event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    update(after) {
      const before = data;
      data = after;
      const next = [after.board.head.id, after.board.version, after.board.n].join(" ");
      const moved = next !== key;
      key = next;
      if (moved) {
        all = lanes(after.board);
        byRow = null;
        placed = null;
        area.host.style.minHeight = `${Math.max(120, all.length * THINNEST + 56)}px`;
        area.soon("name", () => area.name("Timeline of agents and slots", describe(after)));
      }
      if (moved || differs(before?.shown ?? null, after.shown)) {
        area.redraw();
        area.follow();
      }
      if (after.shown.hover !== hover) {
        hover = after.shown.hover;
        tip.hide();
        area.follow();
      }
    },
    destroy() {
      tip.hide();
      area.destroy();
    },
  };
}

function placedOf(
  { board }: TimelineData,
  all: readonly Lane[],
  zoom: readonly [number, number] | null,
  box: Box,
  measure: (text: string) => number,
): Placed {
  const room = Math.min(
    NAMES,
    box.width / 3,
    Math.max(
      40,
      labelRoom([], measure),
      ...all.map((lane) => measure(`${shortName(lane).name}${shortName(lane).slot}`) + 12),
    ),
  );
  const plot = plotIn(box, { left: room, bottom: 22 });
  const from = all.reduce((least, lane) => Math.min(least, lane.from), Infinity);
  const to = all.reduce((last, lane) => Math.max(last, lane.to), -Infinity);
  const whole: readonly [number, number] =
    from <= to ? [from, Math.max(to, from + 60)] : [board.head.created, board.head.created + 60];
  return {
    plot,
    lanes: all,
    x: time(zoom ?? whole, [plot.left, plot.right]),
    height: Math.min(LANE, (plot.bottom - plot.top) / Math.max(1, all.length)),
  };
}

function drawLanes(
  context: CanvasRenderingContext2D,
  data: TimelineData,
  now: Placed,
  box: Box,
  zoomed: boolean,
): void {
  const { plot, x, height } = now;
  const { shown } = data;
  const ink = inks(shown.dark);
  context.font = FONT;
  const measure = (text: string) => context.measureText(text).width;
  const ticks = x.ticks(Math.max(2, Math.floor((plot.right - plot.left) / 80)));
  context.lineWidth = 1;
  context.strokeStyle = css(ink.grid);
  context.beginPath();
  for (const tick of ticks) vertical(context, tick.at, plot.top, plot.bottom, box.ratio);
  context.stroke();
  context.fillStyle = css(ink.muted);
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of unobstructed(ticks, measure, 0, box.width))
    context.fillText(tick.label, tick.place, plot.bottom + 6);

  const seen = new Map<string, Pattern>();
  const patterns = textures(context, ink, shown.dark);
  now.lanes.forEach((lane, place) => {
    const top = plot.top + place * height;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = css(ink.text);
    const { name, slot } = shortName(lane);
    context.fillText(
      `${fitted(name, plot.left - 10 - measure(slot), measure)}${slot}`,
      plot.left - 6,
      top + height / 2,
    );
    clipped(context, plot, () => {
      context.strokeStyle = css(ink.axis);
      context.setLineDash([1, 3]);
      context.beginPath();
      for (const [from, to] of lane.waits)
        horizontal(context, top + height / 2, x.of(from), x.of(to), box.ratio);
      context.stroke();
      context.setLineDash([]);
      for (const stint of lane.stints)
        drawStint(context, stint, data, x, top + 2, height - 4, plot, patterns, ink);
    });
    for (const { outcome } of lane.stints)
      seen.set(outcome ?? "running", lookOf(outcome, shown.dark).pattern);
    if (lane.died !== null) drawDeath(context, plot, x.of(lane.died), top + height / 2, ink);
  });
  drawLegend(context, box, [...seen.keys()].sort(), patterns, ink);
  context.textAlign = "left";
  context.textBaseline = "top";
  context.fillStyle = css(ink.text);
  context.fillText(
    zoomed ? "zoomed, double click for all" : now.lanes.length ? "" : "no attempt yet",
    4,
    2,
  );
  context.strokeStyle = css(ink.axis);
  context.beginPath();
  horizontal(context, plot.bottom, plot.left, plot.right, box.ratio);
  context.stroke();
}

function drawStint(
  context: CanvasRenderingContext2D,
  stint: Stint,
  { board, shown }: TimelineData,
  x: Scale,
  top: number,
  height: number,
  plot: Plot,
  patterns: (outcome: string | null) => CanvasPattern | string,
  ink: Inks,
): void {
  const left = Math.max(plot.left - 2, x.of(stint.from));
  const right = Math.min(plot.right + 2, x.of(stint.to));
  if (right < plot.left || left > plot.right) return;
  // Half a pixel of ground between two attempts, as long as they can be told apart at all.
  const width = Math.max(1, right - left - (right - left > 3 ? 1 : 0));
  const kept = shown.kept[stint.row] === 1;
  context.fillStyle = kept ? patterns(stint.outcome) : css(ink.faint);
  context.fillRect(left, top, width, height);
  if (stint.row === shown.best || shown.chosen.has(stint.row)) {
    context.strokeStyle = css(stint.row === shown.best ? ink.best : ink.chosen);
    context.lineWidth = 2;
    context.strokeRect(left + 1, top + 1, Math.max(1, width - 2), height - 2);
    context.lineWidth = 1;
  }
  const label = `#${board.numbers[stint.row] ?? ""}`;
  if (width < 26 || height < 11 || width < context.measureText(label).width + 8) return;
  const look = lookOf(stint.outcome, shown.dark);
  context.textAlign = "left";
  context.textBaseline = "middle";
  if (kept && look.pattern !== "solid") {
    context.fillStyle = css(look.colour);
    context.fillRect(left + 2, top + 1, context.measureText(label).width + 4, height - 2);
  }
  context.fillStyle = css(kept ? textOn(look.colour) : ink.muted);
  context.fillText(label, Math.max(left, plot.left) + 4, top + height / 2);
}

function drawDeath(
  context: CanvasRenderingContext2D,
  plot: Plot,
  x: number,
  y: number,
  ink: Inks,
): void {
  if (x < plot.left || x > plot.right) return;
  context.strokeStyle = css(ink.bad);
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - 4, y - 4);
  context.lineTo(x + 4, y + 4);
  context.moveTo(x - 4, y + 4);
  context.lineTo(x + 4, y - 4);
  context.stroke();
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = x + 40 > plot.right ? "right" : "left";
  context.fillStyle = css(ink.bad);
  context.fillText("died", x + (context.textAlign === "left" ? 7 : -7), y);
}

function drawLegend(
  context: CanvasRenderingContext2D,
  box: Box,
  outcomes: readonly string[],
  patterns: (outcome: string | null) => CanvasPattern | string,
  ink: Inks,
): void {
  context.textAlign = "left";
  context.textBaseline = "middle";
  let left =
    box.width -
    12 -
    outcomes.reduce((sum, outcome) => sum + context.measureText(outcome).width + 26, -12);
  for (const outcome of outcomes) {
    const room = context.measureText(outcome).width;
    if (left > 150) {
      context.fillStyle = patterns(outcome);
      context.fillRect(left, 4, 10, 10);
      context.fillStyle = css(ink.muted);
      context.fillText(outcome, left + 14, 9.5);
    }
    left += room + 26;
  }
}

/** Fillings by outcome: drawn once each. */
function textures(
  context: CanvasRenderingContext2D,
  ink: Inks,
  dark: boolean,
): (outcome: string | null) => CanvasPattern | string {
  const made = new Map<string | null, CanvasPattern | string>();
  return (outcome) => {
    const before = made.get(outcome);
    if (before !== undefined) return before;
    const look = lookOf(outcome, dark);
    const after =
      look.pattern === "solid"
        ? css(look.colour)
        : (textureOf(context, look.pattern, css(look.colour), css(ink.ground)) ?? css(look.colour));
    made.set(outcome, after);
    return after;
  };
}

function textureOf(
  context: CanvasRenderingContext2D,
  kind: Pattern,
  colour: string,
  ground: string,
): CanvasPattern | null {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  if (!pen) return null;
  pen.fillStyle = kind === "hollow" ? ground : colour;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = kind === "hollow" ? colour : ground;
  pen.lineWidth = 1;
  pen.beginPath();
  if (kind === "striped" || kind === "crossed") {
    for (const at of [-6, 0, 6]) {
      pen.moveTo(at - 1, 7);
      pen.lineTo(at + 7, -1);
    }
  }
  if (kind === "crossed") {
    for (const at of [-6, 0, 6]) {
      pen.moveTo(at - 1, -1);
      pen.lineTo(at + 7, 7);
    }
  }
  if (kind === "dotted") pen.rect(2, 2, 1, 1);
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

/** Around the stints of the run that is pointed at. */
function outlines(
  { plot, x, height }: Placed,
  stints: readonly LaneStint[],
  ink: Inks,
): readonly SvgShape[] {
  return stints.map(({ place, stint: { from, to } }) => {
    const left = x.of(from);
    const attributes = {
      x: tenth(left),
      y: tenth(plot.top + place * height + 1),
      width: tenth(Math.max(3, x.of(to) - left)),
      height: tenth(Math.max(0, height - 2)),
      fill: "none",
      stroke: css(ink.hover),
      "stroke-width": 2,
    };
    return { tag: "rect", attributes };
  });
}

interface LaneStint {
  /** Of its lane. */
  readonly place: number;
  readonly stint: Stint;
}

function stintsByRow(all: readonly Lane[]): ReadonlyMap<number, readonly LaneStint[]> {
  const found = new Map<number, LaneStint[]>();
  all.forEach((lane, place) => {
    for (const stint of lane.stints) {
      const known = found.get(stint.row);
      if (known) known.push({ place, stint });
      else found.set(stint.row, [{ place, stint }]);
    }
  });
  return found;
}

interface Hit {
  readonly lane: Lane;
  readonly stint: Stint | null;
}

/** Of what can be seen of a stint. */
function middleOf({ plot, x, height, lanes: all }: Placed, lane: Lane, stint: Stint): [number, number] {
  const within = (at: number): number => Math.max(plot.left, Math.min(plot.right, at));
  const across = (within(x.of(stint.from)) + within(x.of(stint.to))) / 2;
  return [across, plot.top + (all.indexOf(lane) + 0.5) * height];
}

function hit({ plot, x, height, lanes: all }: Placed, at: Point): Hit | null {
  const lane = all[Math.floor((at.y - plot.top) / height)];
  if (!lane) return null;
  let found: Stint | null = null;
  let least = 3;
  for (const stint of lane.stints) {
    const distance = Math.max(x.of(stint.from) - at.x, at.x - x.of(stint.to), 0);
    if (distance < least) {
      least = distance;
      found = stint;
    }
  }
  return { lane, stint: found };
}

function linesOf(board: Board, { lane, stint }: Hit): readonly string[] {
  if (!stint)
    return [
      nameOf(lane),
      lane.died === null ? "no attempt here" : `last heard of ${moment(lane.died)}`,
    ];
  return [
    titleOf(board, stint.row),
    `${nameOf(lane)}${stint.attempt > 1 ? ` · attempt ${stint.attempt}` : ""}`,
    `${moment(stint.from)}, ${duration(stint.to - stint.from)}`,
    `${stint.outcome ?? "running"}${stint.reason ? `: ${inShort(stint.reason)}` : ""}`,
    ...remarksOf(board, stint.row),
  ];
}

/** One sentence. */
export function describe({ board }: TimelineData): string {
  const all = lanes(board);
  const agents = new Set(all.map((lane) => lane.agent)).size;
  const attempts = all.reduce((sum, lane) => sum + lane.stints.length, 0);
  const outcomes = new Map<string, number>();
  for (const lane of all)
    for (const { outcome } of lane.stints)
      outcomes.set(outcome ?? "running", (outcomes.get(outcome ?? "running") ?? 0) + 1);
  const told = [...outcomes]
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(", ");
  const died = new Set(all.filter((lane) => lane.died !== null).map((lane) => lane.agent)).size;
  const where = `${attempts} attempts on ${agents} agents in ${all.length} slots`;
  const gone = died ? `; ${died} agents went without a word` : "";
  return `${where}${told ? `: ${told}` : ""}${gone}.`;
}

/** A row for each attempt, in the order of their begin. */
export function rows({ board, shown }: TimelineData): DataTable {
  const each = lanes(board).flatMap((lane) => lane.stints.map((stint) => ({ lane, stint })));
  return {
    columns: ["run", "attempt", "host", "agent", "slot", "began", "took", "outcome", "reason"],
    rows: each
      .filter(({ stint }) => shown.kept[stint.row])
      .sort((a, b) => a.stint.from - b.stint.from)
      .map(({ lane, stint }) => [
        board.numbers[stint.row] ?? null,
        stint.attempt,
        lane.host,
        lane.agent,
        lane.slot,
        moment(stint.from),
        duration(stint.to - stint.from),
        stint.outcome ?? "running",
        stint.reason,
      ]),
  };
}
