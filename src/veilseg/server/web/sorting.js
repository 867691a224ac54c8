// The canonical form: values sorted inside sub-blocks, channels in the order of their sums. A sorting network compares
// the same places whatever the values are, so that all sub-blocks of a row take each of its steps together, all three
// channels at once, and nothing branches on a value. See spec/veil-3.md.

import { corners, offsetsWithin } from "./squares.js";

/** @import { Pixels } from "./squares.js" */

const LANE = 10; // bits for a channel: its value, a bit that a comparison borrows from, and one to spare
const GUARDS = (1 << 8) | (1 << (8 + LANE)) | (1 << (8 + 2 * LANE));

/**
 * What is left of an image when the keys of the shuffle are forgotten.
 * @param {Pixels} pixels
 * @param {number} s side of a sub-block
 */
export function canonicalize(pixels, s) {
  const sorted = sortedChannels(pixels, s);
  orderChannels(sorted, s);
  return sorted;
}

/**
 * The values of every channel of every s x s sub-block sorted, row by row in the sub-block.
 * @param {Pixels} pixels
 * @param {number} s
 * @returns {Pixels}
 */
export function sortedChannels({ width, height, data }, s) {
  const out = new Uint8Array(data.length);
  const steps = network(s * s), across = width / s;
  const values = new Int32Array(s * s * across); // first all sub-blocks' first pixels, then all second ones, ...
  for (let top = 0; top < height; top += s) {
    for (let place = 0, to = 0; place < s * s; place++) {
      let from = firstAt(top, place, s, width);
      for (let k = 0; k < across; k++, from += 3 * s) {
        values[to++] = data[from] | (data[from + 1] << LANE) | (data[from + 2] << (2 * LANE));
      }
    }
    for (let step = 0; step < steps.length; step += 2) {
      exchange(values, steps[step] * across, steps[step + 1] * across, across);
    }
    for (let place = 0, from = 0; place < s * s; place++) {
      let to = firstAt(top, place, s, width);
      for (let k = 0; k < across; k++, to += 3 * s) {
        const packed = values[from++];
        out[to] = packed;
        out[to + 1] = packed >> LANE;
        out[to + 2] = packed >> (2 * LANE);
      }
    }
  }
  return { width, height, data: out };
}

/**
 * Where the pixel at a place of the first sub-block of a row of sub-blocks stands.
 * @type {(top: number, place: number, s: number, width: number) => number}
 */
function firstAt(top, place, s, width) {
  return 3 * ((top + Math.floor(place / s)) * width + (place % s));
}

/**
 * The lesser ones of values[a], ... and values[b], ... to a, the greater ones to b, lane by lane.
 * @type {(values: Int32Array, a: number, b: number, count: number) => void}
 */
function exchange(values, a, b, count) {
  for (const end = a + count; a < end; a++, b++) {
    const first = values[a], second = values[b];
    const kept = ((first | GUARDS) - second) & GUARDS; // a guard remains where first >= second
    const change = (first ^ second) & (kept - (kept >>> 8)); // where it remains, all bits of a value
    values[a] = first ^ change;
    values[b] = second ^ change;
  }
}

/**
 * Batcher's merge exchange (Knuth, The Art of Computer Programming, 5.2.2, algorithm M) for any number of places: pairs
 * of them, one after the other.
 * @param {number} count
 */
function network(count) {
  const pairs = [], highest = 2 ** (Math.ceil(Math.log2(count)) - 1);
  for (let p = highest; p >= 1; p /= 2) {
    for (let q = highest, rest = 0, distance = p; ; distance = q - p, q /= 2, rest = p) {
      for (let i = 0; i < count - distance; i++) if ((i & p) === rest) pairs.push(i, i + distance);
      if (q === p) break;
    }
  }
  return Int32Array.from(pairs);
}

/**
 * The channels of sorted pixels in the order of their sums in every sub-block, in place; of equal sums the first
 * different values decide.
 * @param {Pixels} pixels
 * @param {number} s
 */
export function orderChannels({ width, height, data }, s) {
  const offsets = offsetsWithin(width, s), sums = new Uint32Array(3), order = new Uint8Array(3);
  for (const base of corners({ width, height }, s)) {
    addUp(data, base, offsets, sums);
    for (let channel = 0; channel < 3; channel++) order[channel] = channel;
    for (const first of [0, 1, 0]) {
      const one = order[first], next = order[first + 1];
      if ((sums[one] - sums[next] || compare(data, base, offsets, one, next)) <= 0) continue;
      order[first] = next;
      order[first + 1] = one;
    }
    const [a, b, c] = order;
    if (a === 0 && b === 1) continue;
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i], first = data[at + a], second = data[at + b], third = data[at + c];
      data[at] = first;
      data[at + 1] = second;
      data[at + 2] = third;
    }
  }
}

/**
 * The sums of the channels of a square, into `sums`.
 * @type {(data: Uint8Array, base: number, offsets: Int32Array, sums: Uint32Array) => void}
 */
function addUp(data, base, offsets, sums) {
  let a = 0, b = 0, c = 0;
  for (let i = 0; i < offsets.length; i++) {
    const at = base + offsets[i];
    a += data[at];
    b += data[at + 1];
    c += data[at + 2];
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
}

/**
 * The first difference between channels a and b of a square, or 0.
 * @type {(data: Uint8Array, base: number, offsets: Int32Array, a: number, b: number) => number}
 */
function compare(data, base, offsets, a, b) {
  let differ = 0;
  for (let i = 0; differ === 0 && i < offsets.length; i++) {
    differ = data[base + offsets[i] + a] - data[base + offsets[i] + b];
  }
  return differ;
}
