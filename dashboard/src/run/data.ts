/**
 * All that is known of one run, kept up to date by its stream. Rows, system figures and lines are asked for from where
 * they ended; the console and the machine only once somebody looks at them. A hidden tab asks for nothing, and for all
 * that is new when it is looked at.
 */
import { batch, effect, signal, type Signal } from "@preact/signals";
import type { components } from "../api";
import { listen, type Feed, type Liveness } from "../data/live";
import { change, fetched, query, read } from "../data/source";
import { root } from "../root";
import type { Frozen } from "../data/frozen";
import type { Fetched } from "../types";
import { thawed } from "./frozen";
import { History, type Row } from "./history";
import { Lines, type Line } from "./lines";

type Schemas = components["schemas"];
export type RunView = Schemas["RunView"];
export type FileView = Schemas["FileView"];
export type ArtifactView = Schemas["ArtifactView"];
export type RelatedRun = Schemas["RelatedRun"];
export type Way = Schemas["Way"];

const ROWS = 20_000;
const LINES = 20_000;
/** Between two looks at what is new, so that a storm of reports becomes few requests. */
const REST_MS = 100;
/** Files, relatives and the like change seldom: a report of a metric asks for them again so often at most. */
const SELDOM_MS = 5000;

export function runPath(id: string): string {
  return `/api/runs/${encodeURIComponent(id)}`;
}

const WITHIN = /^data:image\/(png|jpeg|gif|webp);base64,/;

/** The address of one of the run's files; in a report, the image itself. */
export function filePath(id: string, name: string): string {
  if (WITHIN.test(name)) return name;
  return `${root}${runPath(id)}/files/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** All rows in step order, a part at a time. */
export async function readHistory(id: string, into: History, stream: "" | "system", arrived: () => void): Promise<void> {
  for (;;) {
    const since = into.since;
    const rows = await read<Row[]>(`${runPath(id)}/history${query({
      stream: stream || undefined, since: since?.toString(), limit: String(ROWS),
    })}`);
    if (!into.goesOn(rows)) {
      into.clear();
      continue;
    }
    into.take(rows);
    arrived();
    // The last row comes again with the next part: one row alone is no more than that.
    if (rows.length < ROWS) return;
  }
}

/** Who compares the run with the others of its sweep. */
export interface Comparing {
  /** Which of them has ended, or is another one now; null: any may be. */
  changed(run: string | null): void;
  /** The stream is there, and tells what comes behind `position`. */
  connected(position: string): void;
}

export class RunData {
  readonly run: Signal<Fetched<RunView>> = signal({ state: "loading" });
  readonly history = new History();
  readonly version = signal(0);
  readonly loaded = signal(false);
  readonly system = new History();
  readonly systemVersion = signal(0);
  readonly lines = new Lines();
  readonly linesVersion = signal(0);
  readonly linesLoaded = signal(false);
  readonly files: Signal<readonly FileView[]> = signal([]);
  readonly artifacts: Signal<readonly ArtifactView[]> = signal([]);
  readonly related: Signal<readonly RelatedRun[]> = signal([]);
  readonly ways: Signal<readonly Way[]> = signal([]);
  readonly liveness: Signal<Liveness> = signal("connecting");

  private feed: Feed | null = null;
  private comparing: Comparing | null = null;
  private stopListening = (): void => undefined;
  private cursor = 0;
  private wants = { system: false, console: false };
  private busy = false;
  private again = false;
  private closed = false;
  private attempts = -1;
  private ended = false;
  private stale = false;
  private seldom = 0;
  private readonly looked = (): void => {
    if (document.visibilityState === "visible" && this.again) this.look();
  };

  /** `listening`: over a stream of its own; else somebody calls `look` when there may be something new. */
  constructor(readonly id: string, readonly report: Frozen | null = null, private readonly listening = true) {}

  async open(): Promise<void> {
    if (this.report) {
      await this.thaw(this.report);
      return;
    }
    document.addEventListener("visibilitychange", this.looked);
    await this.reload();
    if (this.closed || this.run.value.state !== "ready") return;
    if (this.listening) this.listen();
    this.look();
  }

  private listen(): void {
    this.feed = listen(`run=${encodeURIComponent(this.id)}&rivals=true`, "", (message) => {
      if (message.kind === "gap") this.comparing?.changed(null);
      else if (message.run !== this.id) {
        this.comparing?.changed(message.run);
        return;
      }
      if (message.kind !== "point") this.seldom = 0;
      this.look();
    }, undefined, () => this.look());
    const { state, position } = this.feed;
    this.stopListening = effect(() => {
      const before = this.liveness.peek();
      this.liveness.value = state.value;
      // What happened while nobody listened is told by no message.
      if (state.value !== "live" || before === "live") return;
      this.look();
      this.comparing?.connected(position());
    });
  }

  private async thaw(report: Frozen): Promise<void> {
    this.liveness.value = "frozen";
    const run = await fetched(thawed(report, this.id, this.history, (files) => {
      this.files.value = files;
    }));
    batch(() => {
      this.run.value = run;
      this.loaded.value = true;
      this.linesLoaded.value = true;
      this.version.value += 1;
      this.systemVersion.value += 1;
    });
  }

  close(): void {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.looked);
    this.stopListening();
    this.feed?.close();
  }

  /** One at a time; it hears of the others until another one, or null, takes its place. */
  compare(comparing: Comparing | null): void {
    this.comparing = comparing;
    if (this.feed && this.liveness.peek() === "live") comparing?.connected(this.feed.position());
  }

  /** Somebody looks at the console or at the machine: from now on they are asked for too. */
  want(what: "system" | "console"): void {
    if (this.wants[what]) return;
    this.wants[what] = true;
    if (!this.report) this.look();
  }

  /** Raises what the server said against it. */
  async order(desired: "go" | "pause" | "stop"): Promise<void> {
    await change(`${runPath(this.id)}/desired`, { desired });
    this.look();
  }

  /** The new run's id, "" where it is not to be seen yet. Raises what the server said against it. */
  async retry(): Promise<string> {
    const before = new Set(this.related.peek().map((one) => one.id));
    await change(`${runPath(this.id)}/retry`, {});
    await this.relatives();
    return this.related.peek().find((one) => one.relation === "retry" && !before.has(one.id))?.id ?? "";
  }

  /** Something is new: look now, or after what is under way. */
  look(): void {
    this.again = true;
    if (this.busy || this.closed || document.visibilityState === "hidden") return;
    this.busy = true;
    this.again = false;
    void this.catchUp().catch(() => undefined).then(async () => {
      await new Promise((rested) => setTimeout(rested, REST_MS));
      this.busy = false;
      if (this.again) this.look();
    });
  }

  private async catchUp(): Promise<void> {
    if (this.stale) this.history.clear();
    this.stale = false;
    const seldom = performance.now() > this.seldom;
    if (seldom) this.seldom = performance.now() + SELDOM_MS;
    await Promise.all([
      this.reload(), this.rows(), this.machine(), this.console(), ...(seldom ? [this.relatives(), this.rest()] : []),
    ]);
    this.loaded.value = true;
  }

  private async reload(): Promise<void> {
    // The points are in the history, of which only new rows are asked for.
    const asked = await fetched(read<RunView>(`${runPath(this.id)}${query({ curve: "false" })}`));
    if (this.closed || (asked.state === "failed" && this.run.peek().state === "ready")) return;
    this.run.value = asked;
    if (asked.state !== "ready") return;
    const attempts = asked.value.attempts.length;
    if (this.attempts >= 0 && attempts !== this.attempts) {
      // A new attempt hides what an earlier one reported after its first step.
      this.stale = this.again = true;
    }
    if (asked.value.ended !== null && !this.ended) {
      // The last files of a run arrive with its end.
      this.seldom = 0;
      this.again = true;
    }
    this.attempts = attempts;
    this.ended = asked.value.ended !== null;
  }

  private async rows(): Promise<void> {
    await readHistory(this.id, this.history, "", () => {
      this.version.value += 1;
    });
  }

  private async machine(): Promise<void> {
    if (!this.wants.system) return;
    await readHistory(this.id, this.system, "system", () => {
      this.systemVersion.value += 1;
    });
  }

  private async console(): Promise<void> {
    if (!this.wants.console) return;
    for (;;) {
      const path = `${runPath(this.id)}/console${query({ after: String(this.cursor), limit: String(LINES) })}`;
      const page = await read<{ lines: (Line & { cursor: number })[]; next: number }>(path);
      this.lines.take(page.lines);
      this.cursor = page.lines.reduce((most, line) => Math.max(most, line.cursor), this.cursor);
      batch(() => {
        this.linesVersion.value += 1;
        if (page.lines.length < LINES) this.linesLoaded.value = true;
      });
      if (page.lines.length < LINES || this.closed) return;
    }
  }

  private async relatives(): Promise<void> {
    this.related.value = await read<RelatedRun[]>(`${runPath(this.id)}/related`);
  }

  private async rest(): Promise<void> {
    const [files, ways, artifacts] = await Promise.all([
      read<FileView[]>(`${runPath(this.id)}/files`),
      read<Way[]>(`${runPath(this.id)}/reproduce`),
      read<ArtifactView[]>(`${runPath(this.id)}/artifacts`),
    ]);
    batch(() => {
      if (JSON.stringify(files) !== JSON.stringify(this.files.peek())) this.files.value = files;
      this.ways.value = ways;
      this.artifacts.value = artifacts;
    });
  }
}
