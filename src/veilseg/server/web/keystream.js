// Randomness from a subkey: AES-256-CTR as 32-bit words, and exactly uniform draws. See spec/veil-3.md.

/** @import { Bytes } from "./bytes.js" */

const SPARE = 16; // words asked for beyond those that are needed, for the rare case that some are dropped

/** The streams of one 32-byte subkey. */
export class Keystream {
  /** @param {CryptoKey} key */
  constructor(key) {
    this.key = key;
  }

  /** @param {Bytes} subkey */
  static async create(subkey) {
    return new Keystream(await crypto.subtle.importKey("raw", subkey, "AES-CTR", false, ["encrypt"]));
  }

  /**
   * The first `count` words of stream `index`.
   * @param {number} index
   * @param {number} count
   */
  async words(index, count) {
    const counter = new Uint8Array(16);
    new DataView(counter.buffer).setBigUint64(0, BigInt(index));
    const algorithm = { name: "AES-CTR", counter, length: 64 };
    const bytes = await crypto.subtle.encrypt(algorithm, this.key, new Uint8Array(4 * count));
    return new Uint32Array(bytes); // little-endian, like every machine that browsers run on
  }

  /**
   * Uniform whole numbers 0 <= d[i] < bounds[i] from the beginning of a stream (Lemire's multiply and reject).
   * @param {number} index
   * @param {Uint32Array | number[]} bounds
   */
  async draw(index, bounds) {
    let words = await this.words(index, bounds.length + SPARE);
    const draws = new Uint32Array(bounds.length);
    let at = 0;
    for (let i = 0; i < bounds.length; i++) {
      const bound = bounds[i];
      let low;
      do {
        if (at === words.length) words = await this.words(index, 2 * words.length);
        const word = words[at++];
        low = Math.imul(word, bound) >>> 0;
        // The product is exact in a double while the bound has at most 21 bits.
        draws[i] =
          bound < 2 ** 21 ? Math.floor((word * bound) / 2 ** 32) : Number((BigInt(word) * BigInt(bound)) >> 32n);
      } while (low < bound && low < 2 ** 32 % bound); // the remainder is slow, and below the bound
    }
    return draws;
  }
}

/**
 * A uniform permutation of 0..count-1: Fisher-Yates from the end.
 * @param {number} count
 * @param {Keystream} keystream
 */
export async function shuffled(count, keystream) {
  const bounds = Array.from({ length: count - 1 }, (_, at) => count - at);
  const draws = await keystream.draw(0, bounds);
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  for (let i = count - 1; i > 0; i--) {
    const j = draws[count - 1 - i];
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
