import { afterEach, expect, test, vi } from "vitest";
import { inSight } from "./sight";

afterEach(() => {
  dispatchEvent(new Event("afterprint"));
  vi.unstubAllGlobals();
});

test("what is out of sight is seen on paper only", () => {
  let say: (isIntersecting: boolean) => void = () => undefined;
  vi.stubGlobal("IntersectionObserver", class {
    constructor(told: (entries: readonly { readonly isIntersecting: boolean }[]) => void) {
      say = (isIntersecting) => told([{ isIntersecting }]);
    }
    observe(): void {}
    disconnect(): void {}
  });
  const sight = inSight(document.body);
  say(false);
  expect(sight.seen.value).toBe(false);
  dispatchEvent(new Event("beforeprint"));
  expect(sight.seen.value).toBe(true);
  say(false);
  expect(sight.seen.value).toBe(true);
  dispatchEvent(new Event("afterprint"));
  expect(sight.seen.value).toBe(false);
  say(true);
  expect(sight.seen.value).toBe(true);
  sight.stop();
});
