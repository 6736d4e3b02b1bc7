/** Saved images as a gallery, then every file and artifact. */
import { useMemo, useState } from "preact/hooks";
import { moment } from "../format";
import { Download } from "../media/Gallery";
import { Lightbox, type Slide } from "../media/Lightbox";
import { atStep, stepsOfFiles, type Picture as Saved } from "../media/parse";
import { Picture } from "../media/Picture";
import type { ArtifactView, FileView } from "./data";
import type { History } from "./history";
import { bytes, matches } from "./values";

const AT_ONCE = 60;

/** The files that rows of the history name: they are shown with their steps. */
export function loggedFiles(history: History): ReadonlySet<string> {
  const found = new Set<string>();
  for (const occurrences of history.media.values()) {
    for (const { media } of occurrences) {
      if (media.kind === "images") {
        for (const image of media.images) for (const path of [image.path, ...Object.values(image.masks)]) found.add(path);
      }
    }
  }
  return found;
}

export function SavedPictures({ run, files, found: all }: { run: string; files: readonly FileView[]; found: readonly Saved[] }) {
  const [chosen, setChosen] = useState<number | null>(null);
  const steps = useMemo(() => stepsOfFiles(all), [all]);
  const step = chosen ?? steps.at(-1) ?? 0;
  const [every, setEvery] = useState(false);
  const found = useMemo(() => (every ? all : atStep(all, step)), [all, step, every]);
  // In a report a file is in its place: there is no server to ask.
  const within = new Map(files.filter((file) => file.digest.startsWith("data:")).map((file) => [file.name, file.digest]));
  const pathOf = (name: string): string => within.get(name) ?? name;
  const [shown, setShown] = useState(AT_ONCE);
  const [at, setAt] = useState<number | null>(null);
  if (!found.length) return null;
  const slides: Slide[] = found.map(({ name }) => ({
    run, title: name, image: { path: pathOf(name), caption: "", width: 0, height: 0, boxes: {}, masks: {} },
  }));
  return (
    <section aria-label="saved images">
      <h2>Saved images <span class="muted">{all.length}</span></h2>
      {steps.length > 1 && (
        <div class="controls">
          <label class="steps">step
            <input type="range" min="0" max={steps.length - 1} value={Math.max(0, steps.findLastIndex((one) => one <= step))} aria-valuetext={`step ${step}`} disabled={every}
              onInput={(event) => setChosen(steps[Number(event.currentTarget.value)] ?? null)} />
            <output class="figure">{`${step}${step === steps.at(-1) ? " (latest)" : ""}`}</output></label>
          <label><input type="checkbox" checked={every} onChange={(event) => setEvery(event.currentTarget.checked)} /> all steps</label>
        </div>
      )}
      <div class="pictures saved">
        {found.slice(0, shown).map(({ name }, place) => (
          <figure key={name}>
            <button type="button" class="open" onClick={() => setAt(place)} aria-label={`larger: ${name}`}><Picture run={run} path={pathOf(name)} alt={name} /></button>
            <figcaption title={name}>{name.slice(name.lastIndexOf("/") + 1)}</figcaption>
          </figure>
        ))}
        {found.length > shown && <button type="button" onClick={() => setShown(found.length)}>{`all ${found.length}`}</button>}
      </div>
      {at !== null && <Lightbox slides={slides} at={at} boxes={false} masks={false} close={() => setAt(null)} />}
    </section>
  );
}

export function FileList({ run, files, artifacts }: { run: string; files: readonly FileView[]; artifacts: readonly ArtifactView[] }) {
  const [query, setQuery] = useState("");
  const [shown, setShown] = useState(AT_ONCE);
  const found = files.filter((file) => matches(query, file.name));
  return (
    <>
      {artifacts.length > 0 && (
        <section aria-label="artifacts">
          <h2>Artifacts <span class="muted">{artifacts.length}</span></h2>
          <div class="datatable" tabIndex={0} role="group" aria-label="artifacts">
            <table class="data">
              <thead><tr>{["artifact", "type", "aliases", "role", "files", "size", "created"].map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
              <tbody>
                {artifacts.map((one) => (
                  <tr key={`${one.role} ${one.name} ${one.version}`}>
                    <th scope="row">{`${one.name}:v${one.version}`}</th><td>{one.type}</td><td>{one.aliases.join(", ")}</td>
                    <td>{one.role === "output" ? "logged" : "used"}</td><td class="number">{one.files}</td>
                    <td class="number">{bytes(one.size)}</td><td>{moment(one.created)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      <section aria-label="files">
        <h2>Files <span class="muted">{files.length}</span></h2>
        {!files.length && <p class="none">It kept no files.</p>}
        {files.length > 8 && (
          <div class="controls"><input type="search" placeholder="find files" aria-label="find files" value={query}
            onInput={(event) => setQuery(event.currentTarget.value)} /></div>
        )}
        {files.length > 0 && (
          <div class="datatable" tabIndex={0} role="group" aria-label="files">
            <table class="data">
              <thead><tr><th scope="col">file</th><th scope="col">size</th><th scope="col">time</th></tr></thead>
              <tbody>
                {found.slice(0, shown).map((file) => (
                  <tr key={file.name}>
                    <th scope="row">{file.name.includes("/") && <span class="muted">{file.name.slice(0, file.name.lastIndexOf("/") + 1)}</span>}
                      <Download run={run} path={file.name} /></th>
                    <td class="number">{bytes(file.size)}</td><td>{moment(file.time)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {found.length > shown && <button type="button" onClick={() => setShown(shown + 10 * AT_ONCE)}>{`show more: ${shown} of ${found.length}`}</button>}
          </div>
        )}
      </section>
    </>
  );
}
