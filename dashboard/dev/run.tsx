/** The run page alone, of a real server: `SWEPT_URL=… npm run dev`, then /dev/run.html?run=ID[&tab=media]. */
import { render } from "preact";
import { ComparePage } from "../src/compare/ComparePage";
import { RunPage } from "../src/run/RunPage";
import "../src/style.css";

const root = document.getElementById("app");
const runs = (new URLSearchParams(location.search).get("run") ?? "").split(",");
if (root) render(runs.length > 1 ? <ComparePage ids={runs} /> : <RunPage id={runs[0] ?? ""} />, root);
