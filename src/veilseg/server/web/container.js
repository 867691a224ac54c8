// The encrypted image as a file: a PNG with IHDR, one tEXt that holds the header, IDAT, IEND, and nothing else. See
// spec/veil-3.md.

import { join } from "./bytes.js";
import { bigEndian, chunksOf, fileOf, sizeOf } from "./chunks.js";
import { deflate } from "./deflate.js";
import { VeilsegError } from "./errors.js";
import { filteredRows, wideRows } from "./filters.js";
import { paddedSize, readHeader } from "./header.js";
import { factsOf } from "./spec.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Pixels, WidePixels } from "./squares.js" */

const KEYWORD = "veilseg\0", MAX_TEXT = 2048;
const PLAIN_RGB = "2,0,0,0"; // colour type, compression, filtering, interlacing

/**
 * The file of stored pixels with the text of their header.
 * @param {Pixels | WidePixels} pixels
 * @param {string} header
 */
export function encode(pixels, header) {
  const { width, height, data } = pixels;
  const wide = data instanceof Uint16Array;
  const rows = wide ? wideRows({ width, height, data }) : filteredRows({ width, height, data });
  return fileOf([
    { kind: "IHDR", body: join(bigEndian(width), bigEndian(height), Uint8Array.of(wide ? 16 : 8, 2, 0, 0, 0)) },
    { kind: "tEXt", body: new TextEncoder().encode(KEYWORD + header) },
    { kind: "IDAT", body: deflate(rows) },
    { kind: "IEND", body: new Uint8Array(0) },
  ]);
}

/**
 * The parts of an encrypted image, after every check that needs no pixels; `text` is the header's. Throws a
 * VeilsegError for every other file.
 * @param {Bytes} file
 */
export function partsOf(file) {
  const chunks = chunksOf(file);
  const [first, note, ...pixels] = chunks, size = sizeOf(first), end = pixels.pop();
  const between = pixels.length > 0 && pixels.every(({ kind }) => kind === "IDAT");
  if (note?.kind !== "tEXt" || !between || end?.kind !== "IEND") {
    throw new VeilsegError("The PNG has not the parts of an encrypted image.");
  }
  if (note.body.length > MAX_TEXT || end.body.length) {
    throw new VeilsegError("A part of the encrypted image is too long.");
  }
  const all = String.fromCharCode(...note.body), text = all.slice(KEYWORD.length);
  if (!all.startsWith(KEYWORD)) throw new VeilsegError("This PNG is not an encrypted image.");
  const header = readHeader(text), padded = paddedSize(header);
  if (size.width !== padded.width || size.height !== padded.height) {
    throw new VeilsegError("The size of the encrypted image is not its header's.");
  }
  if (size.bits !== factsOf(header.cipher).bits || size.rest !== PLAIN_RGB) {
    throw new VeilsegError("The encrypted image is not stored as its cipher stores images.");
  }
  return { ...size, header, text, chunks };
}
