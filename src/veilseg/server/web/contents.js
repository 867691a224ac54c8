// What a file that is sent holds, read back from its bytes. In the worker, because many bytes take their time.

import { hex } from "./bytes.js";
import { partsOf } from "./container.js";

/** @import { Bytes } from "./bytes.js" */

/**
 * Of an encrypted image what the page shows.
 * @param {Bytes} file
 */
export async function contentsOf(file) {
  const { width, height, text, chunks } = partsOf(file);
  const number = new Intl.NumberFormat("en");
  return {
    width,
    height,
    text: `veilseg: ${text}`,
    parts: chunks.map(({ kind, body }) => `${kind} ${number.format(body.length)}`),
    digest: hex(new Uint8Array(await crypto.subtle.digest("SHA-256", file))),
  };
}
