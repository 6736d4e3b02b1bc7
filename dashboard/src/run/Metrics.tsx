/** What the run reported, live: a chart a metric, grouped by prefix, each against the step metric that it was defined with. */
import { useMemo, useState } from "preact/hooks";
import type { RunData, RunView } from "./data";
import { axes, commonAxis, curve, DEFINED, groups, STEP, TIME, type Axis } from "./history";
import type { SeriesData } from "../charts/series";
import { dark } from "../state/page";
import { ChartCard, LINES } from "./ChartCard";
import { matches } from "./values";

export interface Look {
  readonly axis: Axis;
  readonly logY: boolean;
  readonly smoothing: number;
  readonly query: string;
}
export const LOOK: Look = { axis: DEFINED, logY: false, smoothing: 0, query: "" };

const OPEN_GROUPS = 8;

export function Metrics({ data, run, objective }: { data: RunData; run: RunView; objective: string }) {
  void data.version.value;
  const { history } = data;
  const [look, setLook] = useState<Look>(LOOK);
  const names = [...history.lines.keys()].join("\n");
  const grouped = useMemo(
    () => groups(names ? names.split("\n") : [], objective, run.defined), [names, objective, run.defined],
  );
  const shown = grouped
    .map((group) => ({ ...group, metrics: group.metrics.filter((name) => matches(look.query, name)) }))
    .filter((group) => group.metrics.length);
  if (!grouped.length) {
    return <p class="none">{data.loaded.value ? (run.ended === null ? "Nothing reported yet." : "It reported no numbers.") : "Loading…"}</p>;
  }
  return (
    <>
      <LookBar look={look} change={setLook} axes={axes(history, run.defined)} />
      {!shown.length && <p class="none">{`No metric is called like “${look.query}”.`}</p>}
      <div class="groups">{shown.map((group, at) => (
        <details class="group" key={group.name} open={at < OPEN_GROUPS || look.query !== ""} style={{ "--charts": group.metrics.length }}>
          <summary><h2>{group.name || "without a group"}</h2><span class="muted">{group.metrics.length}</span></summary>
          <div class="plots">
            {group.metrics.map((name) => {
              const axis = commonAxis(name, look.axis, [{ history, defined: run.defined }]);
              return (
                <ChartCard drawing={LINES} key={`${name} ${axis}`} title={name} {...(name === objective ? { badge: "objective" } : {})} data={(): SeriesData => ({
                  title: name,
                  lines: [{ name: short(name), ...curve(history, name, axis, run.started ?? run.created) }],
                  xLabel: axis === TIME ? "time" : axis,
                  xKind: axis === TIME ? "duration" : "number",
                  logX: false, logY: look.logY, smoothing: look.smoothing, dark: dark.value,
                  sync: `run ${axis}`,
                })} />
              );
            })}
          </div>
        </details>
      ))}</div>
    </>
  );
}

/** A metric's name below its group. */
function short(name: string): string {
  return name.slice(name.indexOf("/") + 1) || name;
}

/** How charts are looked at: axis, scale, smoothing, search. */
export function LookBar({ look, change, axes: named }: { look: Look; change: (look: Look) => void; axes: readonly string[] }) {
  return (
    <div class="controls" role="group" aria-label="how the charts are drawn">
      <label>x axis <select value={look.axis} onChange={(event) => change({ ...look, axis: event.currentTarget.value })}>
        <option value={DEFINED}>as defined</option>
        <option value={STEP}>step</option>
        <option value={TIME}>time</option>
        {named.map((name) => <option key={name} value={name}>{name}</option>)}
      </select></label>
      <label><input type="checkbox" checked={look.logY} onChange={(event) => change({ ...look, logY: event.currentTarget.checked })} /> log y</label>
      <label>smoothing <input type="range" min="0" max="0.99" step="0.01" value={look.smoothing}
        onInput={(event) => change({ ...look, smoothing: Number(event.currentTarget.value) })} />
        <span class="figure">{look.smoothing.toFixed(2)}</span></label>
      <input type="search" placeholder="find metrics" aria-label="find metrics" value={look.query}
        onInput={(event) => change({ ...look, query: event.currentTarget.value })} />
    </div>
  );
}
