/** A few lines of text beside the pointer. Text only: what a run or a log says is never markup. */

import { elided } from "../format";
import { write } from "./svg";

/** Whatever programs put into a line, it does not fill the screen. */
const MOST_LETTERS = 240;
const FEW_LINES: Partial<CSSStyleDeclaration> = {
  display: "-webkit-box",
  webkitBoxOrient: "vertical",
  webkitLineClamp: "4",
  overflow: "hidden",
};

export interface Tooltip {
  show(x: number, y: number, lines: readonly string[]): void;
  hide(): void;
}

/**
 * Where the box lies: right of the place, else left of it, and where neither has room below or
 * above.
 */
export function beside(
  x: number,
  y: number,
  width: number,
  height: number,
  across: number,
  down: number,
  gap = 14,
): { readonly left: number; readonly top: number } {
  const level = Math.max(0, Math.min(y - height / 2, down - height));
  if (x + gap + width <= across) return { left: x + gap, top: level };
  if (x - gap - width >= 0) return { left: x - gap - width, top: level };
  const top = y + gap + height <= down ? y + gap : Math.max(0, y - gap - height);
  return { left: Math.max(0, Math.min(x - width / 2, across - width)), top };
}

/**
 * Lies over `host`, which must be positioned, while it is shown: whoever ends the chart hides it.
 * The first line is the heading.
 */
export function tooltip(host: HTMLElement): Tooltip {
  // Nothing in it changes what lies around it: the browser lays out the few lines and not the page,
  // where their size is asked for at every move of a pointer.
  const layer = document.createElement("div");
  Object.assign(layer.style, {
    position: "absolute",
    inset: "0",
    pointerEvents: "none",
    zIndex: "2",
    contain: "layout size style",
  });
  const box = document.createElement("div");
  box.className = "chart-tooltip";
  box.setAttribute("aria-hidden", "true");
  // Colours are the system's own, so that the box reads in light, dark and forced colours without a
  // style sheet.
  Object.assign(box.style, {
    position: "absolute",
    left: "0",
    top: "0",
    willChange: "transform",
    maxWidth: "min(22rem, 90%)",
    padding: "4px 8px",
    borderRadius: "4px",
    border: "1px solid color-mix(in srgb, CanvasText 25%, Canvas)",
    background: "Canvas",
    color: "CanvasText",
    font: "12px/1.4 system-ui, sans-serif",
    fontVariantNumeric: "tabular-nums",
    overflowWrap: "anywhere",
  });
  layer.append(box);
  let size = { width: 0, height: 0, of: "" };
  const rowAt = (place: number): Element => {
    const there = box.children[place];
    if (there) return there;
    const row = document.createElement("div");
    if (place === 0) row.style.fontWeight = "600";
    Object.assign(row.style, FEW_LINES);
    box.append(row);
    return row;
  };
  return {
    show(x, y, lines) {
      // A low chart cuts off what lies in it, not what lies in its panel.
      const around = host.closest<HTMLElement>(".chart")?.parentElement ?? host;
      if (layer.parentElement !== around) around.append(layer);
      // Asked before anything is changed: else the browser lays out what changed so far.
      const theirs = layer.getBoundingClientRect();
      const own = host.getBoundingClientRect();
      const [across, down] = [host.clientWidth, host.clientHeight];
      lines.forEach((line, place) => write(rowAt(place), elided(line, MOST_LETTERS)));
      while (box.children.length > lines.length) box.lastElementChild?.remove();
      // Digits are of one width: other figures take the same room.
      const of = [across, ...lines].join("\n").replace(/\d/g, "0");
      if (size.of !== of) size = { width: box.offsetWidth, height: box.offsetHeight, of };
      const place = beside(x, y, size.width, size.height, across, down);
      const [left, top] = [own.left - theirs.left, own.top - theirs.top];
      box.style.transform = `translate(${place.left + left}px, ${place.top + top}px)`;
    },
    hide() {
      layer.remove();
    },
  };
}
