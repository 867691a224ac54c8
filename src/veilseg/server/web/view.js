// What is drawn: the label map over the photograph, the legend with its switches, the panel of what left the browser.

import { drawingOn, find, make } from "./dom.js";

/** @import { contentsOf } from "./contents.js" */
/** @import { Class } from "./service.js" */

const number = new Intl.NumberFormat("en");

/**
 * Bytes as a person reads them.
 * @param {number} bytes
 */
export function size(bytes) {
  return bytes < 10_000 ? `${number.format(bytes)} bytes` : `${number.format(Math.round(bytes / 1000))} kB`;
}

/** @param {number} time */
function milliseconds(time) {
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`;
}

/** The photograph under the class ids of its pixels; hidden classes and opacity 0 show the photograph alone. */
export class Blend {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ImageBitmap} photo perhaps reduced
   * @param {Uint8Array} ids one for each of its pixels
   * @param {Class[]} classes
   */
  constructor(canvas, photo, ids, classes) {
    this.canvas = canvas;
    this.photo = photo;
    this.ids = ids;
    this.colours = classes.map(({ colour }) => colour);
    /** @type {Set<number>} */
    this.hidden = new Set();
    this.map = new ImageData(photo.width, photo.height);
    [canvas.width, canvas.height] = [photo.width, photo.height];
  }

  /** @param {number} opacity 0 to 1 */
  draw(opacity) {
    const alpha = Math.round(255 * opacity);
    const colours = new Uint8Array(4 * 256); // one word for every class: red, green, blue, alpha
    this.colours.forEach((colour, id) => colours.set([...colour, this.hidden.has(id) ? 0 : alpha], 4 * id));
    const words = new Uint32Array(colours.buffer), out = new Uint32Array(this.map.data.buffer), { ids } = this;
    for (let i = 0; i < ids.length; i++) out[i] = words[ids[i]];
    const layer = make("canvas", { width: this.map.width, height: this.map.height });
    drawingOn(layer).putImageData(this.map, 0, 0);
    const context = drawingOn(this.canvas);
    context.drawImage(this.photo, 0, 0);
    context.drawImage(layer, 0, 0);
  }
}

/**
 * A switch for every class that occurs.
 * @param {Blend} blend
 * @param {{ id: number, share: number }[]} shares
 * @param {Class[]} classes
 * @param {() => void} onChange after each press
 */
export function showLegend(blend, shares, classes, onChange) {
  const items = shares.map(({ id, share }) => {
    const swatch = make("i", {});
    swatch.style.background = `rgb(${classes[id].colour.join()})`;
    const percent = share < 0.001 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`;
    const button = make("button", { type: "button" }, swatch, classes[id].name, make("span", {}, percent));
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const shown = blend.hidden.delete(id) || !blend.hidden.add(id);
      button.setAttribute("aria-pressed", String(shown));
      onChange();
    });
    return make("li", {}, button);
  });
  find("legend", HTMLUListElement).replaceChildren(...items);
}

/**
 * Exactly what was sent, read back from the bytes themselves, and what stayed.
 * @param {{
 *   file: Blob, contents: Awaited<ReturnType<typeof contentsOf>>, photo: File, responseBytes: number,
 *   times: Record<string, number>, path: string,
 * }} sent
 */
export async function showSent({ file, contents, photo, responseBytes, times, path }) {
  const name = photo.name ? "the file's name, " : "";
  const exif = (await hasMetadata(photo)) ? "EXIF (time, camera, perhaps place), " : "";
  const spent = Object.entries(times).map(([what, time]) => `${what} ${milliseconds(time)}`);
  const rows = [
    ["Request", `POST ${path}, image/png, ${size(file.size)}`],
    ["Picture", `${contents.width} × ${contents.height} pixels, encrypted; it is the one shown above`],
    ["Its only text", contents.text],
    ["Parts of the file", contents.parts.join(", ")],
    ["SHA-256", contents.digest],
    ["Stayed here", `${name}${exif}the photograph (${size(photo.size)})`],
    ["Response", `a label map, ${size(responseBytes)}`],
    ["Time", spent.join(", ")],
  ];
  find("contents", HTMLDListElement).replaceChildren(
    ...rows.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]),
  );
}

/**
 * Whether the first bytes of a photograph hold EXIF.
 * @param {Blob} photo
 */
async function hasMetadata(photo) {
  const bytes = new Uint8Array(await photo.slice(0, 65536).arrayBuffer());
  return /Exif\0\0|eXIf|EXIF/.test(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
