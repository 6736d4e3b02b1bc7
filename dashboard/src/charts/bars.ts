/** The runs of a sweep by state, as one small bar. */

import { css, inks } from "./colour";
import { lookOf, STATES } from "./states";
import type { Chart, DataTable, RunState } from "../types";

export interface BarsData {
  readonly counts: Readonly<Partial<Record<RunState, number>>>;
  /** Runs that the sweep may have, if that is known: what is not begun stays empty. */
  readonly cap: number | null;
  readonly dark: boolean;
}

export interface Segment {
  readonly state: RunState;
  readonly count: number;
  /** 0 … 1 of the bar. */
  readonly from: number;
  readonly to: number;
}

/** Parts in proportion; one run of thousands is still seen. */
export function segments(
  { counts, cap }: Pick<BarsData, "counts" | "cap">,
  least = 0.012,
): readonly Segment[] {
  const present = STATES.flatMap((state) =>
    counts[state] ? [{ state, count: counts[state] }] : [],
  );
  const sum = present.reduce((total, { count }) => total + count, 0);
  const whole = Math.max(sum, cap ?? 0);
  if (!whole) return [];
  const shares = present.map(({ count }) => Math.max(count / whole, least));
  const over = Math.max(
    1,
    shares.reduce((total, share) => total + share, 0),
  );
  let at = 0;
  return present.map(({ state, count }, place) => {
    const from = at;
    at += (shares[place] ?? 0) / over;
    return { state, count, from, to: at };
  });
}

const SVG = "http://www.w3.org/2000/svg";
let ids = 0;

export function bars(element: HTMLElement): Chart<BarsData> {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", "100%");
  svg.setAttribute("height", "10");
  svg.style.display = "block";
  element.append(svg);
  const own = `bars-${++ids}`;
  return {
    update(data) {
      const ink = inks(data.dark);
      svg.setAttribute("role", "img"); // with its name, which it has only once it is drawn
      svg.setAttribute("aria-label", describe(data));
      const title = document.createElementNS(SVG, "title");
      title.textContent = describe(data);
      const ground = box(0, 1, css(ink.grid));
      const defs = document.createElementNS(SVG, "defs");
      const parts = segments(data).map(({ state, from, to }) => {
        const { colour, pattern } = lookOf(state, data.dark);
        if (pattern === "solid") return box(from, to, css(colour));
        const id = `${own}-${state}`;
        defs.append(texture(id, pattern, colour, ink.ground));
        return box(from, to, `url(#${id})`);
      });
      svg.replaceChildren(title, defs, ground, ...parts);
    },
    destroy: () => svg.remove(),
  };
}

function box(from: number, to: number, fill: string): SVGRectElement {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("x", `${(100 * from).toFixed(3)}%`);
  rect.setAttribute("width", `${(100 * (to - from)).toFixed(3)}%`);
  rect.setAttribute("height", "10");
  rect.setAttribute("fill", fill);
  return rect;
}

function texture(id: string, kind: string, colour: number, ground: number): SVGPatternElement {
  const pattern = document.createElementNS(SVG, "pattern");
  pattern.setAttribute("id", id);
  pattern.setAttribute("width", "5");
  pattern.setAttribute("height", "5");
  pattern.setAttribute("patternUnits", "userSpaceOnUse");
  const under = document.createElementNS(SVG, "rect");
  under.setAttribute("width", "5");
  under.setAttribute("height", "5");
  under.setAttribute("fill", kind === "hollow" ? css(ground) : css(colour));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute(
    "d",
    {
      striped: "M-1 6L6 -1M-1 1L1 -1M4 6L6 4",
      crossed: "M0 0L5 5M5 0L0 5",
      dotted: "M2 2h1v1h-1z",
      hollow: "M0 9.5H5M0 .5H5",
    }[kind] ?? "",
  );
  path.setAttribute("stroke", kind === "hollow" ? css(colour) : css(ground));
  path.setAttribute("stroke-width", "1");
  path.setAttribute("fill", "none");
  pattern.append(under, path);
  return pattern;
}

/** One sentence. */
export function describe({ counts, cap }: Pick<BarsData, "counts" | "cap">): string {
  const told = STATES.flatMap((state) => (counts[state] ? [`${counts[state]} ${state}`] : []));
  return `${told.join(", ") || "no runs yet"}${cap === null ? "" : `, of at most ${cap}`}.`;
}

export function rows({ counts }: BarsData): DataTable {
  return {
    columns: ["state", "runs"],
    rows: STATES.flatMap((state) => (counts[state] ? [[state, counts[state]]] : [])),
  };
}
