/** The development server's page of a made-up sweep: `npm run dev`, then `/?synthetic=1000`. */
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { follow } from "../router";
import { SweepPage } from "../views/sweep";
import { syntheticSource } from "./synthetic";

export function Demonstration(): JSX.Element {
  useEffect(follow, []);
  const source = useMemo(() => {
    const query = new URLSearchParams(location.search);
    const runs = Number(query.get("synthetic")) || 100;
    return { ...syntheticSource({ runs, epochs: Number(query.get("epochs")) || 100, running: Number(query.get("running")) || 0 }), frozen: true };
  }, []);
  return <main class="page"><SweepPage subject={{ kind: "sweep", id: "synthetic" }} source={source} /></main>;
}
