/** Where a run of a sweep stands among those that the search compares, and how far it is from the two that matter. */
import { level, type Line } from "../data/level";
import { number, ordinal, percentOf, signed } from "../format";
import { BEYOND_CHANCE } from "../state/chance";
import type { Board } from "../types";

/** `difference`: this run's value less the other's, in the metric's unit; both at `step`, or where each ended (null). */
export interface Distance {
  readonly row: number;
  readonly value: number;
  readonly step: number | null;
  readonly difference: number;
}

/** `of`: finished runs of the search; `ranked`: it is one of them, else `place` is the one it would have. `whole`: trained to
 * its end; `steps`: so far. */
export interface Standing {
  readonly place: number;
  readonly of: number;
  readonly ranked: boolean;
  readonly whole: boolean;
  readonly steps: number;
  readonly best: boolean;
  readonly toBaseline: Distance | null;
  readonly toBest: Distance | null;
}

/** Final trainings and comparisons are of other lengths, and what failed has no value that counts. */
const KINDS: ReadonlySet<string> = new Set(["search", "baseline", "repeat", "confirm"]);
const WITHOUT: ReadonlySet<string> = new Set(["failed", "crashed", "killed"]);

/** Why a run has no place. */
export function without(board: Board, row: number): string {
  return board.incomparable.has(row) ? "trained with other fixed values than the file has now" : "it has no value that counts";
}

/** Null where the run is in no contest, or nothing can be said yet. Without curves only whole trainings are so far apart. */
export function standing(board: Board, row: number, lineAt: (row: number) => Line | null = () => null): Standing | null {
  const values = board.columns.get("value")?.values;
  const own = values?.[row] ?? NaN;
  if (!board.head.metric || !values || !Number.isFinite(own)) return null;
  if (!KINDS.has(board.kinds[row] ?? "") || WITHOUT.has(board.states[row] ?? "") || board.incomparable.has(row)) return null;
  const sign = board.head.metric.goal === "maximize" ? 1 : -1;
  const finished = (at: number): boolean => board.kinds[at] === "search" && board.states[at] === "finished" && !board.incomparable.has(at);
  const compared = Array.from({ length: board.n }, (_, at) => at).filter((at) => finished(at) && Number.isFinite(values[at]));
  const before = compared.filter((at) => at !== row && sign * (values[at] ?? NaN) > sign * own).length;
  const to = (other: number): Distance | null => {
    const found = other < 0 || other === row ? null : level(board, row, other, lineAt);
    return found && { row: other, value: found.theirs, step: found.step, difference: found.own - found.theirs };
  };
  return {
    place: before + 1, of: compared.length, ranked: finished(row), whole: board.states[row] === "finished",
    steps: board.columns.get("steps")?.values[row] ?? NaN, best: board.head.best === row,
    toBaseline: to(board.head.baseline), toBest: to(board.head.best),
  };
}

/** "3rd" and "of 42 finished", or where it would be with them, as the page writes it. */
export function placeWords(found: Standing): readonly [string, string] {
  if (!found.of) return [found.best ? "best" : "–", "no run of the search has finished yet"];
  const of = `of ${number(found.of)} finished`;
  if (found.ranked) return [ordinal(found.place), found.best && found.place > 1 ? `${of}; named as the best` : of];
  const how = found.whole ? "itself not counted" : `by its value at step ${number(found.steps)}`;
  if (found.place > found.of) return ["behind", `all ${number(found.of)} finished, ${how}`];
  return [`would be ${ordinal(found.place)}`, `of ${number(found.of + 1)} with the ${number(found.of)} finished, ${how}`];
}

/** What it is compared with: "at step 7: 0.1 of". */
export function againstWords({ value, step }: Distance): string {
  return `${step === null ? "" : `at step ${number(step)}: `}${number(value)} of`;
}

export function distanceWords({ difference, value }: Distance): readonly [string, string] {
  return [signed(difference), percentOf(difference, value)];
}

/** What a difference of two single trainings is worth, in as many words as there is room for; "" where the noise is not
 * known. */
export function worth({ difference }: Distance, noise: number | null): string {
  if (noise === null) return "";
  const varies = `±${number(noise, 2)} a run`;
  return Math.abs(difference) < BEYOND_CHANCE * noise ? `may be chance, ${varies}` : varies;
}
