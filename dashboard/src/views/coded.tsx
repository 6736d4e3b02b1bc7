/** Sentences of the server set what is typed in backticks. */
import type { JSX } from "preact";

export function Coded({ text }: { readonly text: string }): JSX.Element {
  return <>{text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}</>;
}
