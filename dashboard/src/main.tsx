import { render } from "preact";
import { App } from "./app";
import { thaw, type Frozen } from "./data/frozen";
import "./style.css";

async function start(): Promise<void> {
  const root = document.getElementById("app");
  const data = document.getElementById("swept-data")?.textContent;
  if (!root) return;
  if (import.meta.env.DEV && new URLSearchParams(location.search).has("synthetic")) {
    const { Demonstration } = await import("./testing/demonstration");
    render(<Demonstration />, root);
    return;
  }
  const report: Frozen | null = data ? await thaw(data) : null;
  render(<App report={report} />, root);
}

void start();
