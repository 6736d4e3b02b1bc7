/** What the marks of runs mean: only those that are on the screen. */
import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { SHAPES } from "../charts/run-dots";
import type { Shape } from "../charts/dots";
import type { SweepModel } from "./model";

const WORDS: Readonly<Record<Shape, readonly [string, string]>> = {
  disc: ["●", "finished"], square: ["■", "ended early"], ring: ["○", "under way"], frame: ["□", "paused"], cross: ["×", "failed"], diamond: ["◆", "other"],
};
const ORDER: readonly Shape[] = ["disc", "square", "ring", "frame", "cross"];

export function Marks({ model, line }: { readonly model: SweepModel; readonly line?: string }): JSX.Element {
  const shapes = useComputed(() => {
    model.data.version.value;
    const there = new Set(model.board.value?.states.map((state) => SHAPES[state]));
    return ORDER.filter((shape) => there.has(shape)).join(" ");
  });
  return (
    <p class="caption">
      {line && <span><span class="best" aria-hidden="true">━</span> {line}</span>}
      {shapes.value.split(" ").filter((shape): shape is Shape => shape in WORDS).map((shape) => (
        <span key={shape}><span aria-hidden="true">{WORDS[shape][0]}</span> {WORDS[shape][1]}</span>
      ))}
    </p>
  );
}
