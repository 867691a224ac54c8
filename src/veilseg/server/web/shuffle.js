// The shuffle: the channels of every sub-block, then the values of each channel, with keys of their own. See
// spec/veil-3.md.

import { Keystream } from "./keystream.js";
import { offsetsWithin } from "./squares.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Pixels } from "./squares.js" */

/**
 * Shuffle with the streams of a subkey, one for every row of blocks.
 * @param {Pixels} pixels sides multiples of the block
 * @param {Bytes} subkey 32 bytes
 * @param {number} block side in pixels
 * @param {number} s side of a sub-block in pixels
 * @returns {Promise<Pixels>}
 */
export async function shufflePixels(pixels, subkey, block, s) {
  const { width, height } = pixels;
  const data = pixels.data.slice();
  const paired = new PairedDraws(await Keystream.create(subkey), width / block, boundsOf(block, s));
  const offsets = offsetsWithin(width, block, s);
  const rows = height / block;
  let coming = paired.row(0);
  for (let row = 0; row < rows; row++) {
    const draws = await coming;
    if (row + 1 < rows) coming = paired.row(row + 1); // the browser draws them meanwhile, elsewhere
    for (let column = 0; column < width / block; column++) {
      const base = 3 * block * (row * width + column);
      let at = paired.perBlock * column;
      for (let first = 0; first < offsets.length; first += s * s) {
        at = shuffleSubBlock(data, base, offsets.subarray(first, first + s * s), draws, at);
      }
    }
  }
  return { width, height, data };
}

/**
 * What the draws of one block stay below, in their order; an even number of pairs.
 * @type {(block: number, s: number) => number[]}
 */
function boundsOf(block, s) {
  const swaps = Array.from({ length: s * s - 1 }, (_, at) => at + 2);
  const bounds = Array.from({ length: (block / s) ** 2 }, () => [2, 3, ...swaps, ...swaps, ...swaps]).flat();
  while (bounds.length % 4) bounds.push(1);
  return bounds;
}

/** Draws for rows of `blocks` blocks that need draws below `bounds` each: one draw below a * b serves a and b. */
class PairedDraws {
  /**
   * @param {Keystream} keystream
   * @param {number} blocks
   * @param {number[]} bounds
   */
  constructor(keystream, blocks, bounds) {
    this.keystream = keystream;
    this.perBlock = bounds.length;
    this.second = Uint32Array.from(bounds.filter((_, at) => at % 2));
    const products = this.second.map((bound, pair) => bound * bounds[2 * pair]);
    this.products = Uint32Array.from({ length: blocks * products.length }, (_, at) => products[at % products.length]);
  }

  /**
   * The draws of all blocks of a row, `perBlock` for each.
   * @param {number} index
   */
  async row(index) {
    const both = await this.keystream.draw(index, this.products);
    const draws = new Uint16Array(2 * both.length);
    for (let i = 0, pair = 0; i < both.length; i++) {
      const b = this.second[pair];
      const first = (both[i] / b) | 0;
      draws[2 * i] = first;
      draws[2 * i + 1] = both[i] - first * b;
      if (++pair === this.second.length) pair = 0;
    }
    return draws;
  }
}

/**
 * Shuffle the channels of a sub-block, then each channel on its own; returns where the next draw stands.
 * @type {(data: Uint8Array, base: number, offsets: Int32Array, draws: Uint16Array, at: number) => number}
 */
function shuffleSubBlock(data, base, offsets, draws, at) {
  const first = draws[at++], second = draws[at++];
  for (let i = 0; i < offsets.length; i++) {
    const pixel = base + offsets[i];
    swap(data, pixel + 1, pixel + first);
    swap(data, pixel + 2, pixel + second);
  }
  for (let channel = base; channel < base + 3; channel++) {
    for (let i = 1; i < offsets.length; i++) swap(data, channel + offsets[i], channel + offsets[draws[at++]]);
  }
  return at;
}

/** @type {(data: Uint8Array, a: number, b: number) => void} */
function swap(data, a, b) {
  const value = data[a];
  data[a] = data[b];
  data[b] = value;
}
