/** A run in a report: what the file has of it. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Frozen } from "../data/frozen";
import { number } from "../format";
import { linkTo } from "../router";
import { title } from "../state/page";
import { State } from "./head";

export function FrozenRun({ id, report }: { readonly id: string; readonly report: Frozen }): JSX.Element {
  const run = report.runs[id];
  const back = linkTo({ view: "sweep", id: report.sweep });
  useEffect(() => {
    title.value = [{ text: run?.name || id }];
  }, [id]);
  if (!run) {
    return (
      <div class="empty">
        <h1>Run {id}</h1>
        <p>This report tells only the best run, the baseline and the final trainings in full.</p>
        <p><a href={back}>Back to the sweep</a></p>
      </div>
    );
  }
  const images = report.images.filter((image) => image.run === id);
  return (
    <>
      <p><a href={back}>Back to the sweep</a></p>
      <section class="head">
        <div class="title"><h1>{run.name || run.id}</h1><State state={run.state} /><span class="muted">{run.kind} · {run.steps} steps · value {figure(run.value)}</span></div>
        {run.why && <p>Why: {run.why}</p>}
        {run.ended_because && <p class="muted">Ended: {run.ended_because}</p>}
      </section>
      <Values name="Configuration" values={run.config} />
      <Values name="Summary" values={run.summary} />
      {images.length > 0 && (
        <section class="section" aria-label="Images">
          <h2>Images</h2>
          {images.map((image) => (
            <figure>
              <img src={`data:${image.type};base64,${image.data}`} alt={image.name} style={{ maxWidth: "100%" }} />
              <figcaption class="muted">{image.name}{image.step === null ? "" : `, step ${image.step}`}</figcaption>
            </figure>
          ))}
        </section>
      )}
    </>
  );
}

function figure(value: unknown): string {
  return typeof value === "number" ? number(value, 6) : typeof value === "string" ? value : JSON.stringify(value) ?? "–";
}

function Values({ name, values }: { readonly name: string; readonly values: Readonly<Record<string, unknown>> }): JSX.Element | null {
  const entries = Object.entries(values);
  if (!entries.length) return null;
  return (
    <section class="section" aria-label={name}>
      <h2>{name}</h2>
      <table class="data"><tbody>{entries.map(([key, value]) => <tr><th scope="row">{key}</th><td>{figure(value)}</td></tr>)}</tbody></table>
    </section>
  );
}
