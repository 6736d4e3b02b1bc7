/** A second parameter beside the first: asked for only when somebody wants to see it, since the server has to compute it.
 * A report has the model of the parameters that matter most, and the runs of any. */
import { useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import * as pairChart from "../charts/pair";
import { fetched } from "../data/source";
import { Clamped } from "./clamped";
import type { SweepModel } from "./model";
import { ChartHost } from "./panel";

export function SecondParameter({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const others = model.parameters.value.filter((column) => column.label !== model.parameter.value);
  if (!others.length) return null;
  return (
    <select aria-label="Second parameter" value={model.second.value} onChange={(event) => (model.wanted.value = event.currentTarget.value)}>
      <option value="">alone</option>
      {others.map((column) => <option value={column.label}>and {column.label}</option>)}
    </select>
  );
}

export function PairChart({ model }: { readonly model: SweepModel }): JSX.Element {
  const { data, selection } = model;
  useSignalEffect(() => {
    const [x, y] = [model.parameter.value, model.second.value];
    data.insights.value;
    if (!x || !y) return;
    void fetched(data.source.pair(data.subject.id, x, y)).then((found) => {
      if (model.parameter.peek() === x && model.second.peek() === y) model.pair.value = found;
    });
  });
  const pair = model.pair.value;
  return (
    <>
      <ChartHost
        id="slice" data={model.pairData}
        make={(element) => pairChart.pair(element, { onHover: (row) => (selection.hover.value = row), onPick: (row) => (model.current.value = row) })}
      />
      {pair === null && <p class="caption" role="status">The model is asked …</p>}
      {pair?.state === "failed" && <p class="note"><Clamped text={`Without the model's mean: ${pair.why}`} lines={2} coded /></p>}
      {pair?.state === "ready" && <p class="caption clip">contours: what the model expects, averaged over all other parameters</p>}
    </>
  );
}
