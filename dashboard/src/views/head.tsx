/** The head of a sweep: what it is, how far it is, what it gained, and what people can do with it. */
import type { ComponentChildren, JSX } from "preact";
import { useRef } from "preact/hooks";
import { change, pathOf } from "../data/source";
import { ago, counted, duration, hours, money, number, percentOf, shortened, signed } from "../format";
import { frozen, linkTo } from "../router";
import { say, withLogin } from "../state/page";
import { beyondChance, endedRuns, expectedOf, gainOf, underWay, verdict, whole } from "../state/verdict";
import type { Board, Progress, SweepHead, SweepState } from "../types";
import { Clamped } from "./clamped";
import type { SweepModel } from "./model";

export function Head({ model }: { readonly model: SweepModel }): JSX.Element | null {
  const { data, board } = model;
  data.version.value;
  const known = board.value;
  if (!known) return null;
  const { head } = known;
  const sweep = data.subject.kind === "sweep";
  const fetched = data.progress.value;
  const progress = fetched.state === "ready" ? fetched.value : null;
  return (
    <section class="head" aria-label="Overview">
      <div class="title">
        <h1><Clamped text={sweep ? head.name || head.id : `Runs in ${head.project}`} lines={2} /></h1>
        {sweep && <State state={head.state} />}
        <span class="muted">
          {sweep ? [head.method, head.earlyStopping !== "off" && head.earlyStopping, head.metric && `${head.metric.goal} ${head.metric.name}`]
            .filter(Boolean).join(" · ") : counted(known.n, "run")}
        </span>
        {sweep && !frozen && <Actions head={head} model={model} />}
      </div>
      {sweep && <p class={`verdict ${gainOf(known) > 0 && !expectedOf(known) ? "judged" : ""}`}><Clamped text={verdict(known, progress)} lines={6} /></p>}
      {sweep && head.endedBecause && <p class="muted"><Clamped text={`It ended because ${head.endedBecause}.`} lines={2} /></p>}
      {sweep && <Figures board={known} progress={progress} />}
      {sweep && <Afterwards board={known} rows={model.selection.later.value} />}
    </section>
  );
}

export function State({ state }: { readonly state: string }): JSX.Element {
  return <span class={`state ${state}`}>{state}</span>;
}

/** The compare page has no room for more. */
const MOST_COMPARED = 8;

const DONE: Readonly<Record<string, string>> = {
  running: "the sweep goes on", paused: "no new runs are started; running ones go on", finished: "the sweep is finished",
  cancelled: "the sweep and its runs are cancelled",
};

function Actions({ head, model }: { readonly head: SweepHead; readonly model: SweepModel }): JSX.Element {
  const to = (state: SweepState, sure = ""): void => {
    if (sure && !confirm(sure)) return;
    void withLogin(() => change(`${pathOf(model.data.subject)}/state`, { state }), DONE[state] ?? state);
  };
  const over = head.state === "finished" || head.state === "cancelled";
  return (
    <div class="actions">
      {head.state === "paused" && <button type="button" onClick={() => to("running")}>Resume</button>}
      {head.state !== "paused" && !over && <button type="button" onClick={() => to("paused")}>Pause</button>}
      {!over && <button type="button" title="Running runs end as they are; the sweep is over"
        onClick={() => to("finished", "Finish the sweep? Running runs go on to their end; none is started any more.")}>Finish</button>}
      {!over && <button type="button"
        onClick={() => to("cancelled", "Cancel the sweep? Its running runs are killed, and count for nothing.")}>Cancel</button>}
      <button type="button" class="plain command" onClick={() => void navigator.clipboard.writeText(`swept show ${head.id}`).then(() => say("command copied"), () => undefined)}
        title="Copy the command that shows this sweep in a terminal"><code>swept show {head.id}</code></button>
    </div>
  );
}

function Figures({ board, progress }: { readonly board: Board; readonly progress: Progress | null }): JSX.Element {
  const { head } = board;
  const sign = head.metric?.goal === "maximize" ? 1 : -1;
  const value = (row: number): number => board.columns.get("value")?.values[row] ?? NaN;
  const best = value(head.best);
  const baseline = value(head.baseline);
  const begun = expectedOf(board);
  // What is expected of a best run that is only begun, as the tile beside it: against a baseline that has ended.
  const gain = begun ? (whole(board, head.baseline) ? begun.value - baseline : NaN) : sign * gainOf(board);
  const noise = progress?.noise ?? null;
  const ended = endedRuns(board);
  const share = progress?.cap ? ended / progress.cap : null;
  const live = head.agents.filter((agent) => agent.live);
  // Where it was once, it stays: what is beside it would move.
  const expected = useRef(false);
  expected.current ||= head.advising || (head.advice?.row ?? -1) >= 0;
  return (
    <dl class="figures">
      <Figure
        label={`best ${shortened(head.metric?.name ?? "value")}`} lead
        small={head.best < 0 ? "no run has a value yet" : begun
          ? <>expected of <RunLink board={board} row={head.best} />, {number(begun.steps)} of {begun.full} steps seen, {number(best)} so far</>
          : <>of <RunLink board={board} row={head.best} /></>}
      >
        <span class="best">{number(begun ? begun.value : best)}</span>
        {begun === null && noise !== null && <span class="muted" title="A single training varies by so much (one standard deviation, from repeats)"> ± {number(noise, 2)}</span>}
      </Figure>
      <Figure
        label="against the baseline" lead
        small={head.baseline < 0 ? "this sweep has no baseline"
          : <>{begun && !Number.isNaN(gain) ? "expected; " : ""}{number(baseline)}, <RunLink board={board} row={head.baseline} />{Number.isNaN(gain) && !Number.isNaN(best - baseline) ? `; ${whole(board, head.baseline) ? "the best" : "it"} is not at its end` : ""}</>}
      >
        {Number.isNaN(gain) ? "–" : <span class={!begun && noise !== null && beyondChance(board, sign * gain, noise) ? "good" : ""}>{signed(gain)} <span class="share">{percentOf(gain, baseline)}</span></span>}
      </Figure>
      {expected.current && (
        <Figure label={`expected at ${head.advice?.full ?? head.full ?? "the last"} steps`} small={head.advice && head.advice.row >= 0
          ? <>another training of <RunLink board={board} row={head.advice.row} />: {number(head.advice.low)} to {number(head.advice.high)}</>
          : head.advising ? "the model is asked …" : "the model names no run yet"}>
          {number(head.advice?.value)}
        </Figure>
      )}
      {Object.keys(head.targets).length > 0 && <Targets head={head} best={whole(board, head.best) ? best : NaN} expected={begun?.value ?? NaN} progress={progress} />}
      <Figure label="runs ended" small={<>{underWay(board)}{share !== null && <Meter share={share} />}</>}>
        {ended}{progress?.cap ? <span class="muted"> of {progress.cap}</span> : null}
      </Figure>
      {head.state === "running" && (
        <Figure label="time left" small={timeLeftWords(head, progress)}>
          {progress?.eta == null ? "–" : `≈ ${duration(progress.eta)}`}
        </Figure>
      )}
      <Figure label="training time" small={<>{progress ? spentWords(progress, board.states.includes("paused")) : "…"}{head.hours !== null && <Meter share={(progress?.hoursUsed ?? 0) / head.hours} />}</>}>
        {progress ? hours(progress.hoursUsed) : "–"}{head.hours !== null && <span class="muted nowrap" title="The budget: hours of all slots together"> of {hours(head.hours)}</span>}
      </Figure>
      <Figure label={frozen ? "agents" : "agents at work"} small={frozen ? "in all" : live.length ? [...new Set(live.map((agent) => agent.host))].slice(0, 3).join(", ") : `last change ${ago(head.updated)}`}>
        {frozen ? head.agents.length : live.length}
      </Figure>
    </dl>
  );
}

/** By what the time left was told, or what is missing. */
function timeLeftWords(head: SweepHead, progress: Progress | null): string {
  if (!progress) return "…";
  if (progress.eta === null) return progress.etaWhy || "it cannot be told";
  if (head.hours !== null) return progress.cap === null ? "until the budget of hours is used" : "until the runs or the hours are used up";
  return head.full === null ? "by pace and length of the runs so far" : "by the pace so far";
}

/** What was spared, and what it cost where a price is given. `waiting`: some runs may still go on. */
function spentWords({ hoursSaved, cost, currency, energy }: Progress, waiting: boolean): string {
  const saved = hoursSaved === null || hoursSaved < 1 / 60 ? "all runs together" : `${hours(hoursSaved)} saved ${waiting ? "so far " : ""}by early stopping`;
  return [saved, cost === null ? "" : money(cost, currency), energy === null ? "" : `${number(energy, 3)} kWh`].filter(Boolean).join(" · ");
}

/** Final trainings and comparisons: what the search was for, and no part of it. */
function Afterwards({ board, rows }: { readonly board: Board; readonly rows: readonly number[] }): JSX.Element | null {
  if (!rows.length) return null;
  const [value, steps] = [board.columns.get("value")?.values, board.columns.get("steps")?.values];
  const compared = [...(board.head.best >= 0 ? [board.head.best] : []), ...rows].slice(0, MOST_COMPARED);
  return (
    <p class="afterwards"><span class="muted">Trained afterwards:</span>
      {rows.slice(0, MOST_COMPARED).map((row) => (
        <span key={row}><RunLink board={board} row={row} /> <b>{number(value?.[row] ?? NaN)}</b> <span class="muted">at step {number(steps?.[row] ?? NaN)}</span></span>
      ))}
      <a href={linkTo({ view: "compare", ids: compared.flatMap((row) => board.ids[row] ?? []) })}>Compare with the best</a>
    </p>
  );
}

function Meter({ share }: { readonly share: number }): JSX.Element {
  return <span class="meter" aria-hidden="true"><span style={{ width: `${Math.min(100, 100 * share)}%` }} /></span>;
}

interface FigureProps {
  readonly label: string;
  /** One of those that people look for first. */
  readonly lead?: boolean;
  readonly small?: ComponentChildren;
  readonly children: ComponentChildren;
}

function Figure({ label, lead = false, small, children }: FigureProps): JSX.Element {
  return <div class={lead ? "lead" : ""}><dt>{label}</dt><dd>{children}{small ? <small>{small}</small> : null}</dd></div>;
}

interface TargetsProps {
  readonly head: SweepHead;
  /** Of a whole training, else NaN. */
  readonly best: number;
  readonly expected: number;
  readonly progress: Progress | null;
}

/** By the best that is shown beside them: the server's word is a moment older. */
function Targets({ head, best, expected, progress }: TargetsProps): JSX.Element {
  const sign = head.metric?.goal === "maximize" ? 1 : -1;
  const reach = (value: number, target: number): boolean => sign * value >= sign * target;
  const targets = (progress?.targets ?? Object.entries(head.targets).map(([name, value]) => ({ name, value })))
    .map(({ name, value }) => ({ name, value, reached: reach(best, value), expected: reach(expected, value) }));
  const reached = targets.filter((target) => target.reached).length;
  return (
    <Figure
      label="targets reached"
      small={<ul class="targets">{targets.map((target) => (
        <li class={target.reached ? "good" : ""}>{target.reached ? "✓" : "○"} {target.name} {number(target.value)}{!target.reached && target.expected && " expected"}<span class="hidden-text">{target.reached ? " reached" : " not reached"}</span></li>
      ))}</ul>}
    >
      {reached} <span class="muted">of {targets.length}</span>
    </Figure>
  );
}

export function RunLink({ board, row }: { readonly board: Board; readonly row: number }): JSX.Element | null {
  const id = board.ids[row];
  if (id === undefined) return null;
  const name = board.names[row] || `#${board.numbers[row]}`;
  return <a href={linkTo({ view: "run", id })}>{name}</a>;
}

