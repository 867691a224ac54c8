// What is drawn: the label map over the photograph, the legend with its switches, the panel of what left the browser.

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

/** The photograph (an ImageBitmap, perhaps reduced) under the class ids of its pixels; hidden classes and opacity 0 show
 * the photograph alone. */
export class Blend {
  constructor(canvas, photo, ids, classes) {
    this.canvas = canvas;
    this.photo = photo;
    this.ids = ids;
    this.colours = classes.map(({ colour }) => colour);
    this.hidden = new Set();
    this.map = new ImageData(photo.width, photo.height);
    [canvas.width, canvas.height] = [photo.width, photo.height];
  }

  draw(opacity) {
    const alpha = Math.round(255 * opacity);
    const colours = new Uint8Array(4 * 256); // one word for every class: red, green, blue, alpha
    this.colours.forEach((colour, id) => colours.set([...colour, this.hidden.has(id) ? 0 : alpha], 4 * id));
    const words = new Uint32Array(colours.buffer), out = new Uint32Array(this.map.data.buffer), { ids } = this;
    for (let i = 0; i < ids.length; i++) out[i] = words[ids[i]];
    const layer = new OffscreenCanvas(this.map.width, this.map.height);
    layer.getContext("2d").putImageData(this.map, 0, 0);
    const context = this.canvas.getContext("2d");
    context.drawImage(this.photo, 0, 0);
    context.drawImage(layer, 0, 0);
  }
}

/** A switch for every class that occurs, [{ id, share }]; `onChange` after each press. */
export function showLegend(blend, shares, classes, onChange) {
  const items = shares.map(({ id, share }) => {
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

/** Exactly what was sent, with facts read back from the bytes themselves (facts.js), and what stayed. */
export async function showSent({ file, facts, photo, answerBytes, times, path }) {
  const exif = await hasMetadata(photo);
  const rows = [
    ["Request", `POST ${path}, image/png, ${size(file.size)}`],
    ["Picture", `${facts.width} × ${facts.height} pixels, encrypted; it is the one shown above`],
    ["Its only text", facts.text],
    ["Parts of the file", facts.parts.join(", ")],
    ["SHA-256", facts.digest],
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
