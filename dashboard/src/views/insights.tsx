/** What lies below the first screen: importance, parameters one or two at a time, agents and slots. */
import { useComputed, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import * as importanceChart from "../charts/importance";
import * as pairChart from "../charts/pair";
import * as sliceChart from "../charts/slice";
import * as timelineChart from "../charts/timeline";
import { fetched } from "../data/source";
import { callbacks, drawn } from "./drawing";
import type { SweepModel } from "./model";
import { PairChart, SecondParameter } from "./pair";
import { ChartHost, Panel } from "./panel";

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
      {state.state === "loading" && <p class="note" role="status">The model is fitted …</p>}
      {state.state === "failed" && <p class="notice warn">{state.why}</p>}
      {state.state === "ready" && (
        <ChartHost
          free data={model.importanceData}
          make={(element) => importanceChart.importance(element, { onSelect: (parameter) => (selection.parameter.value = parameter) })}
        />
      )}
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
  const slice = model.slice.value;
  const second = model.second.value;
  return (
    <Panel
      id="slice" title={second ? "Two parameters" : "One parameter"} size="small"
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
          {model.sliceData.value?.slice && !model.rank.value && <p class="caption">line and band: what the model expects, averaged over all other parameters</p>}
          {slice === null && <p class="caption" role="status">The model is fitted …</p>}
          {slice?.state === "failed" && <p class="note">Without the model's mean: {slice.why}</p>}
        </>
      )}
    </Panel>
  );
}

function TimelinePanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const data = useComputed(() => {
    const board = model.board.value;
    return board && { board, shown: model.selection.shown.value };
  });
  const lanes = useComputed(() => {
    model.data.version.value;
    return (model.board.value?.head.agents ?? []).reduce((sum, agent) => sum + Math.max(1, agent.slots), 0);
  });
  return (
    <Panel id="timeline" title="Agents and slots" size="broad" height={Math.min(320, 84 + 22 * Math.max(1, lanes.value))} table={() => drawn(data.peek(), timelineChart.rows)}>
      <ChartHost id="timeline" data={data} make={(element) => timelineChart.timeline(element, callbacks(model))} />
    </Panel>
  );
}
