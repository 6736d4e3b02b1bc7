/** Text of a report as bytes: base 85, then gzip. `swept/report/packing.py` writes it, and why it is no base64 stands there. */
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%/()*+-;,=.?@^_`{|}~";

export async function unpacked(text: string): Promise<ArrayBuffer> {
  const gzip = new DecompressionStream("gzip");
  // No Blob: its bytes would go through the browser's own process, which is busy while it starts.
  const writer = gzip.writable.getWriter();
  const [bytes] = await Promise.all([
    new Response(gzip.readable).arrayBuffer(), writer.write(bytesOf(text)), writer.close(),
  ]);
  return bytes;
}

/** Five letters are four bytes, the first the highest; fewer at the end are filled up with the last letter. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const places = new Uint8Array(128);
  for (let place = 0; place < LETTERS.length; place += 1) places[LETTERS.charCodeAt(place)] = place;
  const bytes = new Uint8Array(Math.floor((text.length * 4) / 5));
  for (let from = 0, to = 0; from < text.length; from += 5, to += 4) {
    let word = 0;
    for (let at = from; at < from + 5; at += 1) word = word * 85 + (at < text.length ? places[text.charCodeAt(at)] ?? 0 : 84);
    for (let at = 0; at < 4; at += 1) bytes[to + at] = word >>> (24 - 8 * at);
  }
  return bytes;
}
