/** Pages that are not the first one are fetched when they are needed. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, ComponentType, JSX } from "preact";
import { useEffect } from "preact/hooks";

interface LaterProps<Props extends object> {
  readonly load: () => Promise<ComponentType<Props>>;
  readonly props: Props;
  readonly wait?: ComponentChildren;
}

export function Later<Props extends object>({ load, props, wait }: LaterProps<Props>): JSX.Element {
  const page = useSignal<{ readonly Page: ComponentType<Props> } | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    let over = false;
    load().then((Page) => {
      if (!over) page.value = { Page };
    }, () => {
      failed.value = true;
    });
    return () => {
      over = true;
    };
  }, [load]);
  if (failed.value) {
    // After an upgrade of swept the old page's parts are gone.
    return <div class="empty" role="alert"><p>This part of the page could not be loaded.</p><p><button type="button" onClick={() => location.reload()}>Load the page again</button></p></div>;
  }
  if (!page.value) return <>{wait ?? <p class="waiting" role="status">Loading …</p>}</>;
  const { Page } = page.value;
  return <Page {...props} />;
}
