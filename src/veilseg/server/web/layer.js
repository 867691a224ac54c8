// The colours of a label map, as they are laid over the photograph.

/** @import { Labels } from "./labels.js" */

/**
 * How a label map is shown: a colour, RGB, for every class; the classes that are not; 0 (not at all) to 1.
 * @typedef {{ colours: [number, number, number][], hidden: Set<number>, opacity: number }} Look
 */

/** @type {(labels: Labels, look: Look) => ImageData} */
export function layerOf({ width, height, data }, { colours, hidden, opacity }) {
  const layer = new ImageData(width, height), alpha = Math.round(255 * opacity);
  const table = new Uint8Array(4 * 256); // one word for every class: red, green, blue, alpha
  colours.forEach((colour, id) => table.set([...colour, hidden.has(id) ? 0 : alpha], 4 * id));
  const words = new Uint32Array(table.buffer), out = new Uint32Array(layer.data.buffer);
  for (let i = 0; i < data.length; i++) out[i] = words[data[i]];
  return layer;
}
