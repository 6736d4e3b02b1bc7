/** One run: whatever it reported, printed, kept and was told, live. The same for a sweep's runs and for those by hand. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { counted, duration, moment, shortened } from "../format";
import { address, go, linkTo } from "../router";
import type { Frozen } from "../data/frozen";
import { trainedSeconds } from "../data/trained";
import { Gallery } from "../media/Gallery";
import { pictures } from "../media/parse";
import { Configuration } from "./Configuration";
import { Console } from "./Console";
import { RunData, type RunView } from "./data";
import { FileList, loggedFiles, SavedPictures } from "./Files";
import { Metrics } from "./Metrics";
import { liveness, title, withLogin } from "../state/page";
import { Clamped } from "../views/clamped";
import { Coded } from "../views/coded";
import { RunLink } from "../views/head";
import { useLines } from "./curves";
import { againstWords, distanceWords, placeWords, standing, without, worth, type Distance } from "./standing";
import { Story } from "./Story";
import { useSweep, type OfSweep } from "./sweep";
import { System } from "./System";
import { told } from "./values";
import "./run.css";

type Tab = "metrics" | "media" | "configuration" | "console" | "system" | "files" | "story";
const TABS: readonly (readonly [Tab, string])[] = [
  ["metrics", "Metrics"], ["media", "Media"], ["configuration", "Configuration"], ["console", "Console"], ["system", "System"],
  ["files", "Files"], ["story", "History"],
];

const LIVE_ONLY: ReadonlySet<Tab> = new Set(["console", "system", "files"]);

export function RunPage({ id, report = null }: { id: string; report?: Frozen | null }) {
  const [data, setData] = useState<RunData | null>(null);
  useEffect(() => {
    const made = new RunData(id, report);
    setData(made);
    void made.open();
    return () => made.close();
  }, [id, report]);
  if (!data || data.id !== id) return <p class="waiting" role="status">Loading…</p>;
  return <Opened data={data} />;
}

function Opened({ data }: { data: RunData }) {
  const found = data.run.value;
  if (found.state === "loading") return <p class="waiting" role="status">Loading…</p>;
  if (found.state === "failed") {
    return (
      <div class="empty" role="alert"><h1>This run cannot be shown</h1><p><Coded text={found.why} /></p>
        <p><button type="button" onClick={() => location.reload()}>Try again</button>{" "}<a href={linkTo({ view: "sweeps" })}>All sweeps</a></p></div>
    );
  }
  return <Whole data={data} run={found.value} />;
}

function Whole({ data, run }: { data: RunData; run: RunView }) {
  const found = useSweep(run, data);
  const objective = found.board?.head.metric?.name ?? "";
  const sweepName = found.board?.head.name ?? "";
  const tab = tabOf(address.value.query.get("tab"));
  void data.version.value;
  const { media } = data.history;
  const files = data.files.value;
  const logged = useMemo(() => loggedFiles(data.history), [data.version.value]);
  useEffect(() => {
    title.value = [
      run.sweep === null
        ? { text: run.project, href: linkTo({ view: "project", id: run.project }) }
        : { text: sweepName || run.sweep, href: linkTo({ view: "sweep", id: run.sweep }) },
      { text: run.name || run.id },
    ];
  }, [run.name, run.id, run.sweep, run.project, sweepName]);
  const ended = run.ended !== null;
  useEffect(() => {
    // Of a run that is over nothing is awaited.
    liveness.value = ended || data.report ? null : data.liveness.value;
    return () => {
      liveness.value = null;
    };
  }, [data.liveness.value, ended]);
  useEffect(() => {
    document.getElementById(`tab-${tab}`)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab]);
  const choose = (next: Tab): void => {
    const query = new URLSearchParams(address.peek().query);
    if (next === "metrics") query.delete("tab");
    else query.set("tab", next);
    const asked = query.toString();
    go(linkTo({ view: "run", id: run.id }) + (asked ? `?${asked}` : ""), { replace: true });
  };
  // A report holds neither what was printed nor files that are no images.
  const tabs = data.report ? TABS.filter(([name]) => !LIVE_ONLY.has(name)) : TABS;
  const saved = useMemo(() => pictures(files.map((file) => file.name), logged), [files, logged]);
  const counts: Partial<Record<Tab, number>> = { media: media.size + saved.length, files: files.length };
  return (
    <div class="run-view">
      <Head data={data} run={run} objective={objective} sweepName={sweepName} found={found} />
      <div class="tabs" role="tablist" aria-label="the run's parts" onKeyDown={(event) => {
        const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (by === undefined) return;
        const place = tabs.findIndex(([name]) => name === tab);
        const next = tabs[(place + by + tabs.length) % tabs.length]?.[0] ?? tab;
        choose(next);
        document.getElementById(`tab-${next}`)?.focus();
      }}>
        {tabs.map(([name, label]) => (
          <button key={name} id={`tab-${name}`} type="button" role="tab" aria-selected={tab === name} aria-controls="tab-panel"
            tabIndex={tab === name ? 0 : -1} onClick={() => choose(name)}>
            {label}{counts[name] ? <span class="muted"> {counts[name]}</span> : null}
          </button>
        ))}
      </div>
      <div id="tab-panel" class="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "metrics" && <Metrics data={data} run={run} objective={objective} />}
        {tab === "media" && (
          <>
            {media.size > 0 && <Gallery run={run.id} media={media} charts={run.details["charts"]} />}
            <SavedPictures run={run.id} files={files} found={saved} />
            {!media.size && !saved.length && <p class="none">It logged no images, tables or other media.</p>}
          </>
        )}
        {tab === "configuration" && <Configuration run={run} />}
        {tab === "console" && <Console data={data} run={run} />}
        {tab === "system" && <System data={data} run={run} />}
        {tab === "files" && <FileList run={run.id} files={files} artifacts={data.artifacts.value} />}
        {tab === "story" && <Story run={run} related={data.related.value} ways={data.ways.value} />}
      </div>
    </div>
  );
}

function tabOf(text: string | null): Tab {
  return TABS.find(([name]) => name === text)?.[0] ?? "metrics";
}

interface HeadProps { data: RunData; run: RunView; objective: string; sweepName: string; found: OfSweep }

/** Why runs end that do; it says nothing that the state does not. */
const ORDINARY: ReadonlySet<string> = new Set(["the program ended", "the program finished"]);

function Head({ data, run, objective, sweepName, found }: HeadProps) {
  const now = Date.now() / 1000;
  const value = typeof run.value === "number" ? told(run.value) : "–";
  const best = typeof run.best_value === "number" ? told(run.best_value) : "–";
  const last = data.history.steps.at(-1);
  const waits = run.attempts.at(-1)?.reason;
  return (
    <header class="head">
      <div class="title">
        <h1><Clamped text={run.name || run.id} lines={2} /></h1>
        <span class={`state ${run.state}`}>{run.state}</span>
        {run.sweep !== null
          ? <span class="muted">{run.kind} run {run.number} of <a href={linkTo({ view: "sweep", id: run.sweep })}>{sweepName || run.sweep}</a></span>
          : <span class="muted">by hand, in <a href={linkTo({ view: "project", id: run.project })}>{run.project}</a></span>}
        {!data.report && <Actions data={data} run={run} />}
      </div>
      {run.desired !== "go" && run.state === "running" && <p class="notice warn">{`It was asked to ${run.desired}; it does so at its next report.`}</p>}
      {run.ended_because && run.ended !== null && !ORDINARY.has(run.ended_because) && <p class="because"><span class="muted">{`It ${run.state === "stopped" ? "was stopped" : "ended"}: `}</span><Clamped text={run.ended_because} /></p>}
      {run.state === "paused" && waits && <p class="because"><span class="muted">It waits: </span><Clamped text={waits} /></p>}
      <dl class={run.sweep === null ? "figures" : "figures ofsweep"}>
        {(run.curve.length > 0 || run.value !== null) && <div><dt title={objective}>{shortened(objective) || "objective"}</dt><dd>{value}<small>{`at step ${run.steps}${best === value ? "" : `, best on the way ${best}`}`}</small></dd></div>}
        {run.sweep !== null && <Standing run={run.id} found={found} report={data.report} />}
        <div><dt>steps</dt><dd>{last ?? "–"}<small>{counted(data.history.steps.length, "report")}</small></dd></div>
        <div><dt title="All attempts together, without the time in between">{run.ended !== null ? "took" : run.state === "running" ? "running for" : "trained for"}</dt>
          <dd>{duration(trainedSeconds(run, now))}
            <small>{run.started === null ? "not started" : `from ${moment(run.started)}`}</small></dd></div>
        <div><dt>attempts</dt><dd>{run.attempts.length}<small>{run.attempts.length ? `on ${[...new Set(run.attempts.map((one) => one.host))].join(", ")}` : ""}</small></dd></div>
        <div class="why"><dt>chosen because</dt><dd class="sentence"><Clamped text={run.why || "–"} lines={4} /></dd></div>
      </dl>
    </header>
  );
}

/** Their places are there before the sweep is known: nothing moves. */
function Standing({ run, found: { board, noise }, report }: { run: string; found: OfSweep; report: Frozen | null }) {
  const row = board?.rows.get(run);
  const lines = useLines(board?.head.metric ? board : null, row ?? -1, report);
  if (board && !board.head.metric) return null;
  const stands = board && row !== undefined ? standing(board, row, (at) => lines.get(board.ids[at] ?? "") ?? null) : null;
  const [place, of] = stands ? placeWords(stands) : ["–", board && row !== undefined ? without(board, row) : ""];
  const none = !stands ? "no value to compare" : lines.size ? "no step that both have a value of" : "";
  const far = (label: string, distance: Distance | null, otherwise: string) => {
    const [by, share] = distance ? distanceWords(distance) : ["–", ""];
    const said = distance && distance.step === null && worth(distance, noise);
    return (
      <div><dt>{label}</dt><dd>{by}{share && <span class="share"> {share}</span>}
        <small>{distance && board ? <>{againstWords(distance)} <RunLink board={board} row={distance.row} />{said && <span title="A single training varies by so much (one standard deviation, from repeats)">; {said}</span>}</> : otherwise}</small></dd></div>
    );
  };
  const { head } = board ?? {};
  return (
    <>
      <div><dt>place in the sweep</dt><dd>{place}<small>{of}</small></dd></div>
      {far("against the baseline", stands?.toBaseline ?? null, !head ? "" : head.baseline < 0 ? "this sweep has no baseline" : head.baseline === row ? "this is the baseline" : none)}
      {far("against the best", stands?.toBest ?? null, !head ? "" : stands?.best ? "this is the sweep's best" : head.best < 0 ? "no run has a value yet" : none)}
    </>
  );
}

function Actions({ data, run }: { data: RunData; run: RunView }) {
  const ended = run.ended !== null;
  const button = (label: string, act: () => Promise<unknown>, done: string) => (
    <button key={label} type="button" onClick={() => void withLogin(act, done)}>{label}</button>
  );
  const again = async (): Promise<void> => {
    const made = await data.retry();
    if (made) go(linkTo({ view: "run", id: made }));
  };
  const shown = [
    !ended && run.state === "running" && run.desired === "go" && run.kind !== "manual" && button("Pause", () => data.order("pause"), "It is asked to pause."),
    !ended && (run.state === "paused" || run.desired !== "go") && button("Resume", () => data.order("go"), "It goes on."),
    !ended && run.desired !== "stop" && button("Stop", () => data.order("stop"), "It is asked to stop."),
    ended && run.kind !== "manual" && run.kind !== "prior" && button("Try again", again, "A new run of the same configuration waits for an agent."),
  ].filter(Boolean);
  return shown.length ? <div class="actions">{shown}</div> : null;
}
