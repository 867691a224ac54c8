// Where the pixels of squares stand in { width, height, data }: data is RGB, row by row.

/** Where the first value of every square of `side` x `side` pixels stands. */
export function* corners({ width, height }, side) {
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) yield 3 * (top * width + left);
  }
}

/** The offsets of a square's pixels from its first one, sub-block by sub-block, pixel by pixel. */
export function offsetsWithin(width, side, s) {
  const offsets = [];
  for (let y = 0; y < side; y += s) {
    for (let x = 0; x < side; x += s) {
      for (let i = 0; i < s; i++) for (let j = 0; j < s; j++) offsets.push(3 * ((y + i) * width + x + j));
    }
  }
  return Int32Array.from(offsets);
}
