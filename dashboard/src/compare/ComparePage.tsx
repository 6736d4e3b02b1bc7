/** Two to eight runs: their curves on one another, what differs in their configurations, their figures, their images. */
import { Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { duration } from "../format";
import { categorical, css } from "../charts/colour";
import { describe, rows as figuresOf, scatter, type ScatterData } from "../charts/scatter";
import type { SeriesData } from "../charts/series";
import type { Frozen } from "../data/frozen";
import { listen } from "../data/live";
import { fetched, read } from "../data/source";
import { trainedSeconds } from "../data/trained";
import { Lightbox, type Slide } from "../media/Lightbox";
import { atStep, isImage, stepsOfFiles, type Image } from "../media/parse";
import { MarkedPicture } from "../media/Picture";
import { occurring, stepsOf } from "../media/Gallery";
import { go, linkTo } from "../router";
import { ChartCard, LINES, type Drawing } from "../run/ChartCard";
import { RunData, type RunView } from "../run/data";
import { axes, commonAxis, curve, groups, TIME, type Defined } from "../run/history";
import { LOOK, LookBar, type Look } from "../run/Metrics";
import { differences, flatten, matches, told, whole } from "../run/values";
import { dark, liveness, title } from "../state/page";
import type { Column } from "../types";
import { common, costs, differ, goalOf, isCost, labels, metricRows, obstacles, type At, type Compared, type Goal } from "./compare";
import "../run/run.css";

const MOST = 8;
/** Runs by hand report no points of an objective: they are asked themselves. */
const ASK_MS = 2000;

export function ComparePage({ ids, report = null }: { ids: readonly string[]; report?: Frozen | null }) {
  const asked = [...new Set(ids)].slice(0, MOST).join(",");
  const [all, setAll] = useState<readonly RunData[]>([]);
  useEffect(() => {
    const made = asked ? asked.split(",").map((id) => new RunData(id, report, false)) : [];
    setAll(made);
    for (const data of made) void data.open();
    title.value = [{ text: heading(made.length) }];
    if (report) return undefined;
    const feed = listen("", "", (message) => {
      for (const data of made) if (message.kind === "gap" || message.run === data.id) data.look();
    });
    const asking = setInterval(() => {
      liveness.value = made.some(running) ? feed.state.value : null;
      for (const data of made) if (running(data)) data.look();
    }, ASK_MS);
    return () => {
      clearInterval(asking);
      feed.close();
      liveness.value = null;
      for (const data of made) data.close();
    };
  }, [asked, report]);
  const views = all.map((data) => data.run.value);
  for (const data of all) void data.version.value;
  const failed = all.filter((_, at) => views[at]?.state === "failed");
  const shown = all.flatMap((data, at) => {
    const view = views[at];
    return view?.state === "ready" ? [{ data, run: view.value }] : [];
  });
  if (all.length < 2 && asked.split(",").length < 2) {
    return (
      <div class="empty"><h1>Comparing runs</h1>
        <p>Choose two to eight runs in the table of a sweep, or name them in the address: <code>/compare?runs=ID,ID</code>.</p></div>
    );
  }
  if (shown.length + failed.length < all.length || !all.length) return <p class="waiting" role="status">Loading…</p>;
  return (
    <div class="compare-view">
      {failed.length > 0 && <p class="notice bad" role="alert">{`Not found: ${failed.map((data) => data.id).join(", ")}.`}</p>}
      {ids.length > MOST && <p class="notice warn">{`Eight runs at most are compared: the first of ${ids.length}.`}</p>}
      {shown.length > 0 && <Whole shown={shown} report={report} />}
    </div>
  );
}

function running(data: RunData): boolean {
  const view = data.run.peek();
  return view.state === "ready" && view.value.ended === null;
}

function heading(runs: number): string {
  return runs > 1 ? `Comparing ${runs} runs` : "Comparing runs";
}

interface Loaded {
  readonly data: RunData;
  readonly run: RunView;
}

function Whole({ shown, report }: { shown: readonly Loaded[]; report: Frozen | null }) {
  const objectives = useObjectives(shown.map(({ run }) => run.sweep), report);
  const [at, setAt] = useState<At | null>(null);
  const sweeps = [...objectives].map(([sweep, { sweepName }]) => ({ text: sweepName || sweep, href: linkTo({ view: "sweep", id: sweep }) }));
  const back = JSON.stringify(sweeps);
  // Back to where they are from.
  useEffect(() => {
    if (sweeps.length === 1) title.value = [...sweeps, { text: heading(shown.length) }];
  }, [back, shown.length]);
  const named = labels(shown.map(({ run }) => run));
  const compared: readonly Compared[] = shown.map(({ data, run }, place) => {
    const goals = new Map<string, Goal>();
    for (const [name, metric] of Object.entries(run.defined)) {
      if (metric.goal === "minimize" || metric.goal === "maximize") goals.set(name, metric.goal === "minimize" ? "low" : "high");
    }
    const objective = run.sweep === null ? undefined : objectives.get(run.sweep);
    if (objective) goals.set(objective.name, objective.goal === "minimize" ? "low" : "high");
    return { id: run.id, label: named[place] ?? run.id, running: run.ended === null, history: data.history, summary: run.summary, goals };
  });
  const objective = [...objectives.values()][0]?.name ?? "";
  const where: At = at ?? (differ(compared) ? common(compared) : "end");
  const remove = (id: string): void => {
    go(linkTo({ view: "compare", ids: shown.map(({ run }) => run.id).filter((other) => other !== id) }));
  };
  return (
    <>
      <header class="head">
        <div class="title"><h1>{`Comparing ${shown.length} runs`}</h1></div>
        <ul class="legend">
          {shown.map(({ run }, place) => (
            <li key={run.id}>
              <span class="swatch" style={{ background: css(categorical(place, dark.value)) }} aria-hidden="true" />
              <a href={linkTo({ view: "run", id: run.id })}>{named[place]}</a>
              <span class={`state ${run.state}`}>{run.state}</span>
              <span class="muted">{`${run.kind === "manual" ? "by hand" : run.kind}, step ${compared[place]?.history.steps.at(-1) ?? "–"}`}
                {run.started !== null && `, ${duration(trainedSeconds(run, Date.now() / 1000))}`}</span>
              {shown.length > 2 && <button type="button" class="plain" aria-label={`leave ${named[place] ?? ""} out`} onClick={() => remove(run.id)}>×</button>}
            </li>
          ))}
        </ul>
        {obstacles(compared).map((line) => <p class="notice warn" key={line}>{line}</p>)}
      </header>
      <Cost compared={compared} at={where} objective={objective} />
      <Curves compared={compared} shown={shown} objective={objective} />
      <Figures compared={compared} at={where} choose={setAt} objective={objective} />
      <Configurations shown={shown} named={named} />
      <Images shown={shown} named={named} />
    </>
  );
}

interface Objective {
  readonly name: string;
  readonly goal: string;
  readonly sweepName: string;
}

function useObjectives(sweeps: readonly (string | null)[], report: Frozen | null): ReadonlyMap<string, Objective> {
  const [found, setFound] = useState<ReadonlyMap<string, Objective>>(new Map());
  const asked = [...new Set(sweeps)].filter((sweep) => sweep !== null).join(",");
  useEffect(() => {
    let current = true;
    const each = asked.split(",").filter(Boolean).map(async (sweep) => {
      // Of the board the head alone is wanted, which is given without any row too.
      const view = await fetched(report ? report.source.board(sweep)
        : read<{ head: { name: string; metric: { name: string; goal: string } | null } }>(`/api/sweeps/${encodeURIComponent(sweep)}/board?runs=none`));
      return view.state === "ready" && view.value.head.metric ? [[sweep, { ...view.value.head.metric, sweepName: view.value.head.name }] as const] : [];
    });
    void Promise.all(each).then((all) => {
      if (current) setFound(new Map(all.flat()));
    });
    return () => {
      current = false;
    };
  }, [asked, report]);
  return found;
}

// -- accuracy over cost -----------------------------------------------------------------------------

const SCATTER: Drawing<ScatterData> = { make: (element) => scatter(element), describe, rows: figuresOf };

function Cost({ compared, at, objective }: { compared: readonly Compared[]; at: At; objective: string }) {
  const offered = costs(compared);
  const all = metricRows(compared, at);
  const measured = all.filter((row) => row.values.filter((value) => value !== undefined).length > 1 && !isCost(row.name)
    && (row.name === objective || goalOf(row.name, compared) !== null));
  const first = measured.find((row) => row.name === objective) ?? measured.find((row) => /^(test|val)/.test(row.name)) ?? measured[0];
  const [cost, setCost] = useState("");
  const [metric, setMetric] = useState("");
  const x = offered.find((one) => one.name === cost) ?? offered[0];
  const y = measured.find((row) => row.name === metric) ?? first;
  if (!x || !y) return null;
  const read = at === "end" || y.atEnds ? "at the end" : `at step ${at}`;
  const unfair = differ(compared) && y.atEnds;
  const without = compared.filter((run, place) => typeof flatten(run.summary).get(x.name) !== "number" || y.values[place] === undefined);
  const data = (): ScatterData => ({
    title: `${y.name} over ${x.label}`,
    x: columnOf(x.label, compared.map((run) => flatten(run.summary).get(x.name))),
    y: columnOf(y.name, y.values),
    labels: compared.map((run) => run.label),
    colours: compared.map((_, place) => categorical(place, dark.value)),
    better: y.goal && !unfair ? { x: "low", y: y.goal } : null,
    hover: -1, dark: dark.value,
  });
  void dark.value;
  return (
    <section aria-label="accuracy over cost">
      <h2>Accuracy over cost</h2>
      <div class="controls">
        <label>cost <select value={x.name} onChange={(event) => setCost(event.currentTarget.value)}>
          {offered.map((one) => <option key={one.name} value={one.name}>{one.label}</option>)}</select></label>
        <label>metric <select value={y.name} onChange={(event) => setMetric(event.currentTarget.value)}>
          {measured.map((row) => <option key={row.name} value={row.name}>{row.name}</option>)}</select></label>
        <span class="muted">{read}</span>
        {unfair && <span class="warn">of trainings of different lengths</span>}
        {without.length > 0 && <span class="muted">{`${without.map((run) => run.label).join(", ")}: not both known`}</span>}
      </div>
      <div class="wideplot"><ChartCard title={`${y.name} over ${x.label}`} drawing={SCATTER} data={data} /></div>
    </section>
  );
}

function columnOf(name: string, values: readonly unknown[]): Column {
  const numbers = Float64Array.from(values, (value) => (typeof value === "number" ? value : NaN));
  const known = [...numbers].filter(Number.isFinite);
  return {
    name, label: name, role: "metric", kind: "number", whole: false, log: false, categories: [], inert: "",
    low: known.length ? Math.min(...known) : NaN, high: known.length ? Math.max(...known) : NaN, values: numbers,
  };
}

// -- curves -----------------------------------------------------------------------------------------

const FIRST = 6;

function Curves({ compared, shown, objective }: { compared: readonly Compared[]; shown: readonly Loaded[]; objective: string }) {
  const [look, setLook] = useState<Look>(LOOK);
  const [whole, setWhole] = useState(false);
  const defined: Record<string, Defined> = Object.assign({}, ...shown.map(({ run }) => run.defined));
  const names = [...new Set(compared.flatMap((run) => [...run.history.lines.keys()]))];
  const several = (name: string): boolean => compared.filter((run) => run.history.lines.has(name)).length > 1;
  const all = groups(names, objective, defined).flatMap((group) => group.metrics).filter((name) => matches(look.query, name));
  // What only one has reported compares nothing, and comes last.
  const ordered = [...all.filter(several), ...all.filter((name) => !several(name))];
  const listed = whole || look.query ? ordered : ordered.slice(0, FIRST);
  if (!names.length) return null;
  return (
    <section aria-label="curves">
      <h2>Curves <span class="muted">{ordered.length}</span></h2>
      <LookBar look={look} change={setLook} axes={[...new Set(shown.flatMap(({ data }) => axes(data.history, defined)))]} />
      <div class="plots large">
        {listed.map((name) => {
          const axis = commonAxis(name, look.axis, shown.map(({ data, run }) => ({ history: data.history, defined: run.defined })));
          return (
            <ChartCard key={`${name} ${axis}`} title={name} drawing={LINES} {...(name === objective ? { badge: "objective" } : {})} data={(): SeriesData => ({
              title: name,
              lines: compared.flatMap((run, place) => (run.history.lines.has(name) ? [{
                name: run.label, colour: categorical(place, dark.value),
                ...curve(run.history, name, axis, shown[place]?.run.started ?? shown[place]?.run.created ?? 0),
              }] : [])),
              xLabel: axis === TIME ? "time" : axis, xKind: axis === TIME ? "duration" : "number",
              logX: false, logY: look.logY, smoothing: look.smoothing, dark: dark.value, sync: `compare ${axis}`,
            })} />
          );
        })}
      </div>
      {listed.length < ordered.length && <p><button type="button" onClick={() => setWhole(true)}>{`all ${ordered.length} metrics`}</button></p>}
    </section>
  );
}

// -- figures and configurations ---------------------------------------------------------------------

function Figures({ compared, at, choose, objective }: { compared: readonly Compared[]; at: At; choose: (at: At) => void; objective: string }) {
  const [query, setQuery] = useState("");
  const step = common(compared);
  const found = metricRows(compared, at)
    .filter((row) => matches(query, row.name))
    .sort((one, other) => Number(other.name === objective) - Number(one.name === objective));
  return (
    <section aria-label="figures">
      <h2>Figures</h2>
      <div class="controls" role="group" aria-label="where the figures are read">
        {differ(compared) && (
          <>
            <label><input type="radio" name="at" checked={at !== "end"} onChange={() => choose(step)} /> {`at step ${step}, the last that all have`}</label>
            <label><input type="radio" name="at" checked={at === "end"} onChange={() => choose("end")} /> where each ended (nothing is marked as best)</label>
          </>
        )}
        <input type="search" placeholder="find metrics" aria-label="find metrics in the figures" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      </div>
      <div class="datatable" tabIndex={0} role="group" aria-label="figures">
        <table class="data">
          <thead><tr><th scope="col">metric</th>{compared.map((run) => <th key={run.id} scope="col" class="number">{run.label}</th>)}</tr></thead>
          <tbody>
            {found.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}{row.goal && <span class="muted" title={row.goal === "low" ? "lower is better" : "higher is better"}>
                  {row.goal === "low" ? " ↓" : " ↑"}<span class="hidden-text">{row.goal === "low" ? "lower is better" : "higher is better"}</span></span>}
                  {row.atEnds && at !== "end" && <span class="badge">at the ends</span>}</th>
                {row.values.map((value, place) => (
                  <td key={place} class={`number${row.best.includes(place) ? " best" : ""}`}>
                    {value === undefined ? "–" : told(value)}{row.best.includes(place) && <span class="mark" title="the best">★<span class="hidden-text"> best</span></span>}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Configurations({ shown, named }: { shown: readonly Loaded[]; named: readonly string[] }) {
  const found = differences(shown.map(({ run }) => whole(run)));
  return (
    <section aria-label="configurations">
      <h2>What differs in their configurations <span class="muted">{found.length}</span></h2>
      {!found.length && <p class="none">Nothing: they have the same configuration.</p>}
      {found.length > 0 && (
        <div class="datatable" tabIndex={0} role="group" aria-label="what differs">
          <table class="data">
            <thead><tr><th scope="col">name</th>{shown.map(({ run }, place) => <th key={run.id} scope="col">{named[place]}</th>)}</tr></thead>
            <tbody>
              {found.map((row) => (
                <tr key={row.name}><th scope="row">{row.name}</th>{row.values.map((value, place) => <td key={place}>{told(value)}</td>)}</tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

// -- images -----------------------------------------------------------------------------------------

const IMAGES_AT_ONCE = 12;
/** Of each name: hundreds of epochs with twelve images each are more than a page holds. */
const STEPS_AT_ONCE = 50;
/** Pixels of an image, by the number of runs; 360 of more. */
const WIDEST: Readonly<Record<number, number>> = { 1: 640, 2: 640, 3: 460 };

/** Of the runs that have any. */
function Images({ shown, named }: { shown: readonly Loaded[]; named: readonly string[] }) {
  const has = shown.map(({ data }) => data.files.value.some((file) => isImage(file.name))
    || [...data.history.media.values()].some((all) => all.some((one) => one.media.kind === "images")));
  if (!has.some(Boolean)) return null;
  const without = named.filter((_, place) => !has[place]);
  return (
    <SideBySide shown={shown.filter((_, place) => has[place])} named={named.filter((_, place) => has[place])}
      said={without.length ? `${without.join(", ")}: no images` : ""} />
  );
}

function SideBySide({ shown, named, said: missing }: { shown: readonly Loaded[]; named: readonly string[]; said: string }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [every, setEvery] = useState(false);
  const [upTo, setUpTo] = useState(STEPS_AT_ONCE);
  const [slides, setSlides] = useState<{ slides: readonly Slide[]; at: number } | null>(null);
  const media = new Map(shown.flatMap(({ data }, place) => [...data.history.media]
    .filter(([, all]) => all.some((one) => one.media.kind === "images")).map(([name, all]) => [`${place} ${name}`, all] as const)));
  const names = [...new Set([...media.keys()].map((key) => key.slice(key.indexOf(" ") + 1)))].sort();
  const files = shown.map(({ data }) => data.files.value);
  const common = useMemo(() => {
    const sets = files.map((all) => all.filter((file) => isImage(file.name) && !file.name.startsWith("media/")).map((file) => file.name));
    return [...new Set(sets.flat())].filter((name) => sets.filter((set) => set.includes(name)).length > 1).sort()
      .map((name) => ({ name, group: "" }));
  }, files);
  const steps = [...new Set([...stepsOf(media), ...stepsOfFiles(common)])].sort((one, other) => one - other);
  const step = chosen ?? steps.at(-1) ?? 0;
  const saved = (every ? common : atStep(common, step)).map(({ name }) => name);
  if (!names.length && !saved.length) return null;
  /** The last ones up to the step; of all steps, those of that very step. */
  const imagesOf = (place: number, name: string, at: number): { images: readonly Image[]; step: number } | null => {
    const all = media.get(`${place} ${name}`) ?? [];
    const last = all[occurring(all, at)];
    const found = every && last?.step !== at ? undefined : last;
    return found?.media.kind === "images" ? { images: found.media.images, step: found.step } : null;
  };
  const holds = (place: number, name: string): boolean => files[place]?.some((file) => file.name === name) ?? false;
  const plain = (name: string, place: number): Image => {
    const within = files[place]?.find((file) => file.name === name)?.digest ?? "";
    return { path: within.startsWith("data:") ? within : name, caption: "", width: 0, height: 0, boxes: {}, masks: {} };
  };
  /** `has`: the runs that have anything of the name. */
  const row = (name: string, cells: readonly (Image | null)[], said: readonly string[], has: readonly boolean[]) => (
    <div class="siderow" key={`${name} ${said.join()}`} style={{ gridTemplateColumns: `repeat(${has.filter(Boolean).length}, minmax(140px, ${WIDEST[has.filter(Boolean).length] ?? 360}px))` }}>
      {cells.map((image, place) => has[place] && (
        <figure key={place}>
          {image ? (
            <button type="button" class="open" aria-label={`larger: ${name} of ${named[place] ?? ""}`} onClick={() => setSlides({
              at: cells.slice(0, place).filter(Boolean).length,
              slides: cells.flatMap((one, at) => (one ? [{ run: shown[at]?.run.id ?? "", image: one, title: `${named[at] ?? ""}: ${name}` }] : [])),
            })}><MarkedPicture run={shown[place]?.run.id ?? ""} image={image} boxes masks /></button>
          ) : <span class="missing">none</span>}
          <figcaption class="clip"><b>{named[place]}</b> <span class="muted">{said[place]}</span></figcaption>
        </figure>
      ))}
    </div>
  );
  const rows = (name: string, found: readonly ({ readonly images: readonly Image[]; readonly step: number } | null)[], has: readonly boolean[]) => {
    const most = Math.min(IMAGES_AT_ONCE, Math.max(0, ...found.map((one) => one?.images.length ?? 0)));
    const said = (at: number): string[] => found.map((one) => (one ? `step ${one.step}${one.images[at]?.caption ? ` · ${one.images[at].caption}` : ""}` : ""));
    return Array.from({ length: most }, (_, at) => row(name, found.map((one) => one?.images[at] ?? null), said(at), has));
  };
  return (
    <section aria-label="images side by side">
      <h2>Images side by side</h2>
      {missing && <p class="muted">{missing}</p>}
      {steps.length > 1 && (
        <div class="controls">
          <label class="steps">step
            <input type="range" min="0" max={steps.length - 1} value={Math.max(0, steps.findLastIndex((one) => one <= step))} aria-valuetext={`step ${step}`} disabled={every}
              onInput={(event) => setChosen(steps[Number(event.currentTarget.value)] ?? null)} />
            <output class="figure">{step}</output></label>
          <label><input type="checkbox" checked={every} onChange={(event) => setEvery(event.currentTarget.checked)} /> all steps</label>
        </div>
      )}
      {names.map((name) => {
        const has = shown.map((_, place) => media.has(`${place} ${name}`));
        const own = shown.flatMap((_, place) => (media.get(`${place} ${name}`) ?? []).filter((one) => one.media.kind === "images").map((one) => one.step));
        const at = every ? [...new Set(own)].sort((one, other) => one - other) : [step];
        return (
          <div class="side" key={name}>
            <h3>{name}</h3>
            {at.slice(0, upTo).map((one) => <Fragment key={one}>{rows(name, shown.map((_, place) => imagesOf(place, name, one)), has)}</Fragment>)}
            {at.length > upTo && <button type="button" onClick={() => setUpTo(upTo + STEPS_AT_ONCE)}>{`show more: ${upTo} of ${at.length} steps`}</button>}
          </div>
        );
      })}
      {saved.slice(0, upTo).map((name) => (
        <div class="side" key={name}>
          <h3>{name}</h3>
          {row(name, shown.map((_, place) => (holds(place, name) ? plain(name, place) : null)), shown.map(() => ""), shown.map((_, place) => holds(place, name)))}
        </div>
      ))}
      {saved.length > upTo && <button type="button" onClick={() => setUpTo(upTo + STEPS_AT_ONCE)}>{`show more: ${upTo} of ${saved.length} images`}</button>}
      {slides && <Lightbox {...slides} boxes masks close={() => setSlides(null)} />}
    </section>
  );
}
