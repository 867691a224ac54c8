// The ciphers with one key for model and images: every block is permuted or rotated alike. See spec/veil-3.md.

import { derive } from "./keys.js";
import { Keystream, shuffled } from "./keystream.js";
import { corners } from "./squares.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Pixels, WidePixels } from "./squares.js" */

const MIDDLE = 32768;

/**
 * The offsets of a block's values in the order (channel, row, column), relative to its first pixel.
 * @type {(width: number, block: number) => number[]}
 */
function flattening(width, block) {
  const at = [];
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < block; y++) for (let x = 0; x < block; x++) at.push(3 * (y * width + x) + c);
  }
  return at;
}

/** @type {(secret: Bytes, purpose: string, block: number) => Promise<Keystream>} */
async function streamOf(secret, purpose, block) {
  const nonce = new Uint8Array(4);
  new DataView(nonce.buffer).setUint32(0, block);
  return Keystream.create(await derive(secret, purpose, nonce));
}

/**
 * The key's permutation of the 3 * block * block values of a block.
 * @param {Bytes} secret
 * @param {number} block
 */
export async function permutation(secret, block) {
  return shuffled(3 * block * block, await streamOf(secret, "patch-permutation", block));
}

/**
 * Every block b becomes b[order].
 * @param {Pixels} pixels
 * @param {Uint32Array} order
 * @param {number} block
 * @returns {Pixels}
 */
export function permutePixels(pixels, order, block) {
  const out = new Uint8Array(pixels.data.length);
  const at = flattening(pixels.width, block);
  for (const start of corners(pixels, block)) {
    for (let i = 0; i < at.length; i++) out[start + at[i]] = pixels.data[start + at[order[i]]];
  }
  return { ...pixels, data: out };
}

/**
 * The columns of the key's orthogonal matrix: Gram and Schmidt, twice, on a Gaussian matrix from the key's stream.
 * @param {Bytes} secret
 * @param {number} block
 */
export async function rotation(secret, block) {
  const size = 3 * block * block, total = size * size + (size % 2);
  const words = await (await streamOf(secret, "patch-rotation", block)).words(0, total);
  const columns = gaussian(words, size);
  for (let k = 0; k < size; k++) {
    const column = columns[k];
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < k; j++) {
        const other = columns[j];
        let dot = 0;
        for (let i = 0; i < size; i++) dot += column[i] * other[i];
        for (let i = 0; i < size; i++) column[i] -= dot * other[i];
      }
    }
    let norm = 0;
    for (let i = 0; i < size; i++) norm += column[i] * column[i];
    norm = Math.sqrt(norm);
    for (let i = 0; i < size; i++) column[i] /= norm;
  }
  return columns;
}

/**
 * Box's and Muller's normal values, two of every two words, row by row; as columns.
 * @type {(words: Uint32Array, size: number) => Float64Array[]}
 */
function gaussian(words, size) {
  const columns = Array.from({ length: size }, () => new Float64Array(size));
  for (let i = 0; i < words.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((words[i] + 0.5) / 2 ** 32));
    const angle = (2 * Math.PI * (words[i + 1] + 0.5)) / 2 ** 32;
    for (const [at, value] of [[i, radius * Math.cos(angle)], [i + 1, radius * Math.sin(angle)]]) {
      if (at < size * size) columns[at % size][Math.floor(at / size)] = value;
    }
  }
  return columns;
}

/**
 * Every block rotated about the middle grey.
 * @param {Pixels} pixels
 * @param {Float64Array[]} columns of the orthogonal matrix
 * @param {number} block
 * @returns {WidePixels}
 */
export function rotatePixels(pixels, columns, block) {
  const out = new Uint16Array(pixels.data.length);
  const at = flattening(pixels.width, block);
  const scale = 32767 / (127.5 * Math.sqrt(at.length));
  for (const start of corners(pixels, block)) {
    const sum = new Float64Array(at.length);
    for (let j = 0; j < at.length; j++) {
      const value = pixels.data[start + at[j]] - 127.5, column = columns[j];
      for (let i = 0; i < at.length; i++) sum[i] += value * column[i];
    }
    for (let i = 0; i < at.length; i++) {
      out[start + at[i]] = Math.min(65535, Math.max(0, Math.round(sum[i] * scale) + MIDDLE));
    }
  }
  return { ...pixels, data: out };
}
