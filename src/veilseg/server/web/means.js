// The ciphers that send means of sub-blocks and nothing else: quartiles and mosaic. See spec/veil-3.md.

import { orderChannels, sortedChannels } from "./sorting.js";
import { corners, offsetsWithin } from "./squares.js";

/** @import { Pixels } from "./squares.js" */

/**
 * The canonical form with every quarter of a channel's sorted values replaced by its mean.
 * @param {Pixels} pixels
 * @param {number} s side of a sub-block
 */
export function quartiles(pixels, s) {
  const sorted = sortedChannels(pixels, s);
  const { data } = sorted;
  const offsets = offsetsWithin(pixels.width, s);
  const bounds = [0, 1, 2, 3, 4].map((quarter) => Math.floor((quarter * offsets.length) / 4));
  for (const base of corners(pixels, s)) {
    for (let channel = base; channel < base + 3; channel++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        const first = bounds[quarter], last = bounds[quarter + 1];
        let sum = 0;
        for (let i = first; i < last; i++) sum += data[channel + offsets[i]];
        const value = mean(sum, last - first);
        for (let i = first; i < last; i++) data[channel + offsets[i]] = value;
      }
    }
  }
  orderChannels(sorted, s);
  return sorted;
}

/**
 * Every sub-block filled with the mean of each channel.
 * @param {Pixels} pixels
 * @param {number} s side of a sub-block
 * @returns {Pixels}
 */
export function mosaic({ width, height, data }, s) {
  const out = new Uint8Array(data.length);
  const offsets = offsetsWithin(width, s);
  for (const base of corners({ width, height }, s)) {
    let red = 0, green = 0, blue = 0;
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i];
      red += data[at];
      green += data[at + 1];
      blue += data[at + 2];
    }
    [red, green, blue] = [mean(red, offsets.length), mean(green, offsets.length), mean(blue, offsets.length)];
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i];
      out[at] = red;
      out[at + 1] = green;
      out[at + 2] = blue;
    }
  }
  return { width, height, data: out };
}

/**
 * Rounded to the nearest, halves up.
 * @type {(sum: number, count: number) => number}
 */
function mean(sum, count) {
  return Math.floor((2 * sum + count) / (2 * count));
}
