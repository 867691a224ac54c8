// From pixels to the file that is sent: refused where a service asks for too much, padded, encrypted, with its header.

import { encryptPixels, MADE_HERE } from "./ciphers.js";
import { encode } from "./container.js";
import { VeilsegError } from "./errors.js";
import { writeHeader } from "./header.js";
import { fingerprint } from "./keys.js";
import { cellOf, factsOf, readSpec } from "./spec.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Spec } from "./spec.js" */
/** @import { Pixels } from "./squares.js" */

/**
 * What a service says about the images that a model takes; `longer_side` is its working size in pixels, 0 for any.
 * @typedef {Spec & { key_fingerprint?: string | null, longer_side?: number }} Input
 */

const LEAST_SUB_BLOCK = 4, LEAST_BLOCK = 8; // below, what is sent would be nearly the photograph

/**
 * How to encrypt for a model. Throws a VeilsegError when it wants what this page does not send: plain images, something
 * close to them, or what it cannot make.
 * @param {Input} input
 */
export function specFor(input) {
  const { cipher } = input;
  if (!MADE_HERE.includes(cipher)) {
    throw new VeilsegError(`This service asks for ${cipher} images, which this page cannot make. Nothing is sent.`);
  }
  const cell = cellOf(input), least = factsOf(cipher).sub_blocks ? LEAST_SUB_BLOCK : LEAST_BLOCK;
  if (!(cell >= least)) {
    throw new VeilsegError(`This service asks for images mixed in squares of ${cell} pixels only. Nothing is sent.`);
  }
  return readSpec(input);
}

/**
 * Sides up to multiples of the block by reflection, at the bottom and right.
 * @param {Pixels} pixels
 * @param {number} block
 * @returns {Pixels}
 */
export function pad({ width, height, data }, block) {
  const wide = Math.ceil(width / block) * block, high = Math.ceil(height / block) * block;
  if (wide === width && high === height) return { width, height, data };
  const out = new Uint8Array(3 * wide * high);
  for (let y = 0; y < high; y++) {
    const row = 3 * reflect(y, height) * width, start = 3 * y * wide;
    out.set(data.subarray(row, row + 3 * width), start);
    for (let x = width; x < wide; x++) {
      const from = row + 3 * reflect(x, width);
      for (let c = 0; c < 3; c++) out[start + 3 * x + c] = data[from + c];
    }
  }
  return { width: wide, height: high, data: out };
}

/** @type {(at: number, length: number) => number} */
function reflect(at, length) {
  if (length === 1) return 0;
  const place = at % (2 * (length - 1));
  return place < length ? place : 2 * (length - 1) - place;
}

/**
 * The file to send for a photograph. This is all that ever leaves.
 * @param {Pixels} photo
 * @param {Input} input
 * @param {Bytes} [secret] the key's 32 bytes, where the model wants a key
 */
export async function encrypt(photo, input, secret) {
  const spec = specFor(input);
  const key = factsOf(spec.cipher).key === "required" ? await checkedKey(input, secret) : undefined;
  const stored = await encryptPixels(pad(photo, spec.block), spec, key?.secret ?? new Uint8Array(0));
  const { width, height } = photo;
  return encode(stored, writeHeader({ ...spec, height, width, key_fingerprint: key?.fingerprint }));
}

/**
 * The key's secret and fingerprint. Throws a VeilsegError when it is missing, or is not the model's.
 * @param {Input} input
 * @param {Bytes} [secret]
 */
async function checkedKey({ key_fingerprint: wanted }, secret) {
  if (!secret) throw new VeilsegError(`The model needs the key ${wanted}.`);
  const found = await fingerprint(secret);
  if (found !== wanted) throw new VeilsegError(`The model belongs to the key ${wanted}, and this is the key ${found}.`);
  return { secret, fingerprint: found };
}
