/** What the machine did: GPU, CPU, memory, as W&B's client or swept's agent measured it. */
import { useEffect, useMemo } from "preact/hooks";
import type { RunData, RunView } from "./data";
import { curve, systemGroups, TIME } from "./history";
import type { SeriesData } from "../charts/series";
import { dark } from "../state/page";
import { Coded } from "../views/coded";
import { ChartCard, LINES } from "./ChartCard";

export function System({ data, run }: { data: RunData; run: RunView }) {
  useEffect(() => data.want("system"), [data]);
  const version = data.systemVersion.value;
  const { system } = data;
  const names = [...system.lines.keys()].join("\n");
  const grouped = useMemo(() => systemGroups(names ? names.split("\n") : []), [names]);
  if (!grouped.length) {
    return (
      <p class="none">{version === 0 ? "Loading…"
        : <Coded text="No figures of the machine: they are measured every 15 s under `swept agent`, and by W&B's client." />}</p>
    );
  }
  return (
    <div class="groups">
      {grouped.map((group) => (
        <details class="group" key={group.name} open style={{ "--charts": group.panels.length }}>
          <summary><h2>{group.name}</h2><span class="muted">{group.panels.length}</span></summary>
          <div class="plots">
            {group.panels.map((panel) => (
              <ChartCard drawing={LINES} key={panel.title} title={panel.title} data={(): SeriesData => ({
                title: `${group.name}: ${panel.title}`,
                lines: panel.lines.map(({ name, label }) => ({ name: label, ...curve(system, name, TIME, run.started ?? run.created) })),
                xLabel: "time", xKind: "duration", logX: false, logY: false, smoothing: 0, dark: dark.value, sync: "system",
              })} />
            ))}
          </div>
        </details>
      ))}
    </div>
  );
}
