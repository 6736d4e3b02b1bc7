/**
 * What a drawing has to do again. Pure.
 *
 * The page's arrays change in place, so the last drawing's are kept as copies and compared: for
 * 10,000 runs that costs far less than one needless drawing, and nobody has to say what changed.
 */

import type { Column, Shown } from "../types";
import { valuesOf } from "./axes";

type Numbers = Float64Array | Uint32Array | Uint8Array;

export interface Seen {
  /** Everything about the axes but the values. */
  readonly frame: string;
  readonly dark: boolean;
  readonly values: readonly Numbers[];
  readonly runs: readonly Numbers[];
}

export interface Changes {
  /** Axes, or where runs cross them. */
  readonly layout: boolean;
  /** Which runs are drawn, in which order and colour. */
  readonly runs: boolean;
  readonly dark: boolean;
}

export interface View {
  readonly columns: readonly Column[];
  readonly flipped: ReadonlySet<string>;
  readonly n: number;
  readonly shown: Shown;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}

/**
 * Whether every array and the size are the very ones of the last drawing. Then a pointer has moved,
 * or another run stands out: whoever changes values in place hands over another list of columns.
 */
export function untouched(before: View | null, { shown, ...view }: View): boolean {
  const same = (name: "kept" | "order" | "colours" | "dark") =>
    before?.shown[name] === shown[name];
  return (
    same("kept") &&
    same("order") &&
    same("colours") &&
    same("dark") &&
    before?.columns === view.columns &&
    before.flipped === view.flipped &&
    before.n === view.n &&
    before.width === view.width &&
    before.height === view.height &&
    before.ratio === view.ratio
  );
}

/** What changed since `before`, and what to compare with next time. */
export function changes(
  before: Seen | null,
  view: View,
): { readonly seen: Seen; readonly changes: Changes } {
  const { columns, flipped, n, shown, width, height, ratio } = view;
  const axes = columns.map((column) => [
    column.name,
    column.label,
    column.kind,
    column.whole,
    column.log,
    column.low,
    column.high,
    column.categories,
    column.inert,
    flipped.has(column.name),
  ]);
  const frame = JSON.stringify([axes, n, width, height, ratio]);
  const values = kept(
    before?.values,
    columns.map((column) => valuesOf(column, n)),
  );
  const runs = kept(before?.runs, [
    shown.kept.subarray(0, n),
    shown.order,
    shown.colours.subarray(0, n),
  ]);
  return {
    seen: { frame, dark: shown.dark, values, runs },
    changes: {
      layout: frame !== before?.frame || !sameItems(values, before.values),
      runs: !before || !sameItems(runs, before.runs) || shown.dark !== before.dark,
      dark: shown.dark !== before?.dark,
    },
  };
}

/** The copy there is where it is still true, else a new one. */
function kept(before: readonly Numbers[] | undefined, now: readonly Numbers[]): readonly Numbers[] {
  return now.map((array, index) => {
    const old = before?.[index];
    return old && sameNumbers(old, array) ? old : array.slice();
  });
}

function sameItems(first: readonly Numbers[], second: readonly Numbers[]): boolean {
  return first.length === second.length && first.every((array, index) => array === second[index]);
}

export function sameNumbers(first: Numbers, second: Numbers): boolean {
  if (first.length !== second.length) return false;
  for (let i = 0; i < first.length; i++) {
    const a = first[i];
    const b = second[i];
    if (a !== b && (a === a || b === b)) return false;
  }
  return true;
}
