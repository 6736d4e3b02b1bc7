/** Lines of one chart on one x, as uPlot wants them. */

export interface SeriesLine {
  readonly name: string;
  readonly x: ArrayLike<number>;
  /** NaN where there is no value: a gap. */
  readonly y: ArrayLike<number>;
  /** 0xRRGGBB; else the line's own of the palette. */
  readonly colour?: number;
  readonly dashed?: boolean;
}

/** Distances between ticks, 1, 2 and 5 times a power of ten. */
const STEPS: readonly number[] = Array.from({ length: 25 }, (_, at) => at - 12).flatMap((power) =>
  [1, 2, 5].map((one) => Number(`${one}e${power}`)),
);

/** Distances that ticks may have on an axis with these places: there is no step 2.5. */
export function tickSteps(places: ArrayLike<number>): number[] {
  const whole = Array.from(places).every(Number.isInteger);
  return STEPS.filter((step) => !whole || step >= 1);
}

interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/**
 * Points in the order of x; of several at one x the last that was logged. Points without an x are
 * left out.
 */
export function ordered({ x, y }: Pick<SeriesLine, "x" | "y">): Points {
  let sorted = true;
  const places: number[] = [];
  for (let i = 0; i < x.length; i++) {
    const at = x[i] ?? NaN;
    if (!Number.isFinite(at)) continue;
    const before = places.at(-1);
    if (before !== undefined && at <= (x[before] ?? NaN)) sorted = false;
    places.push(i);
  }
  if (!sorted) places.sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0) || a - b);
  const outX: number[] = [];
  const outY: number[] = [];
  for (const i of places) {
    const at = x[i] ?? NaN;
    if (outX.at(-1) === at) outY[outY.length - 1] = y[i] ?? NaN;
    else {
      outX.push(at);
      outY.push(y[i] ?? NaN);
    }
  }
  return { x: outX, y: outY };
}

/** Exponential moving average without the pull to zero at the start, as TensorBoard's. */
export function averaged(values: readonly number[], weight: number): number[] {
  let sum = 0;
  let count = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return NaN;
    sum = weight * sum + (1 - weight) * value;
    count = weight * count + (1 - weight);
    return sum / count;
  });
}

type Values = (number | null | undefined)[];

export interface Aligned {
  readonly x: number[];
  /**
   * A line's values over x: null is a gap, undefined a place of other lines that this one passes.
   */
  readonly lines: readonly { readonly raw: Values; readonly smooth: Values | null }[];
}

/** All lines over the places of them all. */
export function aligned(
  lines: readonly SeriesLine[],
  smoothing: number,
  logX: boolean,
  logY: boolean,
): Aligned {
  const each = lines.map(ordered).map(({ x, y }) => {
    if (!logX) return { x, y };
    const positive = x.map((_, i) => i).filter((i) => (x[i] ?? 0) > 0);
    return { x: positive.map((i) => x[i] ?? NaN), y: positive.map((i) => y[i] ?? NaN) };
  });
  const first = each[0];
  const alike = each.every(
    ({ x }) => x.length === first?.x.length && x.every((at, i) => at === first.x[i]),
  );
  const x = alike
    ? [...(first?.x ?? [])]
    : [...new Set(each.flatMap((line) => line.x))].sort((a, b) => a - b);
  const places = alike ? null : new Map(x.map((at, i) => [at, i]));
  const spread = (line: Points, values: readonly number[]): Values => {
    const clean = values.map((value) =>
      Number.isFinite(value) && (!logY || value > 0) ? value : null,
    );
    if (!places) return clean;
    const out: Values = new Array(x.length).fill(undefined);
    line.x.forEach((at, i) => (out[places.get(at) ?? 0] = clean[i]));
    return out;
  };
  return {
    x,
    lines: each.map((line) => ({
      raw: spread(line, line.y),
      smooth: smoothing > 0 ? spread(line, averaged(line.y, smoothing)) : null,
    })),
  };
}
