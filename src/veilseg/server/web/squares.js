// Images as arrays, and where the pixels of squares stand in them.

/**
 * An image: RGB, row by row. What is encrypted with a rotation has 16 bits a value.
 * @typedef {{ width: number, height: number, data: Uint8Array<ArrayBuffer> }} Pixels
 * @typedef {{ width: number, height: number, data: Uint16Array<ArrayBuffer> }} WidePixels
 */

/**
 * Where the first value of every square of `side` x `side` pixels stands.
 * @param {{ width: number, height: number }} size
 * @param {number} side
 */
export function* corners({ width, height }, side) {
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) yield 3 * (top * width + left);
  }
}

/**
 * The offsets of a square's pixels from its first one, sub-block by sub-block, pixel by pixel.
 * @param {number} width of the image
 * @param {number} side of the square
 * @param {number} s side of a sub-block
 */
export function offsetsWithin(width, side, s = side) {
  const offsets = [];
  for (let y = 0; y < side; y += s) {
    for (let x = 0; x < side; x += s) {
      for (let i = 0; i < s; i++) for (let j = 0; j < s; j++) offsets.push(3 * ((y + i) * width + x + j));
    }
  }
  return Int32Array.from(offsets);
}
