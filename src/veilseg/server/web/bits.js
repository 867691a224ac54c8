// Bits and Huffman's codes, as deflate's streams have them (RFC 1951).

const LONGEST = 15; // of all codes, in bits

/** Bits from the lowest on, into words of 16; little-endian, like every machine that browsers run on. */
export class BitWriter {
  /** @param {number} bytes the most that will be written */
  constructor(bytes) {
    this.words = new Uint16Array(Math.ceil(bytes / 2));
    this.at = this.held = this.bits = 0;
  }

  /**
   * The lowest `count` bits, at most 16, of a value that has no others.
   * @param {number} value
   * @param {number} count
   */
  put(value, count) {
    this.held |= value << this.bits;
    this.bits += count;
    if (this.bits < 16) return;
    this.words[this.at++] = this.held;
    this.held >>>= 16;
    this.bits -= 16;
  }

  /** Zeros up to the next whole byte. */
  align() {
    this.put(0, -this.bits & 7);
  }

  /** All bytes, after align(). */
  done() {
    this.words[this.at] = this.held;
    return new Uint8Array(this.words.buffer, 0, 2 * this.at + (this.bits >> 3));
  }
}

/**
 * The lengths of Huffman's codes for symbols that occur so often, none above `limit` bits.
 * @param {ArrayLike<number>} counts
 * @param {number} limit
 */
export function codeLengths(counts, limit) {
  let weights = Array.from(counts);
  // A code of fewer than two symbols would be incomplete, which some readers refuse.
  for (let symbol = 0; weights.filter(Boolean).length < 2; symbol++) weights[symbol] ||= 1;
  for (;;) {
    const lengths = huffman(weights);
    if (Math.max(...lengths) <= limit) return lengths;
    weights = weights.map((weight) => Math.ceil(weight / 2)); // flatter; where all are 1, no code exceeds 9 bits
  }
}

/**
 * Huffman's algorithm with two queues: symbols by weight, and the sums of pairs, which arise in order.
 * @param {number[]} weights
 */
function huffman(weights) {
  const symbols = [...weights.keys()].filter((symbol) => weights[symbol]).sort((a, b) => weights[a] - weights[b]);
  const sums = symbols.map((symbol) => weights[symbol]), leaves = sums.length;
  /** @type {number[]} */
  const parents = [];
  for (let leaf = 0, pair = leaves; sums.length < 2 * leaves - 1; ) {
    let sum = 0;
    for (let i = 0; i < 2; i++) {
      const next = leaf < leaves && !(sums[pair] < sums[leaf]) ? leaf++ : pair++;
      parents[next] = sums.length;
      sum += sums[next];
    }
    sums.push(sum);
  }
  const depths = new Uint8Array(sums.length), lengths = new Uint8Array(weights.length);
  for (let node = sums.length - 2; node >= 0; node--) depths[node] = depths[parents[node]] + 1;
  symbols.forEach((symbol, leaf) => (lengths[symbol] = depths[leaf]));
  return lengths;
}

/**
 * The codes of these lengths (RFC 1951, 3.2.2), their bits turned round: the first is written first.
 * @param {Uint8Array} lengths
 */
export function codesOf(lengths) {
  const codes = new Uint16Array(lengths.length);
  for (let bits = 1, code = 0; bits <= LONGEST; bits++, code <<= 1) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== bits) continue;
      for (let i = 0; i < bits; i++) codes[symbol] |= ((code >> i) & 1) << (bits - 1 - i);
      code++;
    }
  }
  return codes;
}
