/** What the colours of runs mean. */
import type { JSX } from "preact";
import { categorical, css, legendOf } from "../charts/colour";
import { number } from "../format";
import { dark } from "../state/page";
import type { SweepModel } from "./model";

/** As many categories are named as the palette tells apart. */
const NAMED = 8;

export function Legend({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const { selection, board } = model;
  model.data.version.value;
  const column = selection.coloured.value;
  const n = board.value?.n ?? 0;
  if (!column || n === 0) return null;
  if (column.kind === "category") {
    const names = column.categories.slice(0, NAMED);
    return (
      <ul class="legend-row" aria-label={`Colours: ${column.label}`}>
        {names.map((name, at) => <li><span class="swatch" style={{ background: css(categorical(at, dark.value)) }} />{name}</li>)}
        {column.categories.length > NAMED && <li class="muted">…</li>}
      </ul>
    );
  }
  const objective = column.name === "value" || column.name === "best";
  const legend = legendOf(column, n, objective ? selection.goal.value : "maximize", dark.value);
  if (!legend) return null;
  const [from, to] = legend.ends;
  return (
    <span class="legend-row" role="img" aria-label={`Colours from ${number(from, 3)} to ${number(to, 3)}`}>
      {number(from, 3)}
      <span class="ramp" style={{ background: `linear-gradient(to right, ${legend.colours.map((colour) => css(colour)).join(", ")})` }} />
      {number(to, 3)}
    </span>
  );
}
