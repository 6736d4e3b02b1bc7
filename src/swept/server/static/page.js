// The plain first page: sweeps, one sweep, one run; live, read-only. All text goes through textContent.
"use strict";

const page = document.getElementById("page");
const root = new URL(document.currentScript.src).pathname.replace(/\/static\/page\.js$/, "");

// What an address shows: ours (/runs/ID), or one that W&B's clients print (/ENTITY/PROJECT/runs/ID/overview).
function subjectOf(pathname) {
  const parts = pathname.slice(root.length).split("/").filter(Boolean).map(decodeURIComponent);
  const [kind, id, ...view] = parts.length > 2 || !["runs", "sweeps"].includes(parts[0]) ? parts.slice(2) : parts;
  if (id && (kind === "runs" || kind === "sweeps")) return { kind, id };
  if (id && kind === "artifacts") return { kind, id: [id, ...view].join("/"), project: parts[1] };
  return { kind: "list", project: parts.length > 1 ? parts[1] : undefined };
}
const subject = subjectOf(location.pathname);

function element(tag, attributes = {}, ...children) {
  const svg = tag === "svg" || tag === "polyline" || tag === "title";
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined).map(
    (child) => child instanceof Node ? child : String(child)));
  return made;
}

const number = (value) => typeof value === "number"
  ? String(Number(value.toPrecision(5))) : (value ?? "–");
const linkTo = (what, target, text) => element("a", { href: `${root}/${what}/${encodeURIComponent(target)}` }, text);
const when = (seconds) => seconds ? new Date(seconds * 1000).toLocaleString() : "–";

function flat(config, above = "") {
  return Object.entries(config).flatMap(([key, value]) =>
    value && typeof value === "object" && !Array.isArray(value)
      ? flat(value, `${above}${key}.`) : [[above + key, value]]);
}

const told = (value) => typeof value === "number" ? number(value) : JSON.stringify(value);
const assigned = (pairs) => element("span", { class: "pairs" },
  ...pairs.flatMap(([key, value]) => [element("span", {}, `${key}=${told(value)}`), " "]));
const named = (entries) => new Map((entries ?? []).map((entry) => [entry.path.join("."), entry.value]));

// What distinguishes a run: the searched parameters, and constants that it has otherwise (a longer final training).
function distinguishing(config, constants) {
  return flat(config).filter(([key, value]) =>
    !constants.has(key) || JSON.stringify(constants.get(key)) !== JSON.stringify(value));
}

function table(heads, rows) {
  return element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell)))))));
}

// Learning curves: one polyline a run; points that are not finite are left out.
function curves(runs, best) {
  const drawn = runs.map((run) => ({ run, points: run.curve.filter(([, value]) => typeof value === "number") }))
    .filter(({ points }) => points.length);
  if (!drawn.length) return element("p", { class: "soft" }, "no reports of the objective yet");
  const all = drawn.flatMap(({ points }) => points);
  const range = (index) => {
    const values = all.map((point) => point[index]);
    const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    return [low, high > low ? high : low + 1];
  };
  const [x0, x1] = range(0), [y0, y1] = range(1);
  const place = ([x, y]) => `${(1000 * (x - x0) / (x1 - x0)).toFixed(1)},${(300 - 300 * (y - y0) / (y1 - y0)).toFixed(1)}`;
  const lines = drawn.map(({ run, points }) => element("polyline", {
    points: (points.length > 1 ? points : [points[0], points[0]]).map(place).join(" "),
    class: best && run.id === best.id ? "best" : run.kind === "baseline" ? "baseline" : "",
  }, element("title", {}, `${run.name || run.id}: ${number(run.value)}`)));
  return element("figure", { style: "margin:0" },
    element("svg", { viewBox: "-5 -5 1010 310", preserveAspectRatio: "none", role: "img",
      "aria-label": `learning curves of ${drawn.length} runs` }, ...lines),
    element("figcaption", { class: "soft" },
      `steps ${x0}–${x1}, values ${number(y0)}–${number(y1)}; thick: best, dashed: baseline`));
}

function listView(all) {
  const where = subject.project;
  const sweeps = all.filter((sweep) => !where || sweep.project === where);
  if (!sweeps.length && !where) return [element("h1", {}, "No sweeps yet"), element("p", {}, "Start one with ",
    element("code", {}, "swept launch sweep.yaml"))];
  const title = sweeps.length ? "Sweeps" : "No sweeps";
  return [element("h1", {}, where ? `${title} in ${where}` : title), sweeps.length ? sweepTable(sweeps) : null];
}

const sweepTable = (sweeps) => table(["sweep", "project", "state", "method", "objective", "leading", "runs", "created"],
  sweeps.map((sweep) => [linkTo("sweeps", sweep.id, sweep.name || sweep.id), sweep.project, sweep.state, sweep.method,
    sweep.metric ? `${sweep.metric.goal} ${sweep.metric.name}` : "–", number(sweep.best?.value),
    Object.entries(sweep.counts).map(([state, count]) => `${count} ${state}`).join(", ") || "none",
    when(sweep.created)]));

// Runs that no search started: a project's address is what a plain script prints.
async function byHand() {
  if (subject.kind !== "list" || !subject.project) return [];
  const answer = await fetch(`${root}/api/runs?project=${encodeURIComponent(subject.project)}`);
  const runs = answer.ok ? await answer.json() : [];
  return runs.length ? [element("h2", {}, "Runs by hand"), table(["run", "state", "created", "configuration"],
    runs.map((run) => [linkTo("runs", run.id, run.name || run.id), run.state, when(run.created),
      assigned(flat(run.config))]))] : [];
}

const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

// Why it was started, and why it ended; long ones are cut to a line and whole on hover.
const reasons = (run) => element("span", { class: "reasons" },
  ...[run.why, run.ended_because].filter(Boolean).map((text) => element("span", { title: text }, text)));

function sweepView(sweep) {
  const baseline = sweep.runs.find((run) => run.kind === "baseline");
  const constants = named(sweep.spec.constants);
  const line = (label, run, more = "") => run && element("p", {}, `${label}: `, linkTo("runs", run.id, run.name || run.id), " ",
    element("b", {}, number(run.value)), ` at step ${run.steps}${more}`);
  const advice = sweep.advice;
  const expected = advice
    ? `; another training of it is expected to end at ${number(advice.value)} (${number(advice.low)} to ${number(advice.high)})` : "";
  return [element("h1", {}, sweep.name || sweep.id),
    element("p", { class: "soft" }, `${sweep.state}${sweep.ended_because ? `: ${sweep.ended_because}` : ""} · ${sweep.method}`,
      sweep.metric ? ` · ${sweep.metric.goal} ${sweep.metric.name}` : "",
      ` · ${counted(sweep.agents.filter((agent) => agent.live).length, "agent")} at work`),
    line("best", sweep.best, expected), line("baseline", baseline), curves(sweep.runs, sweep.best),
    element("h2", {}, "Runs"), table(["", "run", "kind", "state", "value", "step", "configuration", "why"],
      sweep.runs.map((run) => [run.number, linkTo("runs", run.id, run.name || run.id), run.kind,
        element("span", { class: run.state }, run.state + (run.desired !== "go" && run.state === "running" ? ` (${run.desired} asked)` : "")),
        element("span", sweep.best?.id === run.id ? { class: "best" } : {}, number(run.value)), run.steps,
        assigned(distinguishing(run.config, constants)), reasons(run)])),
    constants.size ? element("p", { class: "soft" }, "The same in all runs: ", assigned([...constants])) : null,
    element("h2", {}, "Sweep file"), element("pre", {}, sweep.text)];
}

function runView(run) {
  return [element("h1", {}, run.name || run.id),
    element("p", { class: "soft" }, `${run.kind} · ${run.state}${run.ended_because ? `: ${run.ended_because}` : ""}`),
    run.sweep ? element("p", {}, "sweep ", linkTo("sweeps", run.sweep, run.sweep)) : null,
    element("p", {}, run.why), element("p", {}, "value ", element("b", {}, number(run.value)), ` at step ${run.steps}, best ${number(run.best_value)}`),
    curves([run], run), element("h2", {}, "Configuration"),
    table(["parameter", "value"], flat(run.config).map(([key, value]) => [key, JSON.stringify(value)])),
    element("h2", {}, "Summary"), table(["metric", "value"], flat(run.summary).map(([key, value]) => [key, number(value)])),
    element("h2", {}, "Attempts"), table(["", "host", "started", "ended", "outcome", "reason"],
      run.attempts.map((one) => [one.number, one.host, when(one.started), when(one.ended), one.outcome ?? "running", one.reason]))];
}

// Its files are for programs; the page says how they are had.
function artifactView() {
  const [, name, version] = subject.id.split("/");
  const full = `${subject.project}/${name ?? subject.id}:${version ?? "latest"}`;
  return [element("h1", {}, `Artifact ${full}`), element("p", {}, "Download it with ",
    element("code", {}, `wandb.Api().artifact("local/${full}").download()`))];
}

async function show() {
  const listed = subject.kind === "list" || subject.kind === "artifacts";
  const path = root + (listed ? "/api/sweeps" : `/api/${subject.kind}/${encodeURIComponent(subject.id)}`);
  const answer = await fetch(path);
  const body = await answer.json();
  const views = { list: listView, artifacts: artifactView, sweeps: sweepView, runs: runView };
  const shown = answer.ok ? [...views[subject.kind](body), ...await byHand()] : [element("h1", {}, body.message), element("p", {}, body.hint)];
  const places = scrolled().map((box) => box.scrollLeft);
  page.replaceChildren(...shown.filter(Boolean));
  scrolled().forEach((box, index) => { box.scrollLeft = places[index] ?? 0; });
  document.getElementById("where").textContent = subject.id ?? "";
  return answer.ok;
}

const scrolled = () => [...page.querySelectorAll(".scroll")];

// Any message means "look again", the hello after a reconnect too: at most once a second, one look at a time, and
// for a large sweep seldom enough to leave the server alone.
let waiting = false, pause = 1000;
function changed() {
  if (waiting) return;
  waiting = true;
  setTimeout(async () => {
    waiting = false;
    const began = performance.now();
    await show().catch(asleep);
    pause = Math.max(1000, 4 * (performance.now() - began));
  }, pause);
}

const live = document.getElementById("live");
function asleep() { live.textContent = "no server: it sleeps when nobody needs it; any swept command wakes it"; }

const filter = subject.kind === "list" || subject.kind === "artifacts" ? "" : `?${subject.kind.slice(0, -1)}=${encodeURIComponent(subject.id)}`;
function listen() {
  const source = new EventSource(`${root}/api/events${filter}`);
  source.addEventListener("hello", () => { live.textContent = "live"; changed(); });
  source.addEventListener("event", changed);
  source.addEventListener("point", changed);
  source.onerror = () => {
    asleep();
    // A browser tries again by itself after a broken connection, but not after an answer that is no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
}

show().then((there) => { if (there) listen(); }, () => { asleep(); listen(); });
