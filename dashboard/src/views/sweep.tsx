/** One sweep on one screen (or a project's runs outside of sweeps): panels over the same runs, all linked. */
import { batch, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import * as curvesChart from "../charts/curves";
import { BANDS } from "../charts/curves-place";
import { pngOf, save, svgOf } from "../charts/export";
import * as historyChart from "../charts/history";
import * as parallelChart from "../charts/parallel";
import { parallelScene } from "../charts/parallel-scene";
import { ofEarlierFile } from "../charts/words";
import type { Subject } from "../data/source";
import { SweepData } from "../data/sweep";
import { counted, elided, number } from "../format";
import { leisure } from "../leisure";
import { address, linkTo, type Place } from "../router";
import { inFull } from "../state/labels";
import { liveness, say, title } from "../state/page";
import { shownValue } from "../state/rows";
import { bind } from "../state/url";
import type { Board, DataTable, Source } from "../types";
import { Clamped } from "./clamped";
import { FilterBar, SEARCH } from "./filter";
import { Head } from "./head";
import { callbacks, drawn } from "./drawing";
import { Health } from "./health";
import { useKeys } from "./keys";
import { Later } from "./later";
import { Marks } from "./marks";
import { Menu } from "./menu";
import { SweepModel } from "./model";
import { ChartHost, Panel } from "./panel";
import { RunsTable, type TableKeys } from "./table";
import { WaitingPanels } from "./waiting";

/** Panels below the first screen come after it. */
const insights = async () => {
  await leisure();
  return (await import("./insights")).Insights;
};

export interface SweepPageProps {
  readonly subject: Subject;
  readonly source: Source;
}

export function SweepPage({ subject, source }: SweepPageProps): JSX.Element {
  const model = useMemo(() => new SweepModel(new SweepData(subject, source)), [subject.kind, subject.id, source]);
  const { data, selection } = model;
  // Before the first drawing: a report's data are there already, and a server is asked a frame earlier.
  useLayoutEffect(() => {
    let unbind = (): void => undefined;
    let over = false;
    const place: Place = { view: subject.kind, id: subject.id };
    const metric = address.peek().query.get("metric") ?? undefined;
    void data.open(metric, () => {
      if (!over) unbind = bind(selection, place);
    });
    return () => {
      over = true;
      unbind();
      data.close();
      liveness.value = null;
    };
  }, [model]);
  useSignalEffect(() => {
    data.version.value;
    // Nothing is awaited of what is not there.
    liveness.value = data.board.value.state === "failed" ? null : data.liveness.value;
    const head = model.board.value?.head;
    const name = head ? head.name || head.id || head.project : subject.id;
    title.value = subject.kind === "project" ? [{ text: name }]
      : [...(head ? [{ text: head.project, href: linkTo({ view: "project", id: head.project }) }] : []), { text: name }];
  });
  useSignalEffect(() => {
    const metric = selection.metric.value;
    if (model.board.value) void data.showMetric(metric);
  });
  useSignalEffect(() => {
    void data.showTimes(model.curvesX.value === "time");
  });
  const keys = useRef<TableKeys | null>(null);
  useKeys({
    search: () => document.getElementById(SEARCH)?.focus(),
    move: (by) => keys.current?.move(by),
    open: () => keys.current?.open(),
    choose: () => keys.current?.choose(),
    clear: () => {
      if (model.current.value >= 0 || selection.hover.value >= 0) {
        model.current.value = -1;
        selection.hover.value = -1;
      } else selection.clear();
    },
  });

  const state = data.board.value;
  if (state.state === "loading") return <p class="waiting" role="status">Loading the runs …</p>;
  if (state.state === "failed") {
    return (
      <div class="empty" role="alert">
        <h1>{subject.kind === "sweep" ? `Sweep ${subject.id}` : `Project ${subject.id}`} cannot be shown</h1>
        <p><Clamped text={state.why} lines={8} coded /></p>
        <p><button type="button" onClick={() => void data.retry()}>Try again</button>{" "}<a href={linkTo({ view: "sweeps" })}>All sweeps</a></p>
      </div>
    );
  }
  return (
    <>
      <Head model={model} />
      {subject.kind === "sweep" && <Health model={model} />}
      <Body model={model} keys={keys} />
    </>
  );
}

function Body({ model, keys }: { readonly model: SweepModel; readonly keys: { current: TableKeys | null } }): JSX.Element {
  const { data } = model;
  const empty = useComputed(() => {
    data.version.value;
    return (model.board.value?.n ?? 0) === 0;
  });
  const sweep = data.subject.kind === "sweep";
  if (empty.value) return <NoRuns model={model} />;
  return (
    <>
      <FilterBar model={model} />
      <div class="panels">
        <ParallelPanel model={model} />
        <CurvesPanel model={model} />
        {model.board.value?.head.metric && <HistoryPanel model={model} />}
        <Later load={insights} props={{ model }} wait={<WaitingPanels sweep={sweep} head={model.board.value?.head} parameters={model.parameters.value} />} />
        <RunsTable model={model} keys={keys} />
      </div>
      <Picked model={model} />
      {sweep && <SweepFile model={model} />}
    </>
  );
}

function NoRuns({ model }: { readonly model: SweepModel }): JSX.Element {
  const head = model.board.value?.head;
  if (model.data.subject.kind === "project") {
    return <div class="empty"><p>This project has no runs outside of sweeps. A script that calls <code>swept.init()</code> or <code>wandb.init()</code> makes one.</p></div>;
  }
  return (
    <div class="empty">
      <p>No run has begun yet{head?.state === "running" || head?.state === "pending" ? ": an agent has to ask for one" : ""}.</p>
      <pre>swept agent {head?.id}</pre>
      <p class="muted">This page shows the first run as soon as it starts.</p>
      <SweepFile model={model} />
    </div>
  );
}

function ParallelPanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const { selection } = model;
  const host = useRef<HTMLDivElement>(null);
  const names = (): string[] => model.axes.peek().map((column) => column.name);
  const scene = (): ReturnType<typeof parallelScene> | null => {
    const drawn = model.parallelData.peek();
    return drawn && parallelScene(drawn, { width: Math.max(900, host.current?.clientWidth ?? 0), height: 420 });
  };
  const file = `${model.board.value?.head.name || "runs"}-parallel`;
  const shown = new Set(model.axes.value.map((column) => column.name));
  const labels = model.labels.value;
  const all = [...selection.columns.value.values()].filter((column) => column.kind !== "time" && (labels.has(column.name) || shown.has(column.name)));
  return (
    <Panel
      id="parallel" title="Parallel coordinates" size="wide" height={340}
      tools={
        <>
          <StepSlider model={model} />
          <Menu label="Axes">
            {all.map((column) => (
              <label><input type="checkbox" checked={shown.has(column.name)} onChange={() => {
                selection.axes.value = shown.has(column.name) ? names().filter((name) => name !== column.name) : [...names(), column.name];
              }} />{inFull(column, labels)}{column.inert && <span class="muted">: no effect</span>}</label>
            ))}
            <button type="button" onClick={() => batch(() => {
              selection.axes.value = [];
              selection.flipped.value = new Set();
            })}>The usual ones</button>
          </Menu>
          <Menu label="Save">
            <button type="button" onClick={() => {
              const drawn = scene();
              if (drawn) save(svgOf(drawn), `${file}.svg`);
            }}>SVG</button>
            <button type="button" onClick={() => {
              const drawn = scene();
              if (drawn) void pngOf(drawn).then((image) => save(image, `${file}.png`, "image/png"), () => say("the browser could not draw the image"));
            }}>PNG</button>
          </Menu>
        </>
      }
      table={() => figuresOf(model)}
    >
      <div ref={host}>
        <ChartHost
          id="parallel" data={model.parallelData}
          make={(element) => parallelChart.parallel(element, {
            ...callbacks(model),
            onClear: () => (selection.brushes.value = new Map()),
            onOrder: (order) => (selection.axes.value = order),
            onFlip: (name) => {
              const flipped = new Set(selection.flipped.value);
              if (!flipped.delete(name)) flipped.add(name);
              selection.flipped.value = flipped;
            },
            onHide: (name) => (selection.axes.value = names().filter((one) => one !== name)),
            label: (row) => {
              const board = model.board.peek();
              if (!board) return "";
              const version = ofEarlierFile(board, row) ? `, file version ${board.specVersions[row]}` : "";
              return `#${board.numbers[row] ?? ""} ${elided(board.names[row] ?? "", 40)}${version}`;
            },
          })}
        />
      </div>
      <ParallelCaption model={model} />
    </Panel>
  );
}

/** How many runs early stopping ended, or has wait, and the last step that all of them have. */
function endedEarly({ columns, states }: Board): { readonly runs: number; readonly step: number } | null {
  const [steps, values] = [columns.get("steps")?.values, columns.get("value")?.values];
  const short = states.flatMap((state, row) => (state === "stopped" || state === "paused" ? [row] : []))
    .filter((row) => Number.isFinite(values?.[row]) && (steps?.[row] ?? 0) >= 1);
  const step = short.reduce((least, row) => Math.min(least, steps?.[row] ?? Infinity), Infinity);
  return short.length ? { runs: short.length, step } : null;
}

/** Axes hold what the search suggested, as the model has it: where runs had something else, that is said. */
function ParallelCaption({ model }: { readonly model: SweepModel }): JSX.Element {
  model.data.version.value;
  const board = model.board.value;
  const early = board && model.selection.step.value === null ? endedEarly(board) : null;
  const others = new Set([...(board?.effective.values() ?? [])].flatMap((values) => [...values.keys()])).size;
  return (
    <p class="caption">
      <span>drag along an axis to keep a range</span>
      {early && <span>{counted(early.runs, "run")} ended early: <button type="button" class="link" onClick={() => (model.selection.step.value = early.step)}>step {number(early.step)} compares all</button></span>}
      {others > 0 && <span>axes show what was suggested: {counted(others, "run")} ran with other values, which hover and table say</span>}
    </p>
  );
}

function figuresOf(model: SweepModel): DataTable | null {
  const board = model.board.peek();
  if (!board) return null;
  const columns = model.axes.peek();
  const { kept, order } = model.selection.shown.peek();
  const rows = [...order].filter((row) => kept[row]).reverse();
  return { columns: ["run", ...columns.map((column) => column.label)], rows: rows.map((row) => [board.numbers[row] ?? null, ...columns.map((column) => shownValue(column, row))]) };
}

/** How the picture formed: all panels as they were when every run had come that far. */
function StepSlider({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const { selection } = model;
  const most = model.longest.value;
  const metric = model.board.value?.head.metric?.name;
  const objective = selection.metric.value === "" || selection.metric.value === metric;
  if (most < 2 || metric === undefined) return null;
  const step = selection.step.value;
  return (
    <label title={objective ? "The objective as it was at this step of each run" : "Show the objective's curves to move through its steps"}>
      step
      <input
        type="range" min={1} max={most} value={step ?? most} disabled={!objective} aria-label="Values as they were at a step"
        aria-valuetext={step === null ? "the end" : `step ${step}`}
        onInput={(event) => {
          const at = event.currentTarget.valueAsNumber;
          selection.step.value = at >= most ? null : at;
        }}
      />
      <span style={{ minWidth: "3em" }}>{step ?? "end"}</span>
    </label>
  );
}

function CurvesPanel({ model }: { readonly model: SweepModel }): JSX.Element {
  const { data, selection } = model;
  const objective = model.board.value?.head.metric?.name ?? "";
  const metrics = data.metrics.value.length ? data.metrics.value : [objective].filter(Boolean);
  const state = data.curves.value;
  const over = state.state === "ready" ? state.value.over ?? "step" : "step";
  return (
    <Panel
      id="curves" title="Learning curves" height={320} size={objective ? "half" : "wide"}
      tools={
        <>
          <select class="steady" aria-label="Metric" value={selection.metric.value || objective || metrics[0]} onChange={(event) => {
            const metric = event.currentTarget.value;
            selection.metric.value = metric === objective ? "" : metric;
          }}>
            {metrics.map((name) => <option value={name}>{name}</option>)}
          </select>
          <select aria-label="Over" value={model.curvesX.value} onChange={(event) => (model.curvesX.value = event.currentTarget.value === "time" ? "time" : "step")}>
            <option value="step">{over}</option>
            <option value="time" disabled={data.source.frozen}>time</option>
          </select>
          <Menu label="Scales">
            <label><input type="checkbox" checked={model.logX.value} onChange={() => (model.logX.value = !model.logX.value)} />logarithmic {model.curvesX.value === "time" ? "times" : over === "step" ? "steps" : over}</label>
            <label><input type="checkbox" checked={model.logY.value} onChange={() => (model.logY.value = !model.logY.value)} />logarithmic values</label>
            <label>smoothing<input type="range" min={0} max={0.98} step={0.02} value={model.smoothing.value}
              onInput={(event) => (model.smoothing.value = event.currentTarget.valueAsNumber)} /></label>
          </Menu>
        </>
      }
      table={() => drawn(model.curvesData.peek(), curvesChart.rows)}
    >
      {state.state === "failed" ? <p class="notice warn"><Clamped text={state.why} lines={6} coded /></p> : <ChartHost id="curves" data={model.curvesData} make={(element) => curvesChart.curves(element, callbacks(model))} />}
      <CurvesCaption model={model} />
    </Panel>
  );
}

/** What in the picture does not speak for itself. */
function CurvesCaption({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const objective = model.selection.metric.value === "";
  model.data.curvesVersion.value;
  const { value: curves } = model.data.curves;
  const lacking = curves.state === "ready" ? curves.value.lacking ?? 0 : 0;
  // What comes late stands behind what was there.
  const words = [
    "drag to zoom",
    model.board.value?.head.rungs.length && model.curvesX.value === "step" ? "rung: early stopping looks here" : "",
    lacking && curves.state === "ready" ? `without ${counted(lacking, "run")} that reported no ${curves.value.over ?? "step"}` : "",
    objective && model.curvesX.value === "step" && endsDrawn(model) ? "dashed, with band: the expected end" : "",
  ].filter(Boolean);
  return <p class="caption late">{words.map((word) => <span key={word}>{word}</span>)}</p>;
}

/** Not asked of the chart's own data, which are others with each hover. */
function endsDrawn(model: SweepModel): boolean {
  const ends = model.data.forecasts.value;
  return ends.length > 0 && (ends.length <= BANDS || ends.some(({ row }) => model.board.value?.states[row] === "running"));
}

function HistoryPanel({ model }: { readonly model: SweepModel }): JSX.Element {
  return (
    <Panel
      id="history" title="History" height={320}
      tools={
        <select aria-label="Over" value={model.historyX.value} onChange={(event) => (model.historyX.value = event.currentTarget.value === "ended" ? "ended" : "number")}>
          <option value="number">by run</option>
          <option value="ended">by end</option>
        </select>
      }
      table={() => drawn(model.historyData.peek(), historyChart.rows)}
    >
      <ChartHost id="history" data={model.historyData} make={(element) => historyChart.history(element, callbacks(model))} />
      <Marks model={model} line="best so far" />
    </Panel>
  );
}

/** What is chosen for comparison, and where that leads. */
function Picked({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const { selection } = model;
  const chosen = [...selection.chosen.value];
  const board = model.board.value;
  if (!chosen.length || !board) return null;
  const ids = chosen.flatMap((row) => board.ids[row] ?? []);
  return (
    <div class="picked" role="region" aria-label="Chosen runs">
      <b>{counted(chosen.length, "run")} chosen</b>
      <span class="muted clip">{chosen.slice(0, 6).map((row) => named(board, row)).join(", ")}{chosen.length > 6 ? " …" : ""}</span>
      {chosen.length >= 2 && chosen.length <= 8
        ? <a class="button" href={linkTo({ view: "compare", ids })}>Compare</a>
        : <span class="muted">{chosen.length < 2 ? "choose another one to compare" : "at most 8 can be compared"}</span>}
      <button type="button" onClick={() => (selection.chosen.value = new Set())}>Choose none</button>
    </div>
  );
}

function named(board: Board, row: number): string {
  const value = board.columns.get("value")?.values[row] ?? NaN;
  return `#${board.numbers[row]}${Number.isNaN(value) ? "" : ` (${number(value)})`}`;
}

function SweepFile({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const head = model.board.value?.head;
  const open = useSignal(false);
  if (!head?.text) return null;
  return (
    <details class="section" open={open.value} onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary class="muted">The sweep's file{head.path ? `, ${head.path}` : ""}</summary>
      {open.value && <pre style={{ overflowX: "auto" }}>{head.text}</pre>}
    </details>
  );
}

