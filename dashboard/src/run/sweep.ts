/** The sweep that a run is of, as far as the run's page speaks of it. */
import { useEffect, useState } from "preact/hooks";
import { boardOf, merge } from "../data/board";
import type { Frozen } from "../data/frozen";
import { boardView, pathOf, progressOf, read, type Subject } from "../data/source";
import type { ProgressView } from "../data/wire";
import type { Board } from "../types";
import type { RunView } from "./data";

/** `version` counts: a board is changed in place. */
export interface OfSweep {
  readonly board: Board | null;
  readonly noise: number | null;
  readonly version: number;
}

const NOTHING: OfSweep = { board: null, noise: null, version: 0 };
/** So long other runs of the sweep are taken for what they were; this one is asked for at each of its reports. */
const OTHERS_MS = 60_000;

class Sweep {
  private found = NOTHING;
  private busy = false;
  private again = false;
  private whole = -Infinity;
  private closed = false;

  constructor(private readonly subject: Subject, private readonly run: string, private readonly report: Frozen | null,
    private readonly told: (found: OfSweep) => void) {}

  look(): void {
    this.again = true;
    if (this.busy || this.closed) return;
    this.busy = true;
    this.again = false;
    void this.ask().catch(() => undefined).then(() => {
      this.busy = false;
      if (this.again) this.look();
    });
  }

  close(): void {
    this.closed = true;
  }

  private async ask(): Promise<void> {
    const { board } = this.found;
    if (board && performance.now() - this.whole < OTHERS_MS && merge(board, await boardView(this.subject, [this.run]))) {
      this.tell({ board });
      return;
    }
    this.whole = performance.now();
    this.tell({ board: this.report ? await this.report.source.board(this.subject.id) : boardOf(await boardView(this.subject)) });
    // The server works it out: what is known stands there meanwhile.
    const progress = await (this.report ? this.report.source.progress(this.subject.id)
      : read<ProgressView>(`${pathOf(this.subject)}/progress`).then(progressOf));
    this.tell({ noise: progress.noise });
  }

  private tell(news: Partial<OfSweep>): void {
    this.found = { ...this.found, ...news, version: this.found.version + 1 };
    if (!this.closed) this.told(this.found);
  }
}

/** Without a board outside of sweeps, and until it is there. */
export function useSweep({ id, sweep, state, steps }: RunView, report: Frozen | null): OfSweep {
  const [found, setFound] = useState(NOTHING);
  const [asked, setAsked] = useState<Sweep | null>(null);
  useEffect(() => {
    setFound(NOTHING);
    if (sweep === null) return undefined;
    const made = new Sweep({ kind: "sweep", id: sweep }, id, report, setFound);
    setAsked(made);
    const looked = (): void => {
      if (document.visibilityState === "visible" && !report) made.look();
    };
    document.addEventListener("visibilitychange", looked);
    made.look();
    return () => {
      document.removeEventListener("visibilitychange", looked);
      made.close();
    };
  }, [id, sweep, report]);
  useEffect(() => {
    if (!report) asked?.look();
  }, [asked, state, steps]);
  return found;
}
