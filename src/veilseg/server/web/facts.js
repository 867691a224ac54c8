// What a file that is sent holds, read back from its bytes. In the worker, because many bytes take their time.

import { chunksOf } from "./png.js";

/** Of an encrypted image: { width, height, text, parts: ["IHDR 13", ...], digest }. */
export async function factsOf(file) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  const parts = chunksOf(file);
  const [width, height] = [0, 4].map((at) => new DataView(parts[0].body.buffer, parts[0].body.byteOffset).getUint32(at));
  return {
    width,
    height,
    text: String.fromCharCode(...parts[1].body).replace("\0", ": "),
    parts: parts.map(({ kind, body }) => `${kind} ${new Intl.NumberFormat("en").format(body.length)}`),
    digest: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}
