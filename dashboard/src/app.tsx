/** The shell: the bar on top, the page that the address names, and what lies over all of them. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { live } from "./data/source";
import type { Frozen } from "./data/frozen";
import { moment } from "./format";
import { address, follow, linkTo, type Place } from "./router";
import { askSession, liveness, loginAsked, logOut, mayChange, sessionKnown, title, toast } from "./state/page";
import { Help, helpAsked, Login } from "./views/help";
import { Later } from "./views/later";
import { ProjectPage } from "./views/project";
import { SweepPage } from "./views/sweep";
import { SweepsPage } from "./views/sweeps";

const SAYS = {
  connecting: "connecting …", live: "live", reconnecting: "reconnecting …", asleep: "no server", frozen: "report",
} as const;

const runPage = () => import("./run/RunPage").then(({ RunPage }) => RunPage);
const comparePage = () => import("./compare/ComparePage").then(({ ComparePage }) => ComparePage);

export function App({ report }: { readonly report: Frozen | null }): JSX.Element {
  useEffect(follow, []);
  useEffect(() => {
    if (!report) void askSession();
  }, []);
  const { place } = address.value;
  useEffect(() => {
    document.title = [...title.value.map(({ text }) => text).reverse().slice(0, 1), "swept"].join(" · ");
  }, [title.value]);
  return (
    <>
      <a class="skip" href="#page" onClick={(event) => {
        event.preventDefault();
        document.getElementById("page")?.focus();
      }}>Skip to the content</a>
      <header class="bar">
        <a class="brand" href={linkTo({ view: "sweeps" })}>swept</a>
        <nav aria-label="Where you are">
          <ol>{title.value.map(({ text, href }) => <li class="clip">{href && !report ? <a href={href}>{text}</a> : text}</li>)}</ol>
        </nav>
        {report && <span class="muted nowrap">as of {moment(report.made)}</span>}
        {liveness.value && <span class={`liveness ${liveness.value}`} role="status">{SAYS[liveness.value]}</span>}
        {!report && <Session />}
        <button type="button" class="plain" onClick={() => (helpAsked.value = true)} aria-label="Help">?</button>
      </header>
      <main class="page" id="page" tabIndex={-1}>
        {liveness.value === "asleep" && (
          <div class="notice bad" role="alert">No server answers. It sleeps when nobody needs it: any <code>swept</code> command in the
            project's folder wakes it, and this page goes on by itself.</div>
        )}
        {report?.notes.map((note) => <p class="notice">{note}</p>)}
        <View place={place} report={report} />
      </main>
      <div class="toast" role="status" aria-live="polite">{toast.value}</div>
      <Help />
      {!report && <Login />}
    </>
  );
}

/** Of one width and there from the start, so that nothing moves when the server has said who this is. */
function Session(): JSX.Element {
  const inside = mayChange.value;
  return (
    <button type="button" class="plain session" style={{ visibility: sessionKnown.value ? "visible" : "hidden" }}
      onClick={() => (inside ? void logOut() : (loginAsked.value = true))}>{inside ? "Log out" : "Log in"}</button>
  );
}

function View({ place, report }: { readonly place: Place; readonly report: Frozen | null }): JSX.Element {
  const sweeps = useMemo(() => live("sweep"), []);
  const projects = useMemo(() => live("project"), []);
  switch (place.view) {
    case "sweeps":
      return report ? <SweepPage subject={{ kind: "sweep", id: report.sweep }} source={report.source} /> : <SweepsPage />;
    case "sweep":
      return <SweepPage key={place.id} subject={{ kind: "sweep", id: report?.sweep ?? place.id }} source={report?.source ?? sweeps} />;
    case "project":
      return <ProjectPage key={place.id} id={place.id} source={projects} />;
    case "run":
      return <Later key={place.id} load={runPage} props={{ id: place.id, report }} />;
    case "compare":
      return <Later load={comparePage} props={{ ids: place.ids, report }} />;
    case "artifact":
      return <Artifact project={place.project} id={place.id} />;
  }
}

/** Its files are for programs; the page says how they are had. */
function Artifact({ project, id }: { readonly project: string; readonly id: string }): JSX.Element {
  const [, name = id, version = "latest"] = id.split("/");
  const full = `${project}/${name}:${version}`;
  return (
    <div class="empty">
      <h1>Artifact {full}</h1>
      <p>Download it with</p>
      <pre>{`wandb.Api().artifact("local/${full}").download()`}</pre>
    </div>
  );
}
