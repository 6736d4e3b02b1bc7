/** A project: its sweeps, and its runs outside of them with the panels of a sweep. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { fetched, overview } from "../data/source";
import type { OverviewEntry } from "../data/wire";
import type { Fetched, Source } from "../types";
import { SweepPage } from "./sweep";
import { SweepList } from "./sweeps";

export function ProjectPage({ id, source }: { readonly id: string; readonly source: Source }): JSX.Element {
  const sweeps = useSignal<Fetched<readonly OverviewEntry[]>>({ state: "loading" });
  useEffect(() => {
    let over = false;
    void fetched(overview()).then((asked) => {
      if (!over) sweeps.value = asked;
    });
    return () => {
      over = true;
    };
  }, [id]);
  const ours = sweeps.value.state === "ready" ? sweeps.value.value.filter((entry) => entry.project === id) : [];
  return (
    <>
      {ours.length > 0 && (
        <section class="section" style={{ margin: "0 0 24px" }} aria-labelledby="sweeps-of">
          <h1 id="sweeps-of">Sweeps in {id}</h1>
          <SweepList entries={ours} />
        </section>
      )}
      <SweepPage subject={{ kind: "project", id }} source={source} />
    </>
  );
}
