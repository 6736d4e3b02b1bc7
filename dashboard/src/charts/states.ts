/**
 * How states and outcomes look: a colour and, because colour alone tells not everyone, a pattern.
 */

import { categorical, inks } from "./colour";
import type { RunState } from "../types";

export type Pattern = "solid" | "striped" | "crossed" | "dotted" | "hollow";

export interface Look {
  readonly colour: number;
  readonly pattern: Pattern;
}

/** In the order of a bar: what is done, what goes on, what is to come, what went wrong. */
export const STATES: readonly RunState[] = [
  "finished",
  "stopped",
  "running",
  "paused",
  "pending",
  "killed",
  "failed",
  "crashed",
];

/** Of a run's state or an attempt's outcome; null is under way. */
export function lookOf(what: string | null, dark: boolean): Look {
  switch (what) {
    case "finished":
      return { colour: categorical(0, dark), pattern: "solid" };
    case "stopped":
      return { colour: categorical(5, dark), pattern: "striped" };
    case "running":
    case null:
      return { colour: categorical(2, dark), pattern: "solid" };
    case "paused":
    case "preempted":
    case "released":
      return { colour: categorical(4, dark), pattern: "striped" };
    case "pending":
      return { colour: inks(dark).none, pattern: "hollow" };
    case "killed":
      return { colour: categorical(3, dark), pattern: "dotted" };
    case "lost":
      return { colour: inks(dark).bad, pattern: "dotted" };
    case "failed":
    case "crashed":
    case "oom":
      return { colour: inks(dark).bad, pattern: "crossed" };
    default:
      return { colour: inks(dark).muted, pattern: "solid" };
  }
}
