/** The configuration beside what really ran, and the summary. */
import { useState } from "preact/hooks";
import { moment } from "../format";
import { Excerpt } from "../views/clamped";
import type { RunView } from "./data";
import { flatten, isMapping, matches, settings, told } from "./values";

export function Configuration({ run }: { run: RunView }) {
  const [query, setQuery] = useState("");
  const [only, setOnly] = useState(false);
  const all = settings(run);
  const differing = all.filter((one) => one.differs).length;
  const shown = all.filter((one) => (!only || one.differs) && matches(query, one.name, one.given, one.ran));
  const effective = run.effective_config !== null || all.some((one) => one.own);
  const summary = [...flatten(run.summary)]
    .filter(([name, value]) => !isMapping(value) && matches(query, name, value))
    .sort(([one], [other]) => Number(one.startsWith("_")) - Number(other.startsWith("_")) || one.localeCompare(other, "en", { numeric: true }));
  return (
    <>
      <div class="controls">
        <input type="search" placeholder="find a name or a value" aria-label="find in the configuration" value={query}
          onInput={(event) => setQuery(event.currentTarget.value)} />
        {differing > 0 && (
          <label><input type="checkbox" checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} />
            {` only what ran otherwise (${differing})`}</label>
        )}
      </div>
      <div class="columns">
        <section aria-label="configuration">
          <h2>Configuration <span class="muted">{all.length}</span></h2>
          {!all.length && <p class="none">It has none.</p>}
          {all.length > 0 && !shown.length && <p class="none">Nothing is like that.</p>}
          {shown.length > 0 && (
            <div class="datatable" tabIndex={0} role="group" aria-label="configuration">
              <table class="data pairs">
                <thead><tr><th scope="col">name</th><th scope="col">given</th>{effective && <th scope="col">what really ran</th>}</tr></thead>
                <tbody>
                  {shown.map((one) => (
                    <tr key={one.name} class={one.differs ? "differs" : ""}>
                      <th scope="row">{one.name}</th>
                      <td>{one.own ? <span class="muted">set by the program</span> : <Excerpt text={told(one.given)} />}</td>
                      {effective && <td>{one.differs || one.own ? <Excerpt text={told(one.ran)} /> : <span class="muted">the same</span>}
                        {one.differs && <span class="badge differing">differs</span>}</td>}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </section>
        <section aria-label="summary">
          <h2>Summary <span class="muted">{summary.length}</span></h2>
          {!summary.length && <p class="none">{query ? "Nothing is like that." : "It has none yet."}</p>}
          {summary.length > 0 && (
            <div class="datatable" tabIndex={0} role="group" aria-label="summary">
              <table class="data pairs"><thead><tr><th scope="col">name</th><th scope="col">value</th></tr></thead>
                <tbody>{summary.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{name === "_timestamp" && typeof value === "number" ? moment(value) : <Excerpt text={told(value)} />}</td></tr>)}</tbody></table>
            </div>
          )}
        </section>
      </div>
    </>
  );
}
