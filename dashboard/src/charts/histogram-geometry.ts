/** Histograms over steps, brought onto common bins. */

export interface Histogram {
  readonly step: number;
  /** Edges: one more than there are counts. */
  readonly bins: readonly number[];
  readonly values: readonly number[];
}

export interface Strip {
  readonly low: number;
  readonly high: number;
  readonly bins: number;
  /** By histogram: the share of its counts in each common bin, lowest first. */
  readonly shares: readonly Float64Array[];
  /** The largest share of all. */
  readonly most: number;
}

export function usable({ bins, values }: Histogram): boolean {
  return values.length > 0 && bins.length === values.length + 1 && bins.every(Number.isFinite);
}

/** Spreads each histogram's counts over common bins, in proportion to how far they overlap. */
export function strip(histograms: readonly Histogram[], bins: number): Strip | null {
  const good = histograms.filter(usable);
  let low = Infinity;
  let high = -Infinity;
  for (const { bins: edges } of good) {
    low = Math.min(low, edges[0] ?? Infinity);
    high = Math.max(high, edges.at(-1) ?? -Infinity);
  }
  if (low > high) return null;
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const width = (high - low) / bins;
  let most = 0;
  const shares = histograms.map((histogram) => {
    const out = new Float64Array(bins);
    if (!usable(histogram)) return out;
    const total = histogram.values.reduce((sum, count) => sum + (count > 0 ? count : 0), 0);
    histogram.values.forEach((count, i) => {
      if (!(count > 0)) return;
      const from = histogram.bins[i] ?? NaN;
      const to = histogram.bins[i + 1] ?? NaN;
      const first = Math.min(bins - 1, Math.max(0, Math.floor((from - low) / width)));
      const last = Math.min(bins - 1, Math.max(first, Math.ceil((to - low) / width) - 1));
      for (let bin = first; bin <= last; bin++) {
        const overlap = Math.min(to, low + (bin + 1) * width) - Math.max(from, low + bin * width);
        const part = to > from ? overlap / (to - from) : 1;
        out[bin] = (out[bin] ?? 0) + (Math.max(0, part) * count) / total;
      }
    });
    for (const share of out) most = Math.max(most, share);
    return out;
  });
  return { low, high, bins, shares, most };
}

/** Where each step's column begins and ends: half-way to its neighbours. */
export function columnsOf(steps: readonly number[]): readonly (readonly [number, number])[] {
  if (steps.length === 1) return [[(steps[0] ?? 0) - 0.5, (steps[0] ?? 0) + 0.5]];
  return steps.map((step, i) => {
    const before = steps[i - 1] ?? 2 * step - (steps[i + 1] ?? step);
    const after = steps[i + 1] ?? 2 * step - (steps[i - 1] ?? step);
    return [(before + step) / 2, (step + after) / 2];
  });
}

/** The value below which `share` of the counts lie. */
export function quantile(histogram: Histogram, share: number): number {
  const total = histogram.values.reduce((sum, count) => sum + (count > 0 ? count : 0), 0);
  let passed = 0;
  for (const [i, count] of histogram.values.entries()) {
    if (!(count > 0)) continue;
    if (passed + count >= share * total) {
      const [from, to] = [histogram.bins[i] ?? NaN, histogram.bins[i + 1] ?? NaN];
      return from + ((share * total - passed) / count) * (to - from);
    }
    passed += count;
  }
  return histogram.bins.at(-1) ?? NaN;
}
