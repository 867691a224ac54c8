// Label maps as files: palette PNGs, as the service sends them and as they are saved.

import { bytesThrough, join } from "./bytes.js";
import { bigEndian, chunksOf, fileOf, sizeOf } from "./chunks.js";
import { VeilsegError } from "./errors.js";
import { unfiltered } from "./filters.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Class } from "./service.js" */

/** @typedef {{ width: number, height: number, data: Uint8Array<ArrayBuffer> }} Labels class ids, row by row */

const PLAIN_PALETTE = "3,0,0,0"; // colour type, compression, filtering, interlacing

/**
 * The class ids of a palette PNG with 8 bits. Throws a VeilsegError for every other file.
 * @param {Bytes} file
 * @returns {Promise<Labels>}
 */
export async function readLabels(file) {
  const chunks = chunksOf(file);
  const { width, height, bits, rest } = sizeOf(chunks[0]);
  if (bits !== 8 || rest !== PLAIN_PALETTE) throw new VeilsegError("The response is no label map.");
  const idat = join(...chunks.filter(({ kind }) => kind === "IDAT").map((part) => part.body));
  const rows = await bytesThrough(new DecompressionStream("deflate"), idat);
  if (rows.length !== height * (1 + width)) throw new VeilsegError("The label map has another size than it says.");
  return { width, height, data: unfiltered(rows, width, 1) };
}

/**
 * The file of a label map, its palette the classes' colours.
 * @param {Labels} labels
 * @param {Class[]} classes
 */
export async function writeLabels({ width, height, data }, classes) {
  const rows = new Uint8Array(height * (1 + width)); // each after a 0: no filter
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * width, (y + 1) * width), y * (1 + width) + 1);
  const file = fileOf([
    { kind: "IHDR", body: join(bigEndian(width), bigEndian(height), Uint8Array.of(8, 3, 0, 0, 0)) },
    { kind: "PLTE", body: Uint8Array.from(classes.flatMap(({ colour }) => colour)) },
    { kind: "IDAT", body: await bytesThrough(new CompressionStream("deflate"), rows) },
    { kind: "IEND", body: new Uint8Array(0) },
  ]);
  return new Blob([file], { type: "image/png" });
}
