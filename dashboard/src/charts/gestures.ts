/**
 * What a pointer does on a chart with two axes: it hovers, clicks, drags a range and double-clicks.
 * Mouse, pen and touch alike. A drag that is mostly along one axis means this axis alone.
 */

import { css, type Inks } from "./colour";
import { inside, type Plot } from "./frame";
import type { Surface } from "./surface";
import { tenth, type SvgShape } from "./svg";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Dragged {
  /** Pixels, low to high; null where the drag means the other axis alone. */
  readonly x: readonly [number, number] | null;
  readonly y: readonly [number, number] | null;
}

export interface Gestures {
  plot(): Plot;
  /** Null when the pointer has left. */
  hover(point: Point | null): void;
  click?(point: Point, event: MouseEvent): void;
  /** While dragging, and null when it ends. */
  dragging?(range: Dragged | null): void;
  dragged?(range: Dragged): void;
  doubled?(): void;
}

/** Less than this is a click with a trembling hand. */
const SLACK = 4;

/** What a drag between two points means: one axis when it is thrice as long, else both. */
export function meant(from: Point, to: Point, plot: Plot): Dragged {
  const dx = Math.abs(to.x - from.x);
  const dy = Math.abs(to.y - from.y);
  const within = (a: number, b: number, low: number, high: number): readonly [number, number] => [
    Math.min(Math.max(Math.min(a, b), low), high),
    Math.min(Math.max(Math.max(a, b), low), high),
  ];
  return {
    x: dy > 3 * dx ? null : within(from.x, to.x, plot.left, plot.right),
    y: dx > 3 * dy ? null : within(from.y, to.y, plot.top, plot.bottom),
  };
}

/** Listens until the surface's host is gone. */
export function listen(surface: Surface, gestures: Gestures): void {
  const { host } = surface;
  // A drag across a chart selects no text; the focus is left to the browser, which draws no ring
  // for a mouse.
  host.style.userSelect = "none";
  let from: Point | null = null;
  let moved = false;
  const stop = (): void => {
    from = null;
    if (moved) gestures.dragging?.(null);
    moved = false;
  };
  host.addEventListener("pointerdown", (event) => {
    const point = surface.at(event);
    if (event.button !== 0 || !inside(gestures.plot(), point.x, point.y, 6)) return;
    from = point;
    moved = false;
  });
  host.addEventListener("pointermove", (event) => {
    const point = surface.at(event);
    if (from && gestures.dragged) {
      if (!moved && Math.hypot(point.x - from.x, point.y - from.y) < SLACK) return;
      if (!moved) host.setPointerCapture(event.pointerId);
      moved = true;
      const start = from;
      surface.soon("drag", () => {
        if (from === start) gestures.dragging?.(meant(start, point, gestures.plot()));
      });
      return;
    }
    // Browsers hand out moves once a frame, before they draw it: all charts draw the run in this one.
    gestures.hover(point);
  });
  host.addEventListener("pointerup", (event) => {
    const start = from;
    const dragged = moved;
    const point = surface.at(event);
    stop();
    if (!start) return;
    if (dragged) gestures.dragged?.(meant(start, point, gestures.plot()));
    else gestures.click?.(point, event);
  });
  host.addEventListener("pointercancel", stop);
  host.addEventListener("pointerleave", () => gestures.hover(null));
  host.addEventListener("dblclick", () => gestures.doubled?.());
}

/** The range that is being dragged. */
export function rangeShape(plot: Plot, dragged: Dragged | null, ink: Inks): readonly SvgShape[] {
  if (!dragged) return [];
  const [left, right] = dragged.x ?? [plot.left, plot.right];
  const [top, bottom] = dragged.y ?? [plot.top, plot.bottom];
  const attributes = {
    x: tenth(left + 0.5),
    y: tenth(top + 0.5),
    width: tenth(Math.max(0, right - left - 1)),
    height: tenth(Math.max(0, bottom - top - 1)),
    fill: css(ink.brush),
    "fill-opacity": 0.15,
    stroke: css(ink.brush),
  };
  return [{ tag: "rect", attributes }];
}
