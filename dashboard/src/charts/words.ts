/**
 * What charts say of runs, and whether a change of what is shown needs more than a new highlight.
 */

import { elided, number } from "../format";
import type { Board, RunState, Shown } from "../types";

/** What a chart of runs tells its page. */
export interface RunCallbacks {
  /** A row, or -1 when the pointer has left. */
  onHover(row: number): void;
  onPick?(row: number, event: MouseEvent | KeyboardEvent): void;
}

export function titleOf(board: Board, row: number): string {
  const name = elided(board.names[row] ?? "", NAME);
  return name ? `#${board.numbers[row] ?? "?"} · ${name}` : `#${board.numbers[row] ?? "?"}`;
}

/**
 * Trained after the search and often for longer: in no contest with it, and shown beside it when
 * somebody wants that.
 */
export const AFTERWARDS: ReadonlySet<string> = new Set(["final", "compare"]);

/** Rows of such runs that are not to be seen: no axis makes room for them. */
export function setAside(board: Board, { kept }: Shown): readonly number[] {
  const rows: number[] = [];
  // Asked at every hover: a loop makes no garbage of ten thousand runs.
  for (let row = 0; row < board.n; row++)
    if (!kept[row] && AFTERWARDS.has(board.kinds[row] ?? "")) rows.push(row);
  return rows;
}

/** Letters of a name, and of a reason, that there is room for beside the pointer. */
const [NAME, REASON] = [80, 120];

/** What programs say is of any length. */
export function inShort(reason: string): string {
  return reason.length > REASON
    ? `${elided(reason, REASON)} (all of it on the run's page)`
    : reason;
}

/** Its state, and why it ended. */
export function stateOf(board: Board, row: number): string {
  const state = board.states[row] ?? "pending";
  // What is paused has not ended: its last attempt says why it waits.
  const paused = state === "paused" ? board.attempts[row]?.at(-1)?.reason : "";
  const because = inShort(board.endedBecause[row] || paused || "");
  return because ? `${state}: ${because}` : state;
}

/** Made under another file than the sweep has now: its parameters and ranges may have been other ones. */
export function ofEarlierFile(board: Board, row: number): boolean {
  return (board.specVersions[row] ?? 1) < board.head.specVersion;
}

/** What a run really had where that is not what the search suggested: "64, ran with 48". */
export function ranWith(board: Board, name: string, row: number): string {
  const ran = board.effective.get(name)?.get(row);
  if (ran === undefined) return "";
  const column = board.columns.get(name);
  const value = column?.values[row] ?? NaN;
  const suggested =
    column?.kind === "category" ? (column.categories[value] ?? "–") : number(value);
  return `${elided(suggested, NAME)}, ran with ${typeof ran === "number" ? number(ran) : elided(ran, NAME)}`;
}

/** More differences than these are for the run's page. */
const DIFFERENCES = 4;

/** What else is to be known of a run before it is compared with others. */
export function remarksOf(board: Board, row: number): readonly string[] {
  const file = ofEarlierFile(board, row)
    ? [`of file version ${board.specVersions[row]}; the sweep has version ${board.head.specVersion} now`]
    : [];
  const names = [...board.effective.keys()].filter((name) => board.effective.get(name)?.has(row));
  const ran = names
    .slice(0, DIFFERENCES)
    .map((name) => `${board.columns.get(name)?.label ?? name} ${ranWith(board, name, row)}`);
  const more = names.length - DIFFERENCES;
  return [...file, ...ran, ...(more > 0 ? [`and ${more} more that ran with other values`] : [])];
}

export function ended(state: RunState | undefined): boolean {
  return state !== undefined && state !== "pending" && state !== "running" && state !== "paused";
}

/** Ended without having come to what it was to do. */
export function cutShort(state: RunState | undefined): "stopped" | "failed" | null {
  if (state === "stopped" || state === "killed") return "stopped";
  return state === "failed" || state === "crashed" ? "failed" : null;
}

/** How many, in words: "1 run", "12 of 40 runs". */
export function runsOf(kept: Uint8Array, n: number): string {
  let count = 0;
  for (let row = 0; row < n; row++) count += kept[row] ? 1 : 0;
  const all = n === 1 ? "1 run" : `${n} runs`;
  return count === n ? all : `${count} of ${all}`;
}

/** A number for the table behind a chart. */
export function cell(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
}

/** Whether two pictures of runs differ in more than the hovered run. */
export function differs(before: Shown | null, after: Shown): boolean {
  return (
    standsOut(before, after) ||
    before?.kept !== after.kept ||
    before.order !== after.order ||
    before.colours !== after.colours
  );
}

/** Whether other runs stand out, or all in other inks. */
export function standsOut(before: Shown | null, after: Shown): boolean {
  return (
    before?.chosen !== after.chosen ||
    before.best !== after.best ||
    before.baseline !== after.baseline ||
    before.dark !== after.dark
  );
}

/** The kept rows, those on top first. */
export function keptOnTop(shown: Shown): Uint32Array {
  const rows = new Uint32Array(shown.order.length);
  let count = 0;
  for (let i = shown.order.length - 1; i >= 0; i--) {
    const row = shown.order[i] ?? 0;
    if (shown.kept[row]) rows[count++] = row;
  }
  return rows.subarray(0, count);
}
