/**
 * All that is known of one sweep (or of a project's runs outside of sweeps), kept up to date: the only subscriber to
 * the stream on its page. Boards and curves are changed in place; `version` and `curvesVersion` say so.
 */
import { batch, effect, signal, type Signal } from "@preact/signals";
import { leisure } from "../leisure";
import type { Board, Curves, Fetched, Forecast, HealthCard, Importance, Progress, Source } from "../types";
import { merge, report } from "./board";
import { change, holds, lastStep, lengthOf, replacing, type Change } from "./curves";
import { listen, type Feed, type Happened, type Liveness, type Message, type Point } from "./live";
import { boardView, curvesOf, fetched, type Subject } from "./source";

/** A point is drawn so soon; rows of runs that changed are asked for so often at most; what the server computes, less so. */
const POINTS_MS = 50;
const ROWS_MS = 350;
const FIGURES_MS = 2_000;
const INSIGHTS_MS = 2_500;
const AGAIN_MS = 60_000;
/** Drawing takes so long at most, before the server is asked to compute. */
const DRAWN_MS = 2_000;
/** Of a sweep so young that its first runs have changed that meanwhile. */
const NOTHING_YET_MS = 10_000;
/** Above this, the whole board is as cheap. */
const MANY = 300;

export interface Updates {
  view(subject: Subject, runs?: readonly string[]): ReturnType<typeof boardView>;
  curves(subject: Subject, metric: string, timed: boolean, runs?: readonly string[]): ReturnType<typeof curvesOf>;
  listen: typeof listen;
}
const updates: Updates = { view: boardView, curves: curvesOf, listen };

export class SweepData {
  readonly board: Signal<Fetched<Board>> = signal({ state: "loading" });
  readonly version = signal(0);
  readonly curves: Signal<Fetched<Curves>> = signal({ state: "loading" });
  readonly curvesVersion = signal(0);
  readonly metrics: Signal<readonly string[]> = signal([]);
  readonly importance: Signal<Fetched<Importance>> = signal({ state: "loading" });
  readonly health: Signal<Fetched<readonly HealthCard[]>> = signal({ state: "loading" });
  readonly progress: Signal<Fetched<Progress>> = signal({ state: "loading" });
  readonly forecasts: Signal<readonly Forecast[]> = signal([]);
  /** Counts up when the server would answer otherwise about slices and pairs. */
  readonly insights = signal(0);
  readonly liveness: Signal<Liveness> = signal("connecting");

  private feed: Feed | null = null;
  private readonly changed = new Set<string>();
  private readonly recurve = new Set<string>();
  private readonly reported = new Map<string, Point[]>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private stopListening = (): void => undefined;
  private readonly looked = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.changed.size) this.later("rows", ROWS_MS, () => void this.rows());
    if (this.outdated) void this.refreshInsights();
  };
  private closed = false;
  private shownMetric = "";
  /** Answers with curves that are on their way; what is heard meanwhile may not be in them, and is taken once more. */
  private underway = 0;
  private readonly late = new Map<string, Point[]>();
  /** The last steps as the first board had them: the curves that were asked for beside it may be older than it is. */
  private told: Float64Array | null = null;
  /** One answer with rows at a time: an older one must not come after a newer one. */
  private asking = false;
  private readonly computing = new Set<string>();
  private readonly recompute = new Set<string>();
  /** Curves come with their times: from when somebody first wanted them over time. */
  private timed = false;
  /** When points were taken in last. */
  private taken = -Infinity;
  /** The sweep changed while nobody looked: insights wait until somebody does. */
  private outdated = false;

  constructor(
    readonly subject: Subject,
    readonly source: Source,
    private readonly updates_: Updates = updates,
  ) {}

  /** Whoever keeps rows hears of another board, in which the same runs may have others. */
  replaced: (before: Board, after: Board) => void = () => undefined;

  /** The first page: the board and the curves of its objective side by side, then what the server has to compute. */
  async open(metric = "", boarded: () => void = () => undefined): Promise<void> {
    document.addEventListener("visibilitychange", this.looked);
    // Only a sweep has an objective that the server knows by itself.
    const first = metric || this.subject.kind === "sweep" ? this.loadCurves(metric) : null;
    await this.reload(boarded);
    await first;
    if (this.closed || !this.ready()) return;
    // On the same machine the server would take the processor that draws what has come.
    if (this.source.frozen) void this.refreshInsights();
    else void leisure(DRAWN_MS).then(() => this.refreshInsights());
    await this.compute("metrics", () => this.refreshMetrics());
  }

  private async refreshMetrics(): Promise<void> {
    const names = await fetched(this.source.metrics(this.subject.id));
    if (this.closed || names.state !== "ready") return;
    if (names.value.join("\n") !== this.metrics.value.join("\n")) this.metrics.value = names.value;
    if (!this.shownMetric && this.usual) await this.loadCurves(this.usual);
  }

  /** The metric that is shown unasked: the objective (""), or where there is none the first. */
  private get usual(): string {
    return this.ready()?.head.metric ? "" : this.metrics.value[0] ?? "";
  }

  close(): void {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.looked);
    this.stopListening();
    this.feed?.close();
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  async showMetric(metric: string): Promise<void> {
    const wanted = metric || this.usual;
    if (wanted !== this.shownMetric) await this.loadCurves(wanted);
  }

  /** Curves over time or not, from now on. A sweep's keep their times; those of a project may be over a metric, and in its order
   * only without them. */
  async showTimes(wanted = true): Promise<void> {
    if (this.timed === wanted || this.source.frozen || (!wanted && this.subject.kind === "sweep")) return;
    this.timed = wanted;
    await this.loadCurves(this.shownMetric);
  }

  /** Shows another metric's curves; "" is the objective. */
  async loadCurves(metric: string): Promise<void> {
    this.shownMetric = metric;
    const { timed } = this;
    await this.withLate(async () => {
      const asked = await fetched(this.source.curves(this.subject.id, metric, timed));
      if (!this.closed && this.shownMetric === metric && this.timed === timed) this.takeCurves(asked);
    });
  }

  private takeCurves(asked: Fetched<Curves>): void {
    const { value: known } = this.curves;
    // What was there is better than an error that passes.
    if (asked.state === "failed" && known.state === "ready" && this.isShown(known.value)) {
      this.later("curves", FIGURES_MS, () => void this.loadCurves(this.shownMetric));
      return;
    }
    batch(() => {
      this.curves.value = asked;
      this.curvesVersion.value += 1;
    });
    this.compare();
  }

  /** Whether these are the curves that people want to see, and not the last ones, still there. */
  private isShown(curves: Curves): boolean {
    return curves.metric === (this.shownMetric || this.ready()?.head.metric?.name);
  }

  private async withLate(ask: () => Promise<void>): Promise<void> {
    this.underway += 1;
    try {
      await ask();
    } finally {
      this.underway -= 1;
      this.extend(this.late);
      if (!this.underway) this.late.clear();
    }
  }

  /** Between the curves of the first page and its board, where the stream begins, some points may have come. */
  private compare(): void {
    const board = this.ready();
    const { value: state } = this.curves;
    if (!this.told || !board || state.state !== "ready" || !this.onObjective) return;
    this.told.forEach((step, row) => {
      if (step > 0 && Math.fround(step) > lastStep(state.value, row)) this.note(board.ids[row] ?? "", true);
    });
    this.told = null;
  }

  async retry(): Promise<void> {
    this.board.value = { state: "loading" };
    await this.everything();
    if (this.ready()) void this.refreshInsights();
  }

  /** The objective's curves, which points of the stream continue. */
  private get onObjective(): boolean {
    const board = this.ready();
    const objective = board?.head.metric?.name;
    return objective !== undefined && (this.shownMetric === "" || this.shownMetric === objective);
  }

  private ready(): Board | null {
    const { value } = this.board;
    return value.state === "ready" ? value.value : null;
  }

  /** `boarded` hears of it before anything is drawn. */
  private async reload(boarded: () => void = () => undefined): Promise<void> {
    const asked = await fetched(this.source.board(this.subject.id));
    if (!this.closed) this.takeBoard(asked, boarded);
  }

  private takeBoard(asked: Fetched<Board>, boarded: () => void = () => undefined): void {
    const known = this.ready();
    if (asked.state === "failed" && known) {
      this.later("gap", FIGURES_MS, () => void this.everything());
      return;
    }
    batch(() => {
      if (known && asked.state === "ready") this.replaced(known, asked.value);
      this.board.value = asked;
      this.version.value += 1;
      if (asked.state === "ready") boarded();
    });
    if (asked.state !== "ready") return;
    if (this.source.frozen) {
      this.liveness.value = "frozen";
      return;
    }
    this.expectAdvice(asked.value);
    if (this.feed) return;
    this.told = asked.value.columns.get("steps")?.values.slice() ?? null;
    this.compare();
    const filter = this.subject.kind === "sweep" ? `sweep=${encodeURIComponent(this.subject.id)}` : "";
    this.feed = this.updates_.listen(filter, asked.value.position, (message) => this.hear(message));
    const { state } = this.feed;
    this.stopListening = effect(() => {
      this.liveness.value = state.value;
    });
  }

  /** Nothing in the stream says when the model has answered. */
  private expectAdvice(board: Board): void {
    if (board.head.advising) this.later("figures", FIGURES_MS, () => void this.rows());
  }

  private hear(message: Message): void {
    if (message.kind === "gap") {
      this.later("gap", ROWS_MS, () => void this.everything());
      return;
    }
    if (message.kind === "point") this.hearPoint(message);
    else this.hearEvent(message);
  }

  /** Board and curves together: where runs are gone, the rows of others are other ones in both. */
  private async everything(): Promise<void> {
    const { shownMetric: metric, timed } = this;
    await this.withLate(async () => {
      const { id } = this.subject;
      const [board, curves] = await Promise.all([fetched(this.source.board(id)), fetched(this.source.curves(id, metric, timed))]);
      if (this.closed) return;
      batch(() => {
        this.takeBoard(board);
        if (this.shownMetric === metric && this.timed === timed) this.takeCurves(curves);
      });
    });
  }

  private hearPoint(point: Point): void {
    if (!this.ready()?.rows.has(point.run)) {
      if (this.subject.kind === "sweep") this.note(point.run, true);
      return;
    }
    const waiting = this.reported.get(point.run);
    if (waiting) waiting.push(point);
    else this.reported.set(point.run, [point]);
    // At once after a pause: in a hidden tab the browser lets timers wait for up to a second.
    if (performance.now() - this.taken >= POINTS_MS) this.takeReports();
    else this.later("points", POINTS_MS, () => this.takeReports());
    this.changed.add(point.run);
    if (!this.onObjective) this.recurve.add(point.run);
    this.later("figures", FIGURES_MS, () => void this.rows());
  }

  private hearEvent(event: Happened): void {
    if (this.subject.kind === "project" && event.sweep !== null) return;
    // Attempts hide what earlier ones reported after their first step: the curve is asked for again.
    if (event.run !== null) this.note(event.run, event.type !== "run.reported");
    else this.later("rows", ROWS_MS, () => void this.rows());
    this.later("insights", INSIGHTS_MS, () => {
      void this.compute("metrics", () => this.refreshMetrics());
      void this.refreshInsights();
    });
  }

  private note(run: string, curve: boolean): void {
    this.changed.add(run);
    if (curve) this.recurve.add(run);
    this.later("rows", ROWS_MS, () => void this.rows());
  }

  private later(name: string, after: number, act: () => void): void {
    if (this.timers.has(name) || this.closed) return;
    this.timers.set(name, setTimeout(() => {
      this.timers.delete(name);
      act();
    }, after));
  }

  /** Takes waiting points of the objective into the board and into its curves. */
  private takeReports(): void {
    const board = this.ready();
    if (!board || !this.reported.size) return;
    this.taken = performance.now();
    for (const [run, points] of this.reported) {
      const row = board.rows.get(run);
      if (row === undefined) continue;
      for (const { step, value } of points) report(board, row, step, value);
      if (this.underway) this.late.set(run, [...(this.late.get(run) ?? []), ...points]);
    }
    board.version += 1;
    batch(() => {
      this.extend(this.reported);
      this.version.value += 1;
    });
    this.reported.clear();
  }

  /** Puts the points that are not there yet behind their runs' curves, where those of the objective are shown. */
  private extend(reported: ReadonlyMap<string, readonly Point[]>): void {
    const board = this.ready();
    const { value: state } = this.curves;
    if (!board || state.state !== "ready" || !this.onObjective || !this.isShown(state.value)) return;
    const curves = state.value;
    const changes = new Map<number, Change>();
    for (const [run, points] of reported) {
      const row = board.rows.get(run);
      if (row === undefined) continue;
      const fresh: Point[] = [];
      let last = lastStep(curves, row);
      for (const point of points) {
        if (point.step > last) {
          fresh.push(point);
          last = point.step;
          // A step again: the server knows which attempt's counts.
        } else if (!holds(curves, row, point.step, point.value)) this.note(run, true);
      }
      if (!fresh.length) continue;
      const now = Date.now() / 1000 - (board.columns.get("started")?.values[row] ?? NaN);
      changes.set(row, {
        keep: lengthOf(curves, row), steps: fresh.map(({ step }) => step), values: fresh.map(({ value }) => value),
        times: fresh.map(() => now),
      });
    }
    if (!changes.size) return;
    change(curves, board.n, changes);
    this.curvesVersion.value += 1;
  }

  /** Rows of runs that changed, and their curves where those may be other than the points said. */
  private async rows(): Promise<void> {
    const board = this.ready();
    if (!board || this.closed) return;
    if (this.asking) {
      this.later("rows", ROWS_MS, () => void this.rows());
      return;
    }
    if (document.visibilityState === "hidden" && this.changed.size > MANY) return;
    const runs = [...this.changed];
    const redrawn = [...this.recurve];
    this.changed.clear();
    this.recurve.clear();
    this.asking = true;
    try {
      const view = await this.updates_.view(this.subject, runs.length <= MANY ? runs : undefined);
      if (this.closed) return;
      if (this.ready() !== board) throw new Error("another board came meanwhile, which may be older than this");
      const told = new Set(view.runs.id);
      const gone = (runs.length <= MANY ? runs : board.ids).some((run) => board.rows.has(run) && !told.has(run));
      // Rows behind a run that is gone are others: all is asked for again.
      if (gone || !merge(board, view)) {
        await this.everything();
        return;
      }
      this.expectAdvice(board);
      this.version.value += 1;
      if (redrawn.length) await this.withLate(() => this.redraw(board, redrawn));
    } catch {
      // The stream says when the server is there again; until then these are still to be asked for.
      runs.forEach((run) => this.changed.add(run));
      redrawn.forEach((run) => this.recurve.add(run));
      if (runs.length) this.later("rows", FIGURES_MS, () => void this.rows());
    } finally {
      this.asking = false;
    }
  }

  private async redraw(board: Board, runs: readonly string[]): Promise<void> {
    const few = runs.length <= MANY;
    // The server answers in the board's order, whatever the order asked for.
    const rows = few ? runs.flatMap((run) => board.rows.get(run) ?? []).sort((a, b) => a - b) : [...board.ids.keys()];
    if (!rows.length) return;
    const { shownMetric: metric, timed } = this;
    const { value: before } = this.curves;
    if (before.state !== "ready" || !this.isShown(before.value)) {
      await this.loadCurves(metric);
      return;
    }
    const news = await this.updates_.curves(this.subject, metric, timed, few ? rows.map((row) => board.ids[row] ?? "") : undefined);
    const { value: current } = this.curves;
    if (this.closed || this.shownMetric !== metric || this.timed !== timed || current.state !== "ready") return;
    if (news.over !== current.value.over) {
      await this.loadCurves(metric);
      return;
    }
    if (current !== before || this.ready() !== board || news.offsets.length <= rows.length) {
      // Others have come meanwhile, which may be older than what these runs are redrawn for; or one of these is gone.
      runs.forEach((run) => this.note(run, true));
      return;
    }
    current.value.lacking = news.lacking;
    change(current.value, board.n, replacing(rows, news));
    this.curvesVersion.value += 1;
  }

  private async refreshInsights(): Promise<void> {
    const { id } = this.subject;
    if (this.closed) return;
    this.outdated = document.visibilityState === "hidden";
    if (this.outdated) return;
    if (this.subject.kind === "project") return;
    const keep = <T>(into: Signal<Fetched<T>>, ask: () => Promise<T>): (() => Promise<void>) => async () => {
      const answer = await fetched(ask());
      // What was there is better than an error that passes.
      if (!this.closed && (answer.state === "ready" || into.value.state !== "ready")) into.value = answer;
    };
    await Promise.all([
      this.compute("progress", keep(this.progress, () => this.source.progress(id))),
      this.compute("health", async () => {
        // Most cards need no model, whose fit may take a minute.
        if (this.health.value.state !== "ready") await keep(this.health, () => this.source.health(id, true))();
        await keep(this.health, () => this.source.health(id))();
      }),
      this.compute("forecasts", async () => {
        const forecasts = await fetched(this.source.forecasts(id));
        if (!this.closed && forecasts.state === "ready") this.forecasts.value = forecasts.value;
      }),
      this.compute("importance", keep(this.importance, () => this.source.importance(id, this.ready()?.head.metric?.name ?? ""))),
    ]);
    this.insights.value += 1;
    // While runs train the server spares the machine and says again what it said last; nothing tells when it knows more.
    const { value: found } = this.importance;
    const after = found.state === "ready" && !found.value.rows.length ? NOTHING_YET_MS : AGAIN_MS;
    if (this.ready()?.head.state === "running") this.later("insights again", after, () => void this.refreshInsights());
  }

  /** Once at a time: a model may take minutes, and a browser has six connections for all that a page asks. */
  private async compute(what: string, ask: () => Promise<void>): Promise<void> {
    this.recompute.add(what);
    if (this.computing.has(what)) return;
    this.computing.add(what);
    while (this.recompute.delete(what) && !this.closed) await ask();
    this.computing.delete(what);
  }
}
