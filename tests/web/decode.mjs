// The encrypted image's file read in Node, as strictly as Python reads it (veilseg.container.decode).

import { inflateSync } from "node:zlib";

import { join } from "../../src/veilseg/server/web/bytes.js";
import { partsOf } from "../../src/veilseg/server/web/container.js";
import { VeilsegError } from "../../src/veilseg/server/web/errors.js";
import { unfiltered } from "../../src/veilseg/server/web/filters.js";

/** The header's text, and the stored values as bytes, 16-bit ones big-endian. Throws a VeilsegError for other files. */
export function decode(file) {
  const { width, height, bits, text, chunks } = partsOf(file);
  const length = (3 * width * bits) / 8;
  const rows = inflated(join(...chunks.slice(2, -1).map(({ body }) => body)), height * (1 + length));
  for (let y = 0; bits === 16 && y < height; y++) {
    if (rows[y * (1 + length)]) throw new VeilsegError("The 16-bit encrypted image uses row filters.");
  }
  return { text, stored: unfiltered(rows, length, 3) };
}

/** The bytes of a zlib stream that ends where it should and holds `size` bytes. */
function inflated(stream, size) {
  let found;
  try {
    found = inflateSync(stream, { info: true, maxOutputLength: size });
  } catch (error) {
    if (/^Z_|^ERR_BUFFER_TOO_LARGE$/.test(error.code)) throw new VeilsegError(error.message);
    throw error;
  }
  if (found.buffer.length !== size || found.engine.bytesWritten !== stream.length) {
    throw new VeilsegError("The pixels of the encrypted image do not end where they should.");
  }
  return new Uint8Array(found.buffer);
}
