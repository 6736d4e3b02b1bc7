/** A few numbers as a line without axes: the best so far, beside a sweep's name. */

import { css, inks } from "./colour";
import { number } from "../format";
import { extent } from "./scale";
import type { Chart, DataTable } from "../types";

export interface SparklineData {
  readonly values: readonly (number | null)[];
  readonly label: string;
  /** Drawn as a thin line, where known. */
  readonly baseline: number | null;
  readonly dark: boolean;
}

/** An SVG path in a box; numbers that are missing leave a gap. One number is a dash. */
export function sparkPath(
  values: readonly (number | null)[],
  [low, high]: readonly [number, number],
  width: number,
  height: number,
): string {
  const up = (value: number) =>
    high === low ? height / 2 : height - ((value - low) / (high - low)) * height;
  const across = (place: number) => (values.length < 2 ? 0 : (place / (values.length - 1)) * width);
  let open = false;
  const path = values
    .map((value, place) => {
      if (value === null || !Number.isFinite(value)) {
        open = false;
        return "";
      }
      const command = open ? "L" : "M";
      open = true;
      return `${command}${across(place).toFixed(1)} ${up(value).toFixed(1)}`;
    })
    .join("");
  return values.length === 1 && path ? `${path}H${width}` : path;
}

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, ROOM] = [100, 24, 2];

export function sparkline(element: HTMLElement): Chart<SparklineData> {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${-ROOM} ${-ROOM} ${WIDTH + 2 * ROOM} ${HEIGHT + 2 * ROOM}`);
  svg.setAttribute("width", "100%");
  svg.setAttribute("height", "100%");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.style.display = "block";
  element.append(svg);
  const draw = (path: string, colour: number, width: string, dash: string): SVGPathElement => {
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", path);
    line.setAttribute("fill", "none");
    line.setAttribute("stroke", css(colour));
    line.setAttribute("stroke-width", width);
    line.setAttribute("vector-effect", "non-scaling-stroke");
    if (dash) line.setAttribute("stroke-dasharray", dash);
    return line;
  };
  return {
    update(data) {
      const { values, baseline, dark } = data;
      const ink = inks(dark);
      svg.setAttribute("role", "img"); // with its name, which it has only once it is drawn
      svg.setAttribute("aria-label", describe(data));
      const numbers = values.filter(
        (value) => value !== null && Number.isFinite(value),
      ) as number[];
      const range = extent(baseline === null ? numbers : [...numbers, baseline]);
      if (!range) return svg.replaceChildren();
      svg.replaceChildren(
        ...(baseline === null
          ? []
          : [draw(sparkPath([baseline, baseline], range, WIDTH, HEIGHT), ink.muted, "1", "3 2")]),
        draw(sparkPath(values, range, WIDTH, HEIGHT), ink.best, "1.5", ""),
      );
    },
    destroy: () => svg.remove(),
  };
}

/** One sentence. */
export function describe({ values, label, baseline }: SparklineData): string {
  const numbers = values.filter((value) => value !== null && Number.isFinite(value)) as number[];
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined || last === undefined) return `${label}: no values yet.`;
  const than = baseline === null ? "" : `, baseline ${number(baseline)}`;
  return `${label}: from ${number(first)} to ${number(last)}${than}.`;
}

export function rows({ values, label }: SparklineData): DataTable {
  return { columns: ["place", label], rows: values.map((value, place) => [place + 1, value]) };
}
