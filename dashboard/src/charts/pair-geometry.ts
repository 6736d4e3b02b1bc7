/** A grid of means as a surface on the screen. */

/**
 * The mean at a place: between the grid's places in proportion, among categories that of the
 * nearest. `columns` and `lines` are where the grid's places lie, rising or falling.
 */
export function bilinear(
  mean: readonly (readonly number[])[],
  columns: Float64Array,
  lines: Float64Array,
  nearestX: boolean,
  nearestY: boolean,
): (x: number, y: number) => number {
  return (x, y) => {
    const [i, along] = between(columns, x, nearestX);
    const [j, up] = between(lines, y, nearestY);
    const low = mean[j];
    const high = mean[Math.min(j + 1, mean.length - 1)];
    const k = Math.min(i + 1, columns.length - 1);
    const first = (low?.[i] ?? NaN) * (1 - along) + (along ? (low?.[k] ?? NaN) * along : 0);
    if (!up) return first;
    const second = (high?.[i] ?? NaN) * (1 - along) + (along ? (high?.[k] ?? NaN) * along : 0);
    return first * (1 - up) + second * up;
  };
}

/** The place before, and how far it is to the next: 0 … 1. Beyond the ends it is the end. */
function between(places: Float64Array, at: number, nearest: boolean): readonly [number, number] {
  const last = places.length - 1;
  const rising = (places[last] ?? 0) >= (places[0] ?? 0);
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) <= at === rising) low = middle;
    else high = middle;
  }
  const [from, to] = [places[low] ?? NaN, places[high] ?? NaN];
  const share = from === to ? 0 : Math.min(1, Math.max(0, (at - from) / (to - from)));
  return nearest ? [share < 0.5 ? low : high, 0] : [low, share];
}

/** Which of `levels` bands a value lies in. */
export function levelOf(
  value: number,
  [low, high]: readonly [number, number],
  levels: number,
): number {
  if (high === low) return levels >> 1;
  return Math.min(levels - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * levels)));
}
