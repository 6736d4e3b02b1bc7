/** What lies below the first screen: importance, parameters one or two at a time, agents and slots. */
import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import * as importanceChart from "../charts/importance";
import * as pairChart from "../charts/pair";
import * as sliceChart from "../charts/slice";
import { shorter } from "../charts/slice-geometry";
import * as timelineChart from "../charts/timeline";
import { fetched } from "../data/source";
import { counted } from "../format";
import { Clamped } from "./clamped";
import { callbacks, drawn } from "./drawing";
import type { SweepModel } from "./model";
import { PairChart, SecondParameter } from "./pair";
import { ChartHost, Panel } from "./panel";
import { importanceHeight, SLICE_HEIGHT, timelineHeight } from "./waiting";

export function Insights({ model }: { readonly model: SweepModel }): JSX.Element {
  const sweep = model.data.subject.kind === "sweep";
  return (
    <>
      {sweep && <ImportancePanel model={model} />}
      {sweep && <SlicePanel model={model} />}
      <TimelinePanel model={model} />
    </>
  );
}

function ImportancePanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const { data, selection } = model;
  const state = data.importance.value;
  return (
    <Panel id="importance" title="Importance" size="small" table={() => drawn(model.importanceData.peek(), importanceChart.rows)}>
      <div style={{ minHeight: `${importanceHeight(model.parameters.value)}px` }}>
        {state.state === "loading" && <p class="note" role="status">The model is fitted …</p>}
        {state.state === "failed" && <p class="notice warn"><Clamped text={state.why} lines={6} coded /></p>}
        {state.state === "ready" && (
          <ChartHost
            free data={model.importanceData}
            make={(element) => importanceChart.importance(element, { onSelect: (parameter) => (selection.parameter.value = parameter) })}
          />
        )}
      </div>
    </Panel>
  );
}

function SlicePanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const { data, selection } = model;
  const asked = useComputed(() => `${data.insights.value} ${model.parameter.value}`);
  useSignalEffect(() => {
    asked.value;
    const parameter = model.parameter.peek();
    if (!parameter || data.insights.peek() === 0) return;
    void fetched(data.source.slice(data.subject.id, parameter)).then((slice) => {
      if (model.parameter.peek() === parameter) model.slice.value = slice;
    });
  });
  const second = model.second.value;
  return (
    <Panel
      id="slice" title={second ? "Two parameters" : "One parameter"} size="small" height={SLICE_HEIGHT}
      tools={
        <>
          <select aria-label="Parameter" value={model.parameter.value} onChange={(event) => (selection.parameter.value = event.currentTarget.value)}>
            {model.parameters.value.map((column) => <option value={column.label}>{column.label}</option>)}
          </select>
          <SecondParameter model={model} />
          {!second && <button type="button" aria-pressed={model.rank.value} title="Ranks instead of values: one outlier flattens nothing" onClick={() => (model.rank.value = !model.rank.value)}>rank</button>}
        </>
      }
      table={() => (second ? drawn(model.pairData.peek(), pairChart.rows) : drawn(model.sliceData.peek(), sliceChart.rows))}
    >
      {second ? <PairChart model={model} /> : (
        <>
          <ChartHost id="slice" data={model.sliceData} make={(element) => sliceChart.slice(element, callbacks(model))} />
          <SliceCaption model={model} />
        </>
      )}
    </Panel>
  );
}

/** One line at least, which is there before the model is. */
function SliceCaption({ model }: { readonly model: SweepModel }): JSX.Element {
  const slice = model.slice.value;
  const { board, step } = model.sliceData.value ?? {};
  const early = board ? shorter(board, step ?? null).size : 0;
  if (slice === null) return <p class="caption" role="status">The model is fitted …</p>;
  if (slice.state === "failed") return <p class="note"><Clamped text={`Without the model's mean: ${slice.why}`} lines={2} coded /></p>;
  const drawn = model.sliceData.value?.slice && !model.rank.value;
  const words = [
    early && (model.rank.value ? `ranked without ${counted(early, "run")} not at their end` : "hollow: ended early or under way, its value at that step"),
    drawn && "line and band: what the model expects, averaged over all other parameters",
  ].filter(Boolean).join("; ");
  return <p class="caption clip" title={words}>{words}</p>;
}

function TimelinePanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const data = useComputed(() => {
    const board = model.board.value;
    return board && { board, shown: model.selection.shown.value };
  });
  const height = useComputed(() => {
    model.data.version.value;
    return timelineHeight(model.board.value?.head);
  });
  return (
    <Panel id="timeline" title="Agents and slots" size="broad" height={height.value} table={() => drawn(data.peek(), timelineChart.rows)}>
      <ChartHost id="timeline" data={data} make={(element) => timelineChart.timeline(element, callbacks(model))} />
    </Panel>
  );
}
