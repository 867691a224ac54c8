// What is drawn: the label map over the photograph, the legend with its switches, the panel of what left the browser.

import { chunksOf } from "./png.js";

const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");

/** Bytes as a person reads them. */
export function size(bytes) {
  return bytes < 10_000 ? `${number.format(bytes)} bytes` : `${number.format(Math.round(bytes / 1000))} kB`;
}

const milliseconds = (time) => (time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The photograph (an ImageBitmap, perhaps reduced) under its label map, which is drawn in the photograph's size; hidden
 * classes and opacity 0 show the photograph alone. */
export class Blend {
  constructor(canvas, photo, labels, classes) {
    this.canvas = canvas;
    this.photo = photo;
    this.labels = labels;
    this.colours = classes.map(({ colour }) => colour);
    this.hidden = new Set();
    const { width, height } = photo;
    this.map = new ImageData(width, height);
    this.ids = new Uint8Array(width * height);
    for (let y = 0, to = 0; y < height; y++) {
      const row = Math.floor(((y + 0.5) * labels.height) / height) * labels.width;
      for (let x = 0; x < width; x++) this.ids[to++] = labels.data[row + Math.floor(((x + 0.5) * labels.width) / width)];
    }
    [canvas.width, canvas.height] = [width, height];
  }

  draw(opacity) {
    const { ids, map } = { ids: this.ids, map: this.map.data };
    const alpha = Math.round(255 * opacity);
    for (let i = 0; i < ids.length; i++) {
      const colour = this.colours[ids[i]];
      map.set(colour, 4 * i);
      map[4 * i + 3] = this.hidden.has(ids[i]) ? 0 : alpha;
    }
    const layer = new OffscreenCanvas(this.map.width, this.map.height);
    layer.getContext("2d").putImageData(this.map, 0, 0);
    const context = this.canvas.getContext("2d");
    context.drawImage(this.photo, 0, 0);
    context.drawImage(layer, 0, 0);
  }

  /** [{ id, share }] of the classes that occur, the largest first. */
  shares() {
    const counts = new Array(this.colours.length).fill(0);
    for (const id of this.labels.data) counts[id]++;
    return counts
      .map((count, id) => ({ id, share: count / this.labels.data.length }))
      .filter(({ share }) => share > 0)
      .sort((a, b) => b.share - a.share);
  }
}

/** A switch for every class that occurs; `onChange` after each press. */
export function showLegend(blend, classes, onChange) {
  const items = blend.shares().map(({ id, share }) => {
    const swatch = element("i");
    swatch.style.background = `rgb(${classes[id].colour.join()})`;
    const percent = share < 0.001 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`;
    const button = element("button", { type: "button" }, swatch, classes[id].name, element("span", {}, percent));
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const shown = blend.hidden.delete(id) || !blend.hidden.add(id);
      button.setAttribute("aria-pressed", String(shown));
      onChange();
    });
    return element("li", {}, button);
  });
  byId("legend").replaceChildren(...items);
}

/** Exactly what was sent, read back from the bytes themselves, and what stayed. */
export async function showSent({ file, photo, answerBytes, times, path }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", file));
  const parts = chunksOf(file);
  const [width, height] = [0, 4].map((at) => new DataView(parts[0].body.buffer, parts[0].body.byteOffset).getUint32(at));
  const text = String.fromCharCode(...parts[1].body).replace("\0", ": ");
  const exif = await hasMetadata(photo);
  const rows = [
    ["Request", `POST ${path}, image/png, ${size(file.length)}`],
    ["Picture", `${width} × ${height} pixels, encrypted; it is the one shown above`],
    ["Its only text", text],
    ["Parts of the file", parts.map(({ kind, body }) => `${kind} ${number.format(body.length)}`).join(", ")],
    ["SHA-256", Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")],
    ["Stayed here", `${photo.name ? "the file's name, " : ""}${exif ? "EXIF (time, camera, perhaps place), " : ""}the photograph (${size(photo.size)})`],
    ["Came back", `a label map, ${size(answerBytes)}`],
    ["Time", Object.entries(times).map(([name, time]) => `${name} ${milliseconds(time)}`).join(", ")],
  ];
  byId("facts").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/** Whether the first bytes of a photograph hold EXIF. */
async function hasMetadata(photo) {
  const bytes = new Uint8Array(await photo.slice(0, 65536).arrayBuffer());
  return /Exif\0\0|eXIf|EXIF/.test(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
