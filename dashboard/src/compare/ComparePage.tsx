export function ComparePage({ ids }: { ids: readonly string[] }) {
  return <p>{ids.join(", ")}</p>;
}
