/**
 * Where a chart draws: layers of canvas as large as their element, measured in CSS pixels, and
 * above them a few shapes that follow the pointer: a canvas costs by its size, a shape by its own.
 *
 * Only frames draw. So a hidden tab draws nothing, many changes make one frame, and
 * a pointer that moves faster than the screen costs one answer a frame.
 */

import type { Plot } from "./frame";
import { drop, nextFrame, pixelRatio, whenSized } from "./frames";
import { frontSvg, lay, set, type SvgShape } from "./svg";

export interface Box {
  readonly width: number;
  readonly height: number;
  /** Device pixels a CSS pixel. */
  readonly ratio: number;
}

/** All of it. */
export function whole({ width, height }: Box): Plot {
  return { left: 0, top: 0, right: width, bottom: height };
}

export type Draw = (context: CanvasRenderingContext2D, box: Box, canvas: HTMLCanvasElement) => void;

export interface Surface {
  readonly host: HTMLElement;
  box(): Box;
  /** Draw these layers, or all, with the next frame. */
  redraw(...layers: number[]): void;
  /** The shapes with the next frame. */
  follow(): void;
  /** Do this with the next frame; of several under one name the last. */
  soon(name: string, act: () => void): void;
  /** The chart's name, and the sentence that says what it shows. */
  name(label: string, description: string): void;
  /** Said to screen readers, once. */
  say(text: string): void;
  /** Where a pointer is, from the chart's corner. */
  at(event: MouseEvent): { x: number; y: number };
  destroy(): void;
}

export interface SurfaceOptions {
  readonly label: string;
  readonly interactive: boolean;
  /** Used where the element has no height of its own. */
  readonly height?: number;
  /** Called before the first drawing in a new size. */
  resized?(box: Box): void;
  /** What follows the pointer, and the part of the chart in which it is to be seen. */
  followers?(): { readonly shapes: readonly SvgShape[]; readonly window: Plot };
}

let names = 0;

export function surface(
  element: HTMLElement,
  options: SurfaceOptions,
  layers: readonly Draw[],
): Surface {
  const host = document.createElement("div");
  Object.assign(host.style, {
    position: "relative",
    width: "100%",
    height: "100%",
    overflow: "hidden",
    touchAction: "pan-y",
  });
  if (element.clientHeight === 0) host.style.minHeight = `${options.height ?? 240}px`;
  host.setAttribute("role", options.interactive ? "group" : "img");
  if (options.interactive) {
    host.tabIndex = 0;
    host.setAttribute("aria-roledescription", "chart");
  }
  const description = spoken("", `chart-${++names}`);
  const live = spoken("polite");
  host.setAttribute("aria-label", options.label);
  host.setAttribute("aria-describedby", description.id);
  const canvases = layers.map(() => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas.style, { position: "absolute", inset: "0", pointerEvents: "none" });
    canvas.setAttribute("aria-hidden", "true");
    return canvas;
  });
  const front = frontSvg();
  host.append(...canvases, ...(options.followers ? [front] : []), description, live);
  element.append(host);

  let box: Box = { width: 0, height: 0, ratio: 1 };
  let frame = 0;
  const dirty = new Set<number>();
  const tasks = new Map<string, () => void>();
  let following = false;

  const draw = (): void => {
    frame = 0;
    const due = [...tasks.values()];
    tasks.clear();
    for (const act of due) act();
    if (box.width < 1 || box.height < 1) return;
    const now = [...dirty].sort((a, b) => a - b);
    dirty.clear();
    for (const layer of now) {
      const canvas = canvases[layer];
      const context = canvas?.getContext("2d");
      if (!canvas || !context) continue;
      context.setTransform(box.ratio, 0, 0, box.ratio, 0, 0);
      layers[layer]?.(context, box, canvas);
    }
    if (following) followers();
  };
  const followers = (): void => {
    following = false;
    if (!options.followers) return;
    const { shapes, window } = options.followers();
    const [x, y] = [Math.round(window.left), Math.round(window.top)];
    const [width, height] = [Math.ceil(window.right) - x, Math.ceil(window.bottom) - y];
    set(front, { width, height, viewBox: `${x} ${y} ${width} ${height}` });
    front.style.transform = `translate(${x}px, ${y}px)`;
    lay(front, shapes);
  };
  const follow = (): void => {
    following = true;
    wake();
  };
  const wake = (): void => {
    if (frame === 0) frame = nextFrame(draw);
  };
  const redraw = (...which: number[]): void => {
    for (const layer of which.length ? which : layers.keys()) dirty.add(layer);
    wake();
  };
  const measure = (): void => {
    const next = {
      width: host.clientWidth,
      height: host.clientHeight,
      ratio: pixelRatio(),
    };
    if (next.width === box.width && next.height === box.height && next.ratio === box.ratio) return;
    box = next;
    for (const canvas of canvases) {
      canvas.width = Math.round(box.width * box.ratio);
      canvas.height = Math.round(box.height * box.ratio);
      canvas.style.width = `${box.width}px`;
      canvas.style.height = `${box.height}px`;
    }
    options.resized?.(box);
    redraw();
    follow();
  };
  const unmeasured = whenSized(host, measure);
  // A window dragged to another screen keeps its size and changes only its ratio.
  addEventListener("resize", measure);
  measure();

  return {
    host,
    box: () => box,
    redraw,
    follow,
    soon(name, act) {
      tasks.set(name, act);
      wake();
    },
    name(label, text) {
      if (host.getAttribute("aria-label") !== label) host.setAttribute("aria-label", label);
      if (description.textContent !== text) description.textContent = text;
    },
    say(text) {
      live.textContent = text;
    },
    at(event) {
      const corner = host.getBoundingClientRect();
      return { x: event.clientX - corner.left, y: event.clientY - corner.top };
    },
    destroy() {
      drop(frame);
      unmeasured();
      removeEventListener("resize", measure);
      host.remove();
    },
  };
}

/** An element for screen readers alone. */
function spoken(live: "" | "polite", id = ""): HTMLElement {
  const element = document.createElement("div");
  if (id) element.id = id;
  if (live) element.setAttribute("aria-live", live);
  Object.assign(element.style, {
    position: "absolute",
    width: "1px",
    height: "1px",
    overflow: "hidden",
    clipPath: "inset(50%)",
    whiteSpace: "nowrap",
  });
  return element;
}
