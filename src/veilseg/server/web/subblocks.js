// The sub-block ciphers on arrays: sort (the canonical form), shuffle, quartiles, mosaic. See spec/veil-3.md, sections
// 3 and 4.
// Pixels are { width, height, data }: data is a Uint8Array of RGB, row by row; the sides are multiples of the block.

import { Keystream } from "./keystream.js";
import { ChannelOrder, orderChannels, sortedChannels } from "./sorting.js";
import { corners, offsetsWithin } from "./squares.js";

const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

const compare = (a, b) => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
};

/** Whole pixels in the order of channels given, sorted lexicographically in every sub-block: [a, b, c, a, b, c, ...]. */
function sortedPixels(data, base, offsets, count, [a, b, c]) {
  const packed = Uint32Array.from(offsets, (o) => (data[base + o + a] << 16) | (data[base + o + b] << 8) | data[base + o + c]);
  for (let from = 0; from < packed.length; from += count) packed.subarray(from, from + count).sort();
  return Array.from(packed, (value) => [value >> 16, (value >> 8) & 255, value & 255]).flat();
}

/** The canonical form: what is left of an image when the keys of the sub-block cipher are forgotten. */
export function canonicalize(pixels, block, s, channels = "sub-block", shuffle = "channel") {
  const side = channels === "block" ? block : s;
  const sorted = { ...pixels, data: sortedChannels(pixels, s) };
  if (shuffle === "shared") return canonicalizeShared(pixels, sorted, side, s, channels);
  if (channels !== "none") orderChannels(sorted, side, s);
  return sorted;
}

/** The canonical form where pixels were moved whole: sorted whole, the channels in the order of their sorted values. */
function canonicalizeShared(pixels, sorted, side, s, channels) {
  const { data } = pixels, out = new Uint8Array(data.length);
  const offsets = offsetsWithin(pixels.width, side, s), channelOrder = new ChannelOrder(sorted.data, offsets);
  for (const base of corners(pixels, side)) {
    const order = channels === "none" ? [0, 1, 2] : [...channelOrder.of(base)];
    let best = sortedPixels(data, base, offsets, s * s, order);
    if (channels !== "none") {
      // Channels with equal sorted values may stand in any order: the smallest result is the canonical one.
      for (const swap of ORDERS) {
        const other = swap.map((index) => order[index]);
        if (other.some((channel, c) => channelOrder.compare(base, channel, order[c]) !== 0)) continue;
        const attempt = sortedPixels(data, base, offsets, s * s, other);
        if (compare(attempt, best) < 0) best = attempt;
      }
    }
    offsets.forEach((offset, i) => out.set(best.slice(3 * i, 3 * i + 3), base + offset));
  }
  return { ...pixels, data: out };
}

/** Draws for rows of `count` blocks that need draws below `bounds` each: one draw below a * b serves a and b. */
class PairedDraws {
  constructor(keystream, count, bounds) {
    const second = bounds.filter((_, i) => i % 2);
    const first = bounds.filter((_, i) => i % 2 === 0);
    if (first.length % 2) first.push(1);
    while (second.length < first.length) second.push(1);
    this.pairs = first.length;
    this.second = Uint32Array.from(second);
    this.products = new Uint32Array(count * this.pairs);
    for (let i = 0; i < this.products.length; i++) this.products[i] = first[i % this.pairs] * second[i % this.pairs];
    this.keystream = keystream;
  }

  /** The draws of all blocks of a row, 2 * pairs for each. */
  async row(index) {
    const both = await this.keystream.draw(index, this.products);
    const draws = new Uint16Array(2 * both.length);
    for (let i = 0, pair = 0; i < both.length; i++) {
      const b = this.second[pair];
      const first = (both[i] / b) | 0;
      draws[2 * i] = first;
      draws[2 * i + 1] = both[i] - first * b;
      if (++pair === this.pairs) pair = 0;
    }
    return draws;
  }
}

/** Shuffle the channels of every sub-block, then its pixels, with the streams of a 32-byte subkey. */
export async function shufflePixels(pixels, subkey, block, s, channels = "sub-block", shuffle = "channel") {
  const { width, height } = pixels;
  const data = pixels.data.slice();
  const keystream = await Keystream.create(subkey);
  const swaps = Array.from({ length: s * s - 1 }, (_, at) => at + 2), order = [2, 3], perBlock = (block / s) ** 2;
  const one = [...(channels === "sub-block" ? order : []), ...swaps, ...(shuffle === "shared" ? [] : [...swaps, ...swaps])];
  const inside = Array.from({ length: perBlock }, () => one).flat();
  const bounds = channels === "block" ? [...order, ...inside] : inside;
  const paired = new PairedDraws(keystream, width / block, bounds);
  const offsets = offsetsWithin(width, block, s);
  const rows = height / block;
  let coming = paired.row(0);
  for (let row = 0; row < rows; row++) {
    const draws = await coming;
    if (row + 1 < rows) coming = paired.row(row + 1); // the browser draws them meanwhile, elsewhere
    for (let column = 0; column < width / block; column++) {
      const base = 3 * block * (row * width + column);
      let at = 2 * paired.pairs * column;
      if (channels === "block") {
        swapChannels(data, base, offsets, draws[at], draws[at + 1]);
        at += 2;
      }
      for (let first = 0; first < offsets.length; first += s * s) {
        const inside = offsets.subarray(first, first + s * s);
        if (channels === "sub-block") {
          swapChannels(data, base, inside, draws[at], draws[at + 1]);
          at += 2;
        }
        const move = shuffle === "shared" ? swapPixels : swapValues;
        at = move(data, base, inside, draws, at);
      }
    }
  }
  return { ...pixels, data };
}

function swapChannels(data, base, offsets, first, second) {
  for (let i = 0; i < offsets.length; i++) {
    const at = base + offsets[i];
    swap(data, at + 1, at + first);
    swap(data, at + 2, at + second);
  }
}

/** Shuffle whole pixels; returns where the next draw stands. */
function swapPixels(data, base, offsets, draws, at) {
  for (let i = 1; i < offsets.length; i++) {
    const a = base + offsets[i], b = base + offsets[draws[at++]];
    for (let c = 0; c < 3; c++) swap(data, a + c, b + c);
  }
  return at;
}

/** Shuffle every channel on its own; returns where the next draw stands. */
function swapValues(data, base, offsets, draws, at) {
  for (let channel = base; channel < base + 3; channel++) {
    for (let i = 1; i < offsets.length; i++) swap(data, channel + offsets[i], channel + offsets[draws[at++]]);
  }
  return at;
}

function swap(data, a, b) {
  const value = data[a];
  data[a] = data[b];
  data[b] = value;
}

/** The canonical form with every quarter of a channel's sorted values replaced by its mean, rounded, halves up. */
export function quartiles(pixels, s) {
  const sorted = canonicalize(pixels, s, s, "none");
  const { data } = sorted;
  const offsets = offsetsWithin(pixels.width, s, s);
  const bounds = [0, 1, 2, 3, 4].map((quarter) => Math.floor((quarter * offsets.length) / 4));
  for (const base of corners(pixels, s)) {
    for (let channel = base; channel < base + 3; channel++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        const first = bounds[quarter], last = bounds[quarter + 1];
        let sum = 0;
        for (let i = first; i < last; i++) sum += data[channel + offsets[i]];
        const mean = Math.floor((2 * sum + last - first) / (2 * (last - first)));
        for (let i = first; i < last; i++) data[channel + offsets[i]] = mean;
      }
    }
  }
  orderChannels(sorted, s, s);
  return sorted;
}

/** Every sub-block filled with the mean of each channel, rounded to the nearest, halves up. */
export function mosaic(pixels, s) {
  const { data } = pixels;
  const out = new Uint8Array(data.length);
  const offsets = offsetsWithin(pixels.width, s, s);
  const mean = (sum) => Math.floor((2 * sum + offsets.length) / (2 * offsets.length));
  for (const base of corners(pixels, s)) {
    let red = 0, green = 0, blue = 0;
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i];
      red += data[at];
      green += data[at + 1];
      blue += data[at + 2];
    }
    [red, green, blue] = [mean(red), mean(green), mean(blue)];
    for (let i = 0; i < offsets.length; i++) {
      const at = base + offsets[i];
      out[at] = red;
      out[at + 1] = green;
      out[at + 2] = blue;
    }
  }
  return { ...pixels, data: out };
}
