// Label maps, as the service sends them: palette PNGs.

import { join } from "./bytes.js";
import { chunksOf, sizeOf } from "./chunks.js";
import { VeilsegError } from "./errors.js";
import { unfiltered } from "./filters.js";

/** @import { Bytes } from "./bytes.js" */

const PLAIN_PALETTE = "3,0,0,0"; // colour type, compression, filtering, interlacing

/**
 * The class ids of a palette PNG with 8 bits. Throws a VeilsegError for every other file.
 * @param {Bytes} file
 */
export async function readLabels(file) {
  const chunks = chunksOf(file);
  const { width, height, bits, rest } = sizeOf(chunks[0]);
  if (bits !== 8 || rest !== PLAIN_PALETTE) throw new VeilsegError("The response is no label map.");
  const idat = join(...chunks.filter(({ kind }) => kind === "IDAT").map((part) => part.body));
  const rows = await inflate(idat);
  if (rows.length !== height * (1 + width)) throw new VeilsegError("The label map has another size than it says.");
  return { width, height, data: unfiltered(rows, width, 1) };
}

/** @param {Bytes} bytes */
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
