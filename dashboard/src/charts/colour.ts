/**
 * Colours that mean something: how good a run is, or which category it belongs to. All are 0xRRGGBB
 * numbers.
 *
 * The sequential scale runs from a quiet worst to a strong best. Lightness alone carries the order
 * (falling on light ground, rising on dark), so that it can be read with any colour vision;
 * categories are Okabe and Ito's.
 */

import type { Column } from "../types";

export type Goal = "minimize" | "maximize";

/**
 * Worst to best. The first stop still shows on its ground; no stop is a signal colour of the page.
 */
const STOPS_ON_LIGHT = [0xc6d2d3, 0x8fbdbd, 0x4a9bb0, 0x2f6aa3, 0x32398a, 0x2a1458];
const STOPS_ON_DARK = [0x4a5464, 0x3f7189, 0x3f9a94, 0x6fc184, 0xc3dd72, 0xfff2a8];
const STEPS = 256;
/**
 * A search spends most of its runs near the best: more of the colours go to telling those apart.
 */
const EMPHASIS = 2;
const LEGEND_STOPS = 12;

/**
 * Okabe–Ito; yellow darkened on light ground, black and blue lifted on dark ground: each has 3:1
 * against its ground. So its second blue and its second orange look like the first ones: violet and
 * brown stand in for them.
 */
const CATEGORIES_ON_LIGHT = [
  0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xa87d00, 0x7a5cff, 0x6b4a00, 0x3d3d3d,
];
const CATEGORIES_ON_DARK = [
  0x56b4e9, 0xe69f00, 0x00b384, 0xcc79a7, 0xf0e442, 0x8a6bff, 0xb5651d, 0xc8c8c8,
];

/** The colours of everything in a chart that is not a run. */
export interface Inks {
  readonly ground: number;
  readonly text: number;
  readonly muted: number;
  readonly axis: number;
  readonly grid: number;
  /** Runs that a brush or filter left out. */
  readonly faint: number;
  /** Runs without the value that colours them. */
  readonly none: number;
  readonly best: number;
  readonly baseline: number;
  readonly hover: number;
  readonly chosen: number;
  readonly brush: number;
  readonly bad: number;
}

const ON_LIGHT: Inks = {
  ground: 0xffffff,
  text: 0x1b1f24,
  muted: 0x59636e,
  axis: 0x8a939d,
  grid: 0xe6e8eb,
  faint: 0xe9ebee,
  none: 0xb9bfc6,
  best: 0xc2410c,
  baseline: 0x1b1f24,
  hover: 0x000000,
  chosen: 0x8a3ffc,
  brush: 0x0b62c4,
  bad: 0xb3261e,
};
const ON_DARK: Inks = {
  ground: 0x14171b,
  text: 0xe8eaed,
  muted: 0x9aa4af,
  axis: 0x69737e,
  grid: 0x2a2f36,
  faint: 0x22262c,
  none: 0x5a636d,
  best: 0xff9a5c,
  baseline: 0xe8eaed,
  hover: 0xffffff,
  chosen: 0xbe95ff,
  brush: 0x6cb2ff,
  bad: 0xff8a80,
};

export function inks(dark: boolean): Inks {
  return dark ? ON_DARK : ON_LIGHT;
}

export function css(rgb: number, alpha = 1): string {
  if (alpha >= 1) return `#${rgb.toString(16).padStart(6, "0")}`;
  return `rgba(${rgb >> 16},${(rgb >> 8) & 255},${rgb & 255},${alpha})`;
}

const LIGHT_TABLE = table(STOPS_ON_LIGHT);
const DARK_TABLE = table(STOPS_ON_DARK);

/** The colour of a fraction: 0 is the worst, 1 the best. */
export function sequential(fraction: number, dark: boolean): number {
  if (Number.isNaN(fraction)) return inks(dark).none;
  const place = Math.round(Math.min(1, Math.max(0, fraction)) * (STEPS - 1));
  return (dark ? DARK_TABLE : LIGHT_TABLE)[place] ?? 0;
}

/** The colour of the index-th category; from the ninth on they repeat, and only the label tells. */
export function categorical(index: number, dark: boolean): number {
  const colours = dark ? CATEGORIES_ON_DARK : CATEGORIES_ON_LIGHT;
  return colours[((index % colours.length) + colours.length) % colours.length] ?? 0;
}

/**
 * The fraction from worst to best of every value. The worst tenth shares the worst colour, since
 * one diverged run would otherwise leave a single colour to all the others.
 */
export function fractions(
  values: ArrayLike<number>,
  n: number,
  goal: Goal,
  log = false,
): Float64Array {
  const result = new Float64Array(n).fill(NaN);
  const usable = (value: number) => Number.isFinite(value) && (!log || value > 0);
  const sorted = Float64Array.from(
    Array.from({ length: n }, (_, row) => values[row] ?? NaN).filter(usable),
  ).sort();
  if (!sorted.length) return result;
  const last = sorted.length - 1;
  const cut = Math.floor(last / 10);
  const scaled = (value: number) => (log ? Math.log(value) : value);
  const best = scaled((goal === "maximize" ? sorted[last] : sorted[0]) ?? NaN);
  const worst = scaled((goal === "maximize" ? sorted[cut] : sorted[last - cut]) ?? NaN);
  for (let row = 0; row < n; row++) {
    const value = values[row] ?? NaN;
    if (!usable(value)) continue;
    result[row] =
      best === worst ? 1 : Math.min(1, Math.max(0, (scaled(value) - worst) / (best - worst)));
  }
  return result;
}

/**
 * The colour of every row by a column. For all but the objective `goal` is "maximize": larger is
 * stronger.
 */
export function coloursOf(column: Column, n: number, goal: Goal, dark: boolean): Uint32Array {
  const colours = new Uint32Array(n);
  if (column.kind === "category") {
    for (let row = 0; row < n; row++) {
      const value = column.values[row] ?? NaN;
      colours[row] = Number.isNaN(value) ? inks(dark).none : categorical(value, dark);
    }
    return colours;
  }
  const places = fractions(column.values, n, goal, column.log);
  for (let row = 0; row < n; row++)
    colours[row] = sequential((places[row] ?? NaN) ** EMPHASIS, dark);
  return colours;
}

/** A column's colours from its weakest value to its strongest, in equal steps of the value; null where there is one at most. */
export function legendOf(
  column: Column,
  n: number,
  goal: Goal,
  dark: boolean,
): { readonly ends: readonly [number, number]; readonly colours: readonly number[] } | null {
  const places = fractions(column.values, n, goal, column.log);
  let [worst, best] = [-1, -1];
  for (let row = 0; row < n; row++) {
    const place = places[row] ?? NaN;
    if (Number.isNaN(place)) continue;
    if (best < 0 || place > (places[best] ?? NaN)) best = row;
    // Of those that share the worst colour the nearest to the others names its end.
    const nearer = goal === "maximize" ? 1 : -1;
    const [value, named] = [column.values[row] ?? NaN, column.values[worst] ?? NaN];
    if (worst < 0 || place < (places[worst] ?? NaN) || (place === places[worst] && nearer * value > nearer * named))
      worst = row;
  }
  const ends = [column.values[worst] ?? NaN, column.values[best] ?? NaN] as const;
  if (worst < 0 || ends[0] === ends[1]) return null;
  const colours = Array.from({ length: LEGEND_STOPS }, (_, i) =>
    sequential((i / (LEGEND_STOPS - 1)) ** EMPHASIS, dark),
  );
  return { ends, colours };
}

/** Rows from worst to best: those drawn last are on top. Rows without a value come first. */
export function worstFirst(values: ArrayLike<number>, n: number, goal: Goal): Uint32Array {
  const sign = goal === "maximize" ? 1 : -1;
  const keys = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    const value = (values[row] ?? NaN) * sign;
    keys[row] = Number.isNaN(value) ? -Infinity : value;
  }
  return Uint32Array.from({ length: n }, (_, row) => row).sort((a, b) => {
    const first = keys[a] ?? 0;
    const second = keys[b] ?? 0;
    return first < second ? -1 : first > second ? 1 : a - b;
  });
}

/** WCAG's relative luminance. */
export function luminance(rgb: number): number {
  return (
    0.2126 * toLinear(rgb >> 16) +
    0.7152 * toLinear((rgb >> 8) & 255) +
    0.0722 * toLinear(rgb & 255)
  );
}

/** WCAG's contrast, 1 … 21. */
export function contrast(first: number, second: number): number {
  const [dim, bright] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return ((bright ?? 0) + 0.05) / ((dim ?? 0) + 0.05);
}

/** Black or white, whichever can be read on this ground. */
export function textOn(ground: number): number {
  return contrast(ground, 0x000000) >= contrast(ground, 0xffffff) ? 0x000000 : 0xffffff;
}

/** `amount` of `second` in `first`, mixed as the eye would (OKLab). */
export function mix(first: number, second: number, amount: number): number {
  const a = toLab(first);
  const b = toLab(second);
  return fromLab([0, 1, 2].map((i) => (a[i] ?? 0) + ((b[i] ?? 0) - (a[i] ?? 0)) * amount));
}

function table(stops: readonly number[]): Uint32Array {
  return Uint32Array.from({ length: STEPS }, (_, i) => {
    const place = (i / (STEPS - 1)) * (stops.length - 1);
    const at = Math.min(stops.length - 2, Math.floor(place));
    return mix(stops[at] ?? 0, stops[at + 1] ?? 0, place - at);
  });
}

function toLinear(byte: number): number {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function toByte(value: number): number {
  const bounded = Math.min(1, Math.max(0, value));
  return Math.round(
    255 * (bounded <= 0.0031308 ? bounded * 12.92 : 1.055 * bounded ** (1 / 2.4) - 0.055),
  );
}

/** Björn Ottosson's OKLab. */
function toLab(rgb: number): readonly number[] {
  const [r, g, b] = [toLinear(rgb >> 16), toLinear((rgb >> 8) & 255), toLinear(rgb & 255)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([lightness = 0, a = 0, b = 0]: readonly number[]): number {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const red = toByte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = toByte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = toByte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return (red << 16) | (green << 8) | blue;
}
