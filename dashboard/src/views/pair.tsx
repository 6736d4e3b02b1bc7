/** Two parameters at once: asked for only when somebody wants to see it, since the server has to compute it. */
import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import * as pairChart from "../charts/pair";
import { parameterColumn } from "../data/board";
import { fetched } from "../data/source";
import { frozen } from "../router";
import type { Fetched, Pair } from "../types";
import type { SweepModel } from "./model";
import { ChartHost, Panel } from "./panel";

export function PairPanel({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const { data, selection } = model;
  const other = useSignal("");
  const pair = useSignal<Fetched<Pair> | null>(null);
  const second = useComputed(() => {
    const first = model.parameter.value;
    if (other.value && other.value !== first) return other.value;
    const importance = data.importance.value;
    const ranked = importance.state === "ready" ? importance.value.rows.map((row) => row.parameter) : [];
    return [...ranked, ...model.parameters.value.map((column) => column.label)].find((name) => name !== first) ?? "";
  });
  const wanted = useSignal(false);
  useSignalEffect(() => {
    const [x, y] = [model.parameter.value, second.value];
    data.insights.value;
    if (!wanted.value || !x || !y) return;
    pair.value = null;
    void fetched(data.source.pair(data.subject.id, x, y)).then((found) => {
      if (model.parameter.peek() === x && second.peek() === y) pair.value = found;
    });
  });
  const drawing = useComputed(() => {
    const board = model.board.value;
    const [x, y] = board ? [parameterColumn(board, model.parameter.value), parameterColumn(board, second.value)] : [];
    if (!wanted.value || !board || !x || !y) return null;
    return { board, x: x.name, y: y.name, pair: pair.value?.state === "ready" ? pair.value.value : null, shown: selection.shown.value };
  });
  if (frozen || model.parameters.value.length < 2) return null;
  return (
    <Panel
      id="pair" title="Two parameters"
      tools={wanted.value && (
        <select aria-label="Second parameter" value={second.value} onChange={(event) => (other.value = event.currentTarget.value)}>
          {model.parameters.value.filter((column) => column.label !== model.parameter.value).map((column) => <option value={column.label}>{column.label}</option>)}
        </select>
      )}
      table={() => {
        const data = drawing.peek();
        return data && pairChart.rows(data);
      }}
    >
      {wanted.value ? (
        <>
          <ChartHost
            id="pair" data={drawing}
            make={(element) => pairChart.pair(element, { onHover: (row) => (selection.hover.value = row), onPick: (row) => (model.current.value = row) })}
          />
          {pair.value === null && <p class="note" role="status">The model is asked …</p>}
          {pair.value?.state === "failed" && <p class="note">Without the model's mean: {pair.value.why}</p>}
        </>
      ) : (
        <p class="note">
          <button type="button" onClick={() => (wanted.value = true)}>Show {model.parameter.value} and {second.value}</button>{" "}
          as contours of the model's mean, with the runs on them.
        </p>
      )}
    </Panel>
  );
}
