/** Media by key, at one step for all: the slider shows what each had last logged by then. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { read } from "../data/source";
import { filePath, runPath } from "../run/data";
import { Rows } from "../run/Rows";
import type { Occurrence } from "../run/history";
import { useSeen } from "../run/ChartCard";
import { isMapping, matches, told } from "../run/values";
import { chartsByTable, figureOf } from "./figures";
import { FigureView } from "./FigureView";
import { Histograms } from "./Histograms";
import { parseMedia, parseTable, type Image, type Media, type Table } from "./parse";
import { MarkedPicture } from "./Picture";
import { Lightbox, type Slide } from "./Lightbox";

/** The place of the last occurrence at or before a step, -1 for none. */
export function occurring(occurrences: readonly Occurrence[], step: number): number {
  return occurrences.findLastIndex((one) => one.step <= step);
}

/** All steps at which one of them was logged, ascending. */
export function stepsOf(media: ReadonlyMap<string, readonly Occurrence[]>): readonly number[] {
  const found = new Set<number>();
  for (const occurrences of media.values()) for (const { step } of occurrences) found.add(step);
  return [...found].sort((a, b) => a - b);
}

/** `charts`: what the client said of its own charts, which are drawn from tables. */
export function Gallery({ run, media, charts }: {
  run: string; media: ReadonlyMap<string, readonly Occurrence[]>; charts: unknown;
}) {
  const drawn = useMemo(() => chartsByTable(charts), [charts]);
  const [chosen, setChosen] = useState<number | null>(null);
  const [query, setQuery] = useState("");
  const [boxes, setBoxes] = useState(true);
  const [masks, setMasks] = useState(true);
  const [slides, setSlides] = useState<{ slides: readonly Slide[]; at: number } | null>(null);
  const steps = stepsOf(media);
  const last = steps.at(-1) ?? 0;
  const step = chosen ?? last;
  const names = [...media.keys()].filter((name) => matches(query, name)).sort((a, b) => rank(media, a) - rank(media, b) || a.localeCompare(b));
  const marks = [...media.values()].some((all) => all.some(({ media: one }) => one.kind === "images"
    && one.images.some((image) => Object.keys(image.boxes).length + Object.keys(image.masks).length > 0)));
  return (
    <section aria-label="logged media">
      <h2>Logged <span class="muted">{media.size}</span></h2>
      <div class="controls">
        {steps.length > 1 && (
          <label class="steps">step
            <input type="range" min="0" max={steps.length - 1} value={Math.max(0, steps.findLastIndex((one) => one <= step))}
              aria-valuetext={`step ${step}`}
              onInput={(event) => {
                const place = Number(event.currentTarget.value);
                setChosen(place === steps.length - 1 ? null : (steps[place] ?? null));
              }} />
            <output class="figure">{chosen === null ? `${step} (latest)` : step}</output>
          </label>
        )}
        {marks && (
          <>
            <label><input type="checkbox" checked={boxes} onChange={(event) => setBoxes(event.currentTarget.checked)} /> boxes</label>
            <label><input type="checkbox" checked={masks} onChange={(event) => setMasks(event.currentTarget.checked)} /> masks</label>
          </>
        )}
        <input type="search" placeholder="find media" aria-label="find media" value={query} onInput={(event) => setQuery(event.currentTarget.value)} />
      </div>
      {!names.length && <p class="none">Nothing is called like that.</p>}
      <div class="mediacards">
        {names.map((name) => {
          const occurrences = media.get(name) ?? [];
          const place = occurring(occurrences, step);
          const shown = occurrences[place];
          return (
            <div role="group" class={`mediacard kind-${drawn.has(name) ? "chart" : shown?.media.kind ?? "none"}`} key={name} aria-label={name}>
              <header>
                <h3 title={name}>{drawn.has(name) ? name.slice(0, -"_table".length) : name}</h3>
                <span class="muted figure">{shown ? `step ${shown.step}` : `from step ${occurrences[0]?.step ?? "?"}`}
                  {occurrences.length > 1 && ` · ${place + 1} of ${occurrences.length}`}</span>
              </header>
              {shown ? (
                <Shown run={run} name={name} media={shown.media} boxes={boxes} masks={masks} occurrences={occurrences} step={step} chart={drawn.get(name)}
                  open={(images, at) => setSlides({ at, slides: images.map((image) => ({ run, image, title: `${name}, step ${shown.step}` })) })} />
              ) : <p class="muted">not logged by then</p>}
            </div>
          );
        })}
      </div>
      {slides && <Lightbox {...slides} boxes={boxes} masks={masks} close={() => setSlides(null)} />}
    </section>
  );
}

const ORDER: readonly Media["kind"][] = ["images", "video", "sound", "histogram", "table", "page", "file"];

function rank(media: ReadonlyMap<string, readonly Occurrence[]>, name: string): number {
  const kind = media.get(name)?.[0]?.media.kind;
  return kind === undefined ? ORDER.length : ORDER.indexOf(kind);
}

interface Showing {
  readonly run: string;
  readonly name: string;
  readonly media: Media;
  readonly boxes: boolean;
  readonly masks: boolean;
  readonly step: number;
  readonly occurrences: readonly Occurrence[];
  readonly chart: unknown;
  readonly open: (images: readonly Image[], at: number) => void;
}

function Shown({ run, name, media, boxes, masks, step, occurrences, chart, open }: Showing) {
  switch (media.kind) {
    case "images":
      return <Pictures run={run} images={media.images} boxes={boxes} masks={masks} open={(at) => open(media.images, at)} />;
    case "histogram":
      return <Histograms name={name} occurrences={occurrences} step={step} />;
    case "table":
      return <TableFile run={run} path={media.path} name={name} chart={chart} />;
    case "sound":
      return (
        <ul class="plainlist">{media.files.map(({ path, caption }) => (
          <li key={path}>{caption && <div>{caption}</div>}<audio controls preload="none" src={filePath(run, path)} /><Download run={run} path={path} /></li>
        ))}</ul>
      );
    case "video":
      return (
        <ul class="plainlist">{media.files.map(({ path, caption }) => (
          <li key={path}>{caption && <div>{caption}</div>}<video controls preload="metadata" src={filePath(run, path)} /><Download run={run} path={path} /></li>
        ))}</ul>
      );
    case "page":
      return <>{media.paths.map((path) => <Page key={path} run={run} path={path} name={name} />)}</>;
    case "file":
      return <ul class="plainlist">{media.paths.map((path) => <li key={path}>{`${media.what}: `}<Download run={run} path={path} /></li>)}</ul>;
  }
}

const AT_ONCE = 24;

function Pictures({ run, images, boxes, masks, open }: {
  run: string; images: readonly Image[]; boxes: boolean; masks: boolean; open: (at: number) => void;
}) {
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <div class={images.length > 1 ? "pictures" : "pictures alone"}>
      {images.slice(0, shown).map((image, at) => (
        <figure key={`${at} ${image.path}`}>
          <button type="button" class="open" onClick={() => open(at)} aria-label={`larger: ${image.caption || image.path}`}>
            <MarkedPicture run={run} image={image} boxes={boxes} masks={masks} />
          </button>
          {image.caption && <figcaption title={image.caption}>{image.caption}</figcaption>}
        </figure>
      ))}
      {images.length > shown && <button type="button" onClick={() => setShown(images.length)}>{`all ${images.length}`}</button>}
    </div>
  );
}

export function Download({ run, path }: { run: string; path: string }) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return <a href={filePath(run, path)} download={name} class="download">{name}</a>;
}

function useFile<T>(run: string, path: string, when: boolean, parse: (content: unknown) => T | null): T | string | null {
  const [found, setFound] = useState<T | string | null>(null);
  useEffect(() => {
    let current = true;
    if (!when) return undefined;
    setFound(null);
    const file = `${runPath(run)}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
    void read<unknown>(file).then((content) => {
      if (current) setFound(parse(content) ?? "it has not the shape that it should have");
    }, () => {
      if (current) setFound("it has not arrived");
    });
    return () => {
      current = false;
    };
  }, [run, path, when]);
  return found;
}

function TableFile({ run, path, name, chart }: { run: string; path: string; name: string; chart: unknown }) {
  const [place, seen] = useSeen();
  const [tabled, setTabled] = useState(false);
  const found = useFile<Table>(run, path, seen, parseTable);
  const figure = useMemo(() => (found !== null && typeof found !== "string" ? figureOf(chart, found) : null), [found, chart]);
  return (
    <div ref={place}>
      {found === null ? <p class="muted">Loading…</p>
        : typeof found === "string" ? <p class="muted">{`This table cannot be shown: ${found}. `}<Download run={run} path={path} /></p>
          : figure && !tabled ? <FigureView name={name.replace(/_table$/, "")} shown={figure} />
          : <Rows columns={found.columns} rows={found.rows} caption={name} cell={(value) => <Cell run={run} value={value} />} />}
      {figure && <p><button type="button" aria-pressed={tabled} onClick={() => setTabled(!tabled)}>{tabled ? "as a chart" : "as a table"}</button></p>}
    </div>
  );
}

/** What stands in a table: media lie in its artifact, not among the run's files, and are named. */
function Cell({ run, value }: { run: string; value: unknown }) {
  const media = useMemo(() => (isMapping(value) ? parseMedia(value) : null), [value]);
  if (media?.kind === "images") return <>{media.images.map((image) => <MarkedPicture key={image.path} run={run} image={image} boxes masks />)}</>;
  if (isMapping(value) && typeof value["_type"] === "string") return <span class="muted">{value["_type"].replace(/-file$/, "")}</span>;
  return <>{told(value)}</>;
}

/** A run's own page in a frame in which nothing runs: no scripts, no forms, no origin. */
function Page({ run, path, name }: { run: string; path: string; name: string }) {
  const [text, setText] = useState<string | null>(null);
  const show = async (): Promise<void> => {
    const answer = await fetch(filePath(run, path)).catch(() => null);
    setText(answer?.ok ? await answer.text() : "");
  };
  return (
    <>
      {text !== null && <iframe sandbox="" srcdoc={text} title={`${name}, without its scripts`} />}
      <p class="controls">{text === null && <button type="button" onClick={() => void show()}>Show it without its scripts</button>}
        <Download run={run} path={path} /></p>
    </>
  );
}
