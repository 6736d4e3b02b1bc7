/** Points in two dimensions: which of them nothing beats, and where their names have room. */

export type Better = "low" | "high";

/** Points that no other beats in both, by rising x. Of equal points the first. */
export function front(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  better: { readonly x: Better; readonly y: Better },
): readonly number[] {
  const signX = better.x === "low" ? 1 : -1;
  const signY = better.y === "low" ? 1 : -1;
  const points = Array.from({ length: Math.min(xs.length, ys.length) }, (_, i) => i)
    .filter((i) => Number.isFinite(xs[i]) && Number.isFinite(ys[i]))
    .sort(
      (a, b) =>
        signX * ((xs[a] ?? 0) - (xs[b] ?? 0)) || signY * ((ys[a] ?? 0) - (ys[b] ?? 0)) || a - b,
    );
  let least = Infinity;
  const unbeaten = points.filter((i) => {
    const value = signY * (ys[i] ?? NaN);
    if (value >= least) return false;
    least = value;
    return true;
  });
  return unbeaten.sort((a, b) => (xs[a] ?? 0) - (xs[b] ?? 0));
}

export interface Spot {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly align: "left" | "right";
}

const HEIGHT = 13;
const GAP = 7;

/**
 * Places for names beside their points, in the order given: right, left, above, below; names
 * without room are left out.
 */
export function nameSpots(
  order: readonly number[],
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  widths: ArrayLike<number>,
  room: {
    readonly left: number;
    readonly right: number;
    readonly top: number;
    readonly bottom: number;
  },
): readonly Spot[] {
  const taken: { l: number; r: number; t: number; b: number }[] = [];
  for (const i of order) {
    const [x, y] = [xs[i] ?? NaN, ys[i] ?? NaN];
    if (Number.isFinite(x) && Number.isFinite(y))
      taken.push({ l: x - 4, r: x + 4, t: y - 4, b: y + 4 });
  }
  const spots: Spot[] = [];
  for (const index of order) {
    const [x, y, width] = [xs[index] ?? NaN, ys[index] ?? NaN, widths[index] ?? 0];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const tries = [
      { x: x + GAP, y, align: "left" },
      { x: x - GAP, y, align: "right" },
      { x: x + 2, y: y - HEIGHT, align: "left" },
      { x: x + 2, y: y + HEIGHT, align: "left" },
      { x: x - 2, y: y - HEIGHT, align: "right" },
      { x: x - 2, y: y + HEIGHT, align: "right" },
    ] as const;
    for (const spot of tries) {
      const l = spot.align === "left" ? spot.x : spot.x - width;
      const box = { l, r: l + width, t: spot.y - HEIGHT / 2, b: spot.y + HEIGHT / 2 };
      if (box.l < room.left || box.r > room.right || box.t < room.top || box.b > room.bottom)
        continue;
      if (
        taken.some(
          (other) => other.l < box.r && other.r > box.l && other.t < box.b && other.b > box.t,
        )
      )
        continue;
      taken.push(box);
      spots.push({ index, ...spot });
      break;
    }
  }
  return spots;
}
