/** How the run came to be and went: why it was chosen, its attempts, what was ordered, what it said, its relatives, and how
 * it is trained again. */
import { duration, elided, moment } from "../format";
import { linkTo } from "../router";
import { copy } from "../state/page";
import { Clamped, Excerpt } from "../views/clamped";
import type { RelatedRun, RunView, Way } from "./data";
import { flatten, isMapping, told } from "./values";

const RELATIONS: Readonly<Record<string, string>> = {
  parent: "came from", retry_of: "again after", child: "led to", retry: "tried again as",
};

const AUTHORS: Readonly<Record<string, string>> = { "": "the search", search: "the search", person: "a person" };

export function Story({ run, related, ways }: { run: RunView; related: readonly RelatedRun[]; ways: readonly Way[] }) {
  return (
    <div class="columns even">
      <div class="column">
        <Chosen run={run} />
        <Relatives related={related} />
        <Again ways={ways} />
      </div>
      <div class="column">
        <Attempts run={run} />
        <Orders run={run} />
        <Alerts run={run} />
        <About run={run} />
      </div>
    </div>
  );
}

const NAMES: Readonly<Record<string, string>> = {
  strategy: "strategy", mean: "predicted", sd: "standard deviation", predicted_mean: "predicted", predicted_sd: "standard deviation",
  ei: "expected improvement", expected_improvement: "expected improvement",
};

/** The sentence, and the figures behind it. */
function Chosen({ run }: { run: RunView }) {
  const figures = [...flatten(run.chosen ?? {})].filter(([name, value]) => name !== "reason" && !isMapping(value));
  return (
    <section aria-label="why it was chosen">
      <h2>Why it was chosen</h2>
      <p class="written"><Clamped text={run.why || "nobody said"} lines={8} /></p>
      {figures.length > 0 && (
        <dl class="facts">{figures.map(([name, value]) => <div key={name}><dt>{NAMES[name] ?? name.replaceAll("_", " ")}</dt><dd><Excerpt text={told(value)} /></dd></div>)}</dl>
      )}
    </section>
  );
}

function Relatives({ related }: { related: readonly RelatedRun[] }) {
  if (!related.length) return null;
  return (
    <section aria-label="relatives">
      <h2>Relatives</h2>
      <ul class="plainlist relatives">
        {related.map((one) => (
          <li key={`${one.relation} ${one.id}`}>
            <span class="muted">{RELATIONS[one.relation] ?? one.relation}</span>{" "}
            <a href={linkTo({ view: "run", id: one.id })}>{elided(one.name || one.id, 80)}</a>{" "}
            <span class="muted">{one.kind}</span> <span class={`state ${one.state}`}>{one.state}</span>
            {typeof one.value === "number" && <span class="figure">{` ${told(one.value)} at step ${one.steps}`}</span>}
          </li>
        ))}
      </ul>
      {related.length > 1 && related.length < 8 && (
        <p><a href={linkTo({ view: "compare", ids: related.map((one) => one.id) })}>Compare them</a></p>
      )}
    </section>
  );
}

function Again({ ways }: { ways: readonly Way[] }) {
  if (!ways.length) return null;
  return (
    <section aria-label="train it again">
      <h2>Train it again</h2>
      {ways.map((way) => (
        <div class="way" key={way.title}>
          <div class="wayhead"><span>{way.title}</span><button type="button" onClick={() => void copy(way.shell, "the command is")}>Copy</button></div>
          <pre tabIndex={0}><code>{way.shell}</code></pre>
          {way.note && <p class="muted">{way.note.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}</p>}
        </div>
      ))}
    </section>
  );
}

function Attempts({ run }: { run: RunView }) {
  const now = Date.now() / 1000;
  return (
    <section aria-label="attempts">
      <h2>Attempts <span class="muted">{run.attempts.length}</span></h2>
      {!run.attempts.length && <p class="none">Not started yet.</p>}
      {run.attempts.length > 0 && (
        <div class="datatable" tabIndex={0} role="group" aria-label="attempts">
          <table class="data">
            <thead><tr>{["attempt", "host", "began", "took", "from step", "outcome", "reason"].map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
            <tbody>
              {run.attempts.map((one) => (
                <tr key={one.number}>
                  <th scope="row">{one.number}</th><td title={`agent ${one.agent}`}>{one.host}</td><td class="nowrap">{moment(one.started)}</td>
                  <td class="nowrap">{duration((one.ended ?? now) - one.started)}</td><td class="number">{one.first_step}</td>
                  <td>{one.outcome ?? "running"}{one.exit_code ? ` (exit code ${one.exit_code})` : ""}{one.signal ? ` (signal ${one.signal})` : ""}</td>
                  <td class="reason"><Excerpt text={one.reason} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Orders({ run }: { run: RunView }) {
  if (!run.orders?.length) return null;
  return (
    <section aria-label="orders">
      <h2>What was wanted of it</h2>
      <ul class="plainlist">
        {run.orders.map((one, at) => (
          <li key={at}><b>{one.order}</b>{` by ${AUTHORS[one.by] ?? one.by}${one.step === null ? "" : ` at step ${one.step}`}, ${moment(one.time)}`}
            {one.reason && <div class="muted written"><Clamped text={one.reason} /></div>}</li>
        ))}
      </ul>
    </section>
  );
}

function Alerts({ run }: { run: RunView }) {
  if (!run.alerts?.length) return null;
  return (
    <section aria-label="alerts">
      <h2>What it said</h2>
      {run.alerts.map((one, at) => (
        <div key={at} class={`notice ${one.level === "ERROR" ? "bad" : one.level === "WARN" ? "warn" : ""}`}>
          <b><Excerpt text={one.title} /></b> <span class="muted">{`${one.level.toLowerCase()}, ${moment(one.time)}`}</span>
          <div class="written"><Clamped text={one.text} lines={6} /></div>
        </div>
      ))}
    </section>
  );
}

const LEFT_OUT = new Set(["charts", "metadata", "command", "pid", "tags", "notes"]);

/** Group, tags, notes, machine and program, as W&B's client found them. */
function About({ run }: { run: RunView }) {
  const details = run.details;
  const tags = Array.isArray(details["tags"]) ? details["tags"].filter((tag) => typeof tag === "string") : [];
  const machine = isMapping(details["metadata"]) ? details["metadata"] : {};
  const facts = [...flatten(Object.fromEntries(Object.entries(details).filter(([name]) => !LEFT_OUT.has(name))))];
  const found = [...flatten(machine)];
  if (!tags.length && !details["notes"] && !facts.length && !found.length) return null;
  return (
    <section aria-label="about">
      <h2>About</h2>
      {typeof details["notes"] === "string" && details["notes"] && <p class="written"><Clamped text={details["notes"]} lines={6} /></p>}
      {tags.length > 0 && <p>{tags.map((tag) => <span class="chip" key={tag}>{tag}</span>)}</p>}
      {facts.length > 0 && <dl class="facts">{facts.map(([name, value]) => <div key={name}><dt>{name.replaceAll("_", " ")}</dt><dd><Excerpt text={told(value)} /></dd></div>)}</dl>}
      {found.length > 0 && (
        <details><summary>{`machine and program (${found.length})`}</summary>
          <dl class="facts">{found.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><Excerpt text={told(value)} /></dd></div>)}</dl>
        </details>
      )}
    </section>
  );
}
