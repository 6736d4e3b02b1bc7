/**
 * The sweep that a run is of, as far as the run's page speaks of it: all rows once, then those that the run is compared
 * with, and those that the run's stream says are others now.
 */
import { useEffect, useState } from "preact/hooks";
import { boardOf, merge } from "../data/board";
import type { Frozen } from "../data/frozen";
import { behind } from "../data/live";
import { boardView, pathOf, progressOf, read, type Subject } from "../data/source";
import type { ProgressView } from "../data/wire";
import type { Board } from "../types";
import type { Comparing, RunData, RunView } from "./data";

/** `version` counts: a board is changed in place. */
export interface OfSweep {
  readonly board: Board | null;
  readonly noise: number | null;
  readonly version: number;
}

const NOTHING: OfSweep = { board: null, noise: null, version: 0 };
/** Between two requests, so that runs that end together are few. */
const REST_MS = 350;
/** Nothing in the stream says when the model has answered, or why a request failed: it is asked again, each time later. */
const AGAIN_MS = 2_000;
const SELDOM_MS = 60_000;
/** Above this, all rows are as cheap. */
const MANY = 300;

export class Standings implements Comparing {
  private found = NOTHING;
  private readonly heard = new Set<string>();
  private whole = true;
  /** Of the last answer with all rows. */
  private position = "";
  /** Where the stream began: it tells all that comes behind, also after it broke off. */
  private since = "";
  private busy = false;
  private again = false;
  /** The noise is to be asked for, which may take a model its time. */
  private noise = false;
  private asked = false;
  private closed = false;
  private wait = AGAIN_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly subject: Subject, private readonly run: string, private readonly report: Frozen | null,
    private readonly told: (found: OfSweep) => void) {}

  changed(run: string | null): void {
    if (run === null) this.whole = true;
    else this.heard.add(run);
    this.look();
  }

  connected(position: string): void {
    if (!this.since) {
      this.since = position;
      if (this.found.board && behind(this.position, position)) this.whole = true;
    }
    if (this.whole || this.heard.size) this.look();
  }

  /** Something is new. */
  look(): void {
    this.wait = AGAIN_MS;
    this.go();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private go(): void {
    this.again = true;
    if (this.busy || this.closed || document.visibilityState === "hidden") return;
    this.busy = true;
    this.again = false;
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.ask().then(() => this.found.board?.head.advising ?? false, () => true).then((soon) => {
      if (soon) this.later();
      if (this.noise) void this.askForNoise();
      setTimeout(() => {
        this.busy = false;
        if (this.again) this.go();
      }, REST_MS);
    });
  }

  private later(): void {
    if (this.timer !== undefined || this.closed || this.report) return;
    this.timer = setTimeout(() => this.go(), this.wait);
    this.wait = Math.min(2 * this.wait, SELDOM_MS);
  }

  private async ask(): Promise<void> {
    const heard = [...this.heard];
    const { board } = this.found;
    if (board && !this.whole && heard.length <= MANY) await this.askFor(board, heard);
    else await this.askForAll();
  }

  private async askForAll(): Promise<void> {
    const { since } = this;
    this.whole = false;
    this.heard.clear();
    this.noise = true;
    try {
      const board = this.report ? await this.report.source.board(this.subject.id) : boardOf(await boardView(this.subject));
      this.position = board.position;
      this.tell({ board });
    } catch (error) {
      this.whole = true;
      throw error;
    }
    // What was asked for after the stream began lacks nothing from before, whatever place the browser kept with it.
    if (!since && behind(this.position, this.since)) this.whole = this.again = true;
  }

  private async askFor(board: Board, heard: readonly string[]): Promise<void> {
    this.heard.clear();
    const { ids, head } = board;
    const wanted = new Set([this.run, ...heard, ...[head.best, head.baseline].flatMap((row) => ids[row] ?? [])]);
    try {
      const view = await boardView(this.subject, [...wanted]);
      const told = new Set(view.runs.id);
      const gone = [...wanted].some((run) => board.rows.has(run) && !told.has(run));
      const named = [view.head.best, view.head.baseline].filter((run) => run !== null);
      const edited = head.specVersion !== view.head.spec_version;
      // In which order rows stand is nothing to a run's place.
      merge(board, view);
      if (gone || edited || named.some((run) => !board.rows.has(run))) this.whole = this.again = true;
      // It is compared with another one now, whose row may be an old one.
      else if (named.some((run) => !wanted.has(run))) this.again = true;
    } catch (error) {
      heard.forEach((run) => this.heard.add(run));
      throw error;
    }
    // What repeats tell; trainings of the search tell nothing of it.
    if (heard.some((run) => board.kinds[board.rows.get(run) ?? -1] !== "search")) this.noise = true;
    this.tell({ board });
  }

  /** The server works it out, beside the rows: what is known stands there meanwhile. */
  private async askForNoise(): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    this.noise = false;
    try {
      const progress = await (this.report ? this.report.source.progress(this.subject.id)
        : read<ProgressView>(`${pathOf(this.subject)}/progress`).then(progressOf));
      this.tell({ noise: progress.noise });
    } catch {
      this.noise = true;
    }
    this.asked = false;
    if (this.noise) this.later();
  }

  private tell(news: Partial<OfSweep>): void {
    this.found = { ...this.found, ...news, version: this.found.version + 1 };
    if (!this.closed) this.told(this.found);
  }
}

/** Without a board outside of sweeps, and until it is there. */
export function useSweep({ id, sweep, state, steps }: RunView, data: RunData): OfSweep {
  const { report } = data;
  const [found, setFound] = useState(NOTHING);
  const [asked, setAsked] = useState<Standings | null>(null);
  useEffect(() => {
    setFound(NOTHING);
    if (sweep === null) return undefined;
    const made = new Standings({ kind: "sweep", id: sweep }, id, report, setFound);
    setAsked(made);
    const looked = (): void => {
      if (document.visibilityState === "visible" && !report) made.look();
    };
    document.addEventListener("visibilitychange", looked);
    made.look();
    data.compare(made);
    return () => {
      document.removeEventListener("visibilitychange", looked);
      data.compare(null);
      made.close();
    };
  }, [id, sweep, data]);
  useEffect(() => {
    if (!report) asked?.look();
  }, [asked, state, steps]);
  return found;
}
