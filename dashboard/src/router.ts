/**
 * Addresses: ours (`/sweeps/ID`, `/runs/ID`, `/projects/NAME`, `/compare?runs=a,b`), and those that W&B's clients print
 * (`/ENTITY/PROJECT/runs/ID/overview`). In a report the address stands behind the `#`, since the file has only one path.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { root } from "./root";

export type Place =
  | { readonly view: "sweeps" }
  | { readonly view: "project"; readonly id: string }
  | { readonly view: "sweep"; readonly id: string }
  | { readonly view: "run"; readonly id: string }
  | { readonly view: "artifact"; readonly project: string; readonly id: string }
  | { readonly view: "compare"; readonly ids: readonly string[] };

export interface Address {
  readonly place: Place;
  /** The view's own state. */
  readonly query: URLSearchParams;
}

export const frozen: boolean = document.getElementById("swept-data") !== null;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function placeOf(path: string, query: URLSearchParams): Place {
  const parts = path.split("/").filter(Boolean).map(decoded);
  const [first = "", second] = parts;
  if (parts.length === 0) return { view: "sweeps" };
  if (first === "compare") return { view: "compare", ids: (query.get("runs") ?? "").split(",").filter(Boolean) };
  const ours = parts.length <= 2 && ["sweeps", "runs", "projects"].includes(first);
  if (ours && second === undefined) return { view: "sweeps" };
  const [kind, id] = ours ? [first, second] : [parts[2], parts[3]];
  if (kind === "sweeps" && id !== undefined) return { view: "sweep", id };
  if (kind === "runs" && id !== undefined) return { view: "run", id };
  if (kind === "projects" && id !== undefined) return { view: "project", id };
  if (kind === "artifacts" && id !== undefined) {
    return { view: "artifact", project: second ?? "", id: parts.slice(3).join("/") };
  }
  return second === undefined ? { view: "sweeps" } : { view: "project", id: second };
}

export function pathTo(place: Place): string {
  switch (place.view) {
    case "sweeps": return "/";
    case "project": return `/projects/${encodeURIComponent(place.id)}`;
    case "sweep": return `/sweeps/${encodeURIComponent(place.id)}`;
    case "run": return `/runs/${encodeURIComponent(place.id)}`;
    case "artifact": return `/local/${encodeURIComponent(place.project)}/artifacts/${place.id}`;
    case "compare": return `/compare?runs=${place.ids.map(encodeURIComponent).join(",")}`;
  }
}

/** The href of a link to a place. */
export function linkTo(place: Place): string {
  return (frozen ? "#" : root) + pathTo(place);
}

function current(): Address {
  return parsed(frozen ? location.hash.slice(1) : location.pathname.slice(root.length) + location.search);
}

function parsed(whole: string): Address {
  const [path = "", query = ""] = whole.split(/\?(.*)/su);
  const values = new URLSearchParams(query);
  return { place: placeOf(path, values), query: values };
}

const here = signal<Address>(current());
export const address: ReadonlySignal<Address> = here;

const leaving = new Set<() => void>();

/** `write` puts into the address what is not in it yet, before it is left. Returns how to stop. */
export function beforeLeaving(write: () => void): () => void {
  leaving.add(write);
  return () => leaving.delete(write);
}

/** Where people go, or what they have just selected: the back button undoes it. */
export function go(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (!replace) for (const write of leaving) write();
  try {
    if (replace) history.replaceState(null, "", href);
    else history.pushState(null, "", href);
    here.value = current();
  } catch {
    // In a notebook's frame there is no address to change: the page still goes where people want.
    const hash = href.indexOf("#");
    here.value = parsed(hash < 0 ? href.slice(root.length) : href.slice(hash + 1));
  }
}

/** Follows the browser's buttons, and links of this page without loading it again. Returns how to stop. */
export function follow(): () => void {
  const moved = (): void => {
    here.value = current();
  };
  const clicked = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const href = link?.getAttribute("href");
    if (!link || href === null || href === undefined || link.target || link.hasAttribute("download")) return;
    if (frozen ? !href.startsWith("#/") : link.origin !== location.origin) return;
    const path = link.pathname;
    if (!frozen && (!path.startsWith(`${root}/`) || /^\/(api|static|login|logout|authorize)(\/|$)/u.test(path.slice(root.length)))) return;
    event.preventDefault();
    const before = address.value.place;
    go(frozen ? href : link.href);
    if (before.view !== address.value.place.view) scrollTo(0, 0);
  };
  addEventListener("popstate", moved);
  document.addEventListener("click", clicked);
  return () => {
    removeEventListener("popstate", moved);
    document.removeEventListener("click", clicked);
  };
}
