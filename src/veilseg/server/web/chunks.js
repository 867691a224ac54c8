// The chunks of a PNG, written and read.

import { join } from "./bytes.js";
import { VeilsegError } from "./errors.js";

/** @import { Bytes } from "./bytes.js" */

/** @typedef {{ kind: string, body: Bytes }} Chunk */

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const ascii = new TextEncoder();

// The remainders of a byte that zero to three more bytes follow: four bytes at a time take a fourth of the steps.
const TABLES = [Int32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
})];
for (let more = 0; more < 3; more++) TABLES.push(TABLES[more].map((value) => TABLES[0][value & 255] ^ (value >>> 8)));

/** @param {Bytes[]} parts */
function crc(...parts) {
  const [none, one, two, three] = TABLES;
  let value = -1;
  for (const bytes of parts) {
    let at = 0;
    for (const end = bytes.length - 3; at < end; at += 4) {
      value ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      value = three[value & 255] ^ two[(value >>> 8) & 255] ^ one[(value >>> 16) & 255] ^ none[value >>> 24];
    }
    for (; at < bytes.length; at++) value = none[(value ^ bytes[at]) & 255] ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/**
 * The file of these chunks.
 * @param {Chunk[]} chunks
 */
export function fileOf(chunks) {
  const parts = chunks.flatMap(({ kind, body }) => {
    const name = ascii.encode(kind);
    return [bigEndian(body.length), name, body, bigEndian(crc(name, body))];
  });
  return join(SIGNATURE, ...parts);
}

/**
 * The four bytes of a whole number.
 * @param {number} value
 */
export function bigEndian(value) {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/**
 * The chunks of a PNG. Throws a VeilsegError when it is cut or damaged.
 * @param {Bytes} bytes
 */
export function chunksOf(bytes) {
  if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) throw new VeilsegError("This is not a PNG.");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** @type {Chunk[]} */
  const found = [];
  let at = SIGNATURE.length;
  while (at < bytes.length) {
    const end = at + 12 <= bytes.length ? at + 12 + view.getUint32(at) : Infinity;
    if (end > bytes.length) throw new VeilsegError("The PNG is cut.");
    if (crc(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw new VeilsegError("The PNG is damaged.");
    found.push({ kind: String.fromCharCode(...bytes.subarray(at + 4, at + 8)), body: bytes.subarray(at + 8, end - 4) });
    at = end;
  }
  return found;
}

/**
 * What the chunk IHDR says; `rest`: colour type, compression, filtering and interlacing. Throws a VeilsegError for
 * another chunk.
 * @param {Chunk | undefined} chunk
 */
export function sizeOf(chunk) {
  if (chunk?.kind !== "IHDR" || chunk.body.length !== 13) throw new VeilsegError("The PNG's size cannot be read.");
  const view = new DataView(chunk.body.buffer, chunk.body.byteOffset);
  const [bits, ...rest] = chunk.body.subarray(8);
  return { width: view.getUint32(0), height: view.getUint32(4), bits, rest: rest.join() };
}
