// The ciphers that this page makes. A new one is a function and an entry in the table; all else is in the catalogue.

import { VeilsegError } from "./errors.js";
import { mosaic, quartiles } from "./means.js";
import { permutation, permutePixels, rotatePixels, rotation } from "./patches.js";
import { shufflePixels } from "./shuffle.js";
import { canonicalize } from "./sorting.js";
import { cellOf } from "./spec.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Spec } from "./spec.js" */
/** @import { Pixels, WidePixels } from "./squares.js" */

/**
 * What a cipher works on: pixels whose sides are multiples of the block, the sides of a block and of a cell (the
 * sub-block, or the block where there is none), the key's 32 bytes (none for ciphers that take no key).
 * @typedef {{ pixels: Pixels, block: number, cell: number, secret: Bytes }} Given
 */

/** @type {Record<string, (given: Given) => Pixels | WidePixels | Promise<Pixels | WidePixels>>} */
const CIPHERS = {
  "subblock-sort": ({ pixels, cell }) => canonicalize(pixels, cell),
  "subblock-shuffle": ({ pixels, block, cell }) => shufflePixels(pixels, forgotten(), block, cell),
  "subblock-quartiles": ({ pixels, cell }) => quartiles(pixels, cell),
  "mosaic": ({ pixels, cell }) => mosaic(pixels, cell),
  "patch-permutation": async ({ pixels, block, secret }) =>
    permutePixels(pixels, await permutation(secret, block), block),
  "patch-rotation": async ({ pixels, block, secret }) => rotatePixels(pixels, await rotation(secret, block), block),
};

/** The names of the table. */
export const MADE_HERE = Object.keys(CIPHERS);

/**
 * The stored pixels of padded pixels. Throws a VeilsegError for a cipher that is not made here.
 * @param {Pixels} pixels
 * @param {Spec} spec
 * @param {Bytes} secret
 */
export async function encryptPixels(pixels, spec, secret) {
  if (!Object.hasOwn(CIPHERS, spec.cipher)) throw new VeilsegError(`This page cannot make ${spec.cipher} images.`);
  return CIPHERS[spec.cipher]({ pixels, block: spec.block, cell: cellOf(spec), secret });
}

/** A subkey that nobody keeps: the page never looks back. */
function forgotten() {
  return crypto.getRandomValues(new Uint8Array(32));
}
