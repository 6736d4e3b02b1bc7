/** All sweeps at a glance, and the projects that have runs outside of them. */
import { batch, computed, useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { bars, type BarsData } from "../charts/bars";
import { sparkline } from "../charts/sparkline";
import { STATES } from "../charts/states";
import { spelled } from "../data/board";
import { listen, type Message } from "../data/live";
import { fetched, overview, read } from "../data/source";
import type { OverviewEntry, RunView } from "../data/wire";
import { ago, counted, duration, number, percentOf, signed } from "../format";
import { linkTo } from "../router";
import { dark, liveness, title } from "../state/page";
import type { Fetched, RunState } from "../types";
import { State } from "./head";
import { ChartHost } from "./panel";

const AGAIN_MS = 2000;
/** A server that takes long is left alone for so many times as long. */
const SHARE = 5;

interface ByHand {
  readonly project: string;
  readonly runs: number;
  readonly last: number;
}

export function SweepsPage(): JSX.Element {
  const entries = useSignal<Fetched<readonly OverviewEntry[]>>({ state: "loading" });
  const byHand = useSignal<readonly ByHand[]>([]);
  const again = useSignal(0);
  useEffect(() => {
    title.value = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let outdated = false;
    let over = false;
    let rest = AGAIN_MS;
    let others = true;
    const load = async (): Promise<void> => {
      const began = performance.now();
      const wanted = others;
      others = false;
      const [asked, runs] = await Promise.all([
        fetched(overview()), wanted ? read<RunView[]>("/api/runs").catch(() => null) : null,
      ]);
      rest = Math.max(AGAIN_MS, SHARE * (performance.now() - began));
      if (over) return;
      batch(() => {
        if (asked.state === "ready" || entries.value.state !== "ready") entries.value = asked;
        if (runs) byHand.value = grouped(runs);
        else others ||= wanted;
      });
    };
    const changed = (message: Message): void => {
      // What happens in sweeps changes no run outside of them.
      if (message.kind === "gap" || (message.kind === "event" && message.sweep === null)) others = true;
      refresh();
    };
    const refresh = (): void => {
      outdated = true;
      if (document.visibilityState === "hidden") return;
      timer ??= setTimeout(() => {
        timer = undefined;
        outdated = false;
        void load();
      }, rest);
    };
    const looked = (): void => {
      if (outdated) refresh();
    };
    void load();
    const feed = listen("", "", changed);
    const stop = feed.state.subscribe((state) => (liveness.value = state));
    document.addEventListener("visibilitychange", looked);
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", looked);
      stop();
      feed.close();
      liveness.value = null;
    };
  }, [again.value]);
  useSignalEffect(() => {
    // After the server was away, what is shown may be old.
    if (liveness.value === "live" && entries.peek().state === "failed") again.value += 1;
  });

  const state = entries.value;
  if (state.state === "loading") return <p class="waiting" role="status">Loading the sweeps …</p>;
  if (state.state === "failed") {
    return (
      <div class="empty" role="alert">
        <h1>The sweeps cannot be shown</h1>
        <p>{state.why}</p>
        <p><button type="button" onClick={() => (again.value += 1)}>Try again</button></p>
      </div>
    );
  }
  if (!state.value.length && !byHand.value.length) return <Welcome />;
  return (
    <>
      {state.value.length > 0 && (
        <>
          <h1>Sweeps</h1>
          <SweepList entries={state.value} />
        </>
      )}
      {byHand.value.length > 0 && (
        <section class="section" aria-labelledby="by-hand">
          <h2 id="by-hand">Runs outside of sweeps</h2>
          <table class="list">
            <thead><tr><th scope="col">project</th><th scope="col">runs</th><th scope="col">last run</th></tr></thead>
            <tbody>{byHand.value.map(({ project, runs, last }) => (
              <tr key={project}>
                <td class="name"><a href={linkTo({ view: "project", id: project })}>{project}</a></td>
                <td>{counted(runs, "run")}</td><td class="muted">{ago(last)}</td>
              </tr>
            ))}</tbody>
          </table>
        </section>
      )}
    </>
  );
}

export function SweepList({ entries }: { readonly entries: readonly OverviewEntry[] }): JSX.Element {
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">sweep</th><th scope="col">state</th><th scope="col">runs</th><th scope="col" class="number" title="The best value of a whole training; a sweep's page names the run that its model expects to be best">best seen</th>
          <th scope="col" class="number">against baseline</th><th scope="col" class="line">best so far</th><th scope="col">time left</th>
          <th scope="col">last activity</th>
        </tr>
      </thead>
      <tbody>{entries.map((entry) => <Entry key={entry.id} entry={entry} />)}</tbody>
    </table>
  );
}

function grouped(runs: readonly RunView[]): readonly ByHand[] {
  const projects = new Map<string, { runs: number; last: number }>();
  for (const run of runs) {
    const known = projects.get(run.project) ?? { runs: 0, last: 0 };
    projects.set(run.project, { runs: known.runs + 1, last: Math.max(known.last, run.ended ?? run.started ?? run.created) });
  }
  return [...projects].map(([project, known]) => ({ project, ...known })).sort((one, other) => other.last - one.last);
}

function Entry({ entry }: { readonly entry: OverviewEntry }): JSX.Element {
  const counts: BarsData["counts"] = entry.counts as Partial<Record<RunState, number>>;
  const shown = useMemo(() => ({
    bar: computed(() => ({ counts, cap: entry.cap, dark: dark.value })),
    line: computed(() => ({ values: entry.line.map(spelled), label: `best so far of ${entry.name || entry.id}`, baseline: entry.baseline, dark: dark.value })),
  }), [entry]);
  const [best, baseline] = [entry.best === null ? NaN : spelled(entry.best), entry.baseline === null ? NaN : spelled(entry.baseline)];
  const gain = best - baseline;
  // What the bar's colours say, for those that cannot point at it: how runs ended other than well.
  const others = STATES.filter((state) => state !== "finished" && counts[state]).map((state) => `${counts[state]} ${state}`).join(", ");
  return (
    <tr>
      <td>
        <a class="name lines" href={linkTo({ view: "sweep", id: entry.id })}>{entry.name || entry.id}</a>
        <div class="muted lines"><a class="muted" href={linkTo({ view: "project", id: entry.project })}>{entry.project}</a> · {entry.method}{entry.metric ? ` · ${entry.metric.goal} ${entry.metric.name}` : ""}</div>
      </td>
      <td><State state={entry.state} />{entry.agents > 0 && <div class="muted nowrap">{counted(entry.agents, "agent")}</div>}</td>
      <td class="states wide"><ChartHost free data={shown.bar} make={bars} /><span class="muted nowrap">{entry.ended}{entry.cap === null ? " ended" : ` of ${entry.cap} ended`}</span>{others && <div class="muted">{others}</div>}</td>
      <td class="number best" data-label="best seen">{number(best)}</td>
      <td class="number" data-label="against baseline">
        {Number.isNaN(gain) ? <span class="muted">–</span> : <span>{signed(gain)} <small>{percentOf(gain, baseline)}</small></span>}
      </td>
      <td class="line wide"><div class="spark">{entry.line.length > 0 && <ChartHost free data={shown.line} make={sparkline} />}</div></td>
      <td class="nowrap" data-label="time left">{entry.state === "running" && entry.eta !== null ? `≈ ${duration(entry.eta)}` : <span class="muted">{entry.state === "running" ? "unknown" : "–"}</span>}</td>
      <td class="muted nowrap" data-label="last activity">{ago(entry.last_activity)}</td>
    </tr>
  );
}

function Welcome(): JSX.Element {
  return (
    <div class="empty">
      <h1>No sweeps yet</h1>
      <p>A sweep is a YAML file: which program, which hyperparameters, and what is to become better.</p>
      <pre>{"program: train.py\nmethod: bayes\nmetric: {name: val/loss, goal: minimize}\nparameters:\n  lr: {min: 0.0001, max: 0.1, distribution: log_uniform_values}"}</pre>
      <pre>swept launch sweep.yaml</pre>
      <p class="muted">Scripts that call <code>swept.init()</code> or <code>wandb.init()</code> show up here too. This page is live.</p>
    </div>
  );
}
