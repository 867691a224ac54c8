// The label map over the photograph, and the legend with its switches.

import { drawingOn, find, make } from "./dom.js";
import { layerOf } from "./layer.js";

/** @import { Labels } from "./labels.js" */
/** @import { Look } from "./layer.js" */
/** @import { Class } from "./service.js" */
/** @typedef {{ id: number, share: number }[]} Shares of the classes that occur, the largest first */

const canvas = find("overlay", HTMLCanvasElement), list = find("legend", HTMLUListElement);

/** The photograph under its label map; hidden classes and opacity 0 show the photograph alone. */
export class Overlay {
  /**
   * @param {ImageBitmap} photo perhaps reduced
   * @param {Labels} labels of the same size
   * @param {Look} look which the legend and the slider change
   */
  constructor(photo, labels, look) {
    this.photo = photo;
    this.labels = labels;
    this.look = look;
    [canvas.width, canvas.height] = [photo.width, photo.height];
  }

  draw() {
    const { width, height } = this.labels, layer = make("canvas", { width, height });
    drawingOn(layer).putImageData(layerOf(this.labels, this.look), 0, 0);
    const context = drawingOn(canvas);
    context.drawImage(this.photo, 0, 0);
    context.drawImage(layer, 0, 0);
  }
}

/**
 * A switch for every class that occurs.
 * @param {Overlay} overlay
 * @param {Shares} shares
 * @param {Class[]} classes
 */
export function showLegend(overlay, shares, classes) {
  const { hidden } = overlay.look;
  const items = shares.map(({ id, share }) => {
    const swatch = make("i", {});
    swatch.style.background = `rgb(${classes[id].colour.join()})`;
    const button = make("button", { type: "button" }, swatch, classes[id].name, make("span", {}, percent(share)));
    button.setAttribute("aria-pressed", String(!hidden.has(id)));
    button.addEventListener("click", () => {
      const shown = hidden.delete(id) || !hidden.add(id);
      button.setAttribute("aria-pressed", String(shown));
      overlay.draw();
    });
    return make("li", {}, button);
  });
  list.replaceChildren(...items);
}

/**
 * The legend as a table: comma-separated values.
 * @type {(shares: Shares, classes: Class[]) => Blob}
 */
export function legendFile(shares, classes) {
  const rows = shares.map(({ id, share }) => {
    const { name, colour } = classes[id];
    const text = /^[=+@-]/.test(name) ? `'${name}` : name; // a spreadsheet must not take it for a formula
    return [id, `"${text.replaceAll('"', '""')}"`, ...colour, (100 * share).toFixed(3)].join();
  });
  return new Blob([["id,class,red,green,blue,percent", ...rows, ""].join("\r\n")], { type: "text/csv" });
}

/** @param {number} share */
function percent(share) {
  return share < 0.001 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`;
}
