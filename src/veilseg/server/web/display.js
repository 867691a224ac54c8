// The picture that is looked at: what was sent, what it shows, what came back, and its files.

import { inBackground } from "./background.js";
import { describeCells, warnOfCells } from "./cells.js";
import { byId, find } from "./dom.js";
import { specFor } from "./encrypt.js";
import { legendFile, Overlay, showLegend } from "./overlay.js";
import { nameFor, save } from "./save.js";
import { showSent } from "./sent.js";
import { reveal, showSlider } from "./slider.js";
import { messageOf, say } from "./status.js";

/** @import { Look } from "./layer.js" */
/** @import { Picture } from "./picture.js" */

const opacity = find("opacity", HTMLInputElement), revealed = find("reveal", HTMLInputElement);

/** @type {Look} */
const look = { colours: [], hidden: new Set(), opacity: Number(opacity.value) / 100 };
/** @type {Picture | undefined} */
let current;
/** @type {Overlay | undefined} */
let overlay;

/** The picture that is looked at. */
export function currentPicture() {
  return current;
}

/** Look at nothing: what an earlier picture or model gave must not be taken for the next one's. */
export function forget() {
  current = overlay = undefined;
  look.hidden.clear();
  byId("stage").hidden = byId("sent").hidden = true;
  byId("warning").textContent = "";
}

/**
 * Look at a picture, as far as it has come.
 * @param {Picture} picture
 */
export async function lookAt(picture) {
  const { sent, settings } = (current = picture);
  if (!sent || !settings) return;
  const [plain, encrypted] = await Promise.all([createImageBitmap(sent.plain), createImageBitmap(sent.file)]);
  if (current !== picture) return;
  const { received } = picture; // which may have come meanwhile
  byId("stage").hidden = false;
  byId("result").hidden = byId("sent").hidden = !received;
  showSlider(plain, encrypted);
  const { input, classes } = settings.model, spec = specFor(input);
  byId("cells").textContent = describeCells(spec, sent.picture, sent.photograph);
  const finer = warnOfCells(spec, sent.picture);
  const depth = sent.depthLost ? "The photograph has 16 bits a channel, of which the upper 8 are used." : "";
  byId("warning").textContent = [finer, depth].filter(Boolean).join(" ");
  if (!received) return;
  look.colours = classes.map(({ colour }) => colour);
  overlay = new Overlay(sent.shown, received.enlarged, look);
  overlay.draw();
  showLegend(overlay, received.shares, classes);
  showSent(picture, sent, received, settings.path);
}

/**
 * A file of the picture that is looked at.
 * @param {string} id of the button
 * @param {string} ending of the file's name
 * @param {(picture: Required<Picture>) => Blob | Promise<Blob>} make
 */
function offer(id, ending, make) {
  byId(id).addEventListener("click", async () => {
    const picture = /** @type {Required<Picture>} */ (current);
    try {
      save(await make(picture), nameFor(picture.name, ending));
    } catch (error) {
      say(messageOf(error, ""), "error");
    }
  });
}

offer("save-labels", "labels.png", ({ sent: { photograph }, received: { labels }, settings: { model: { classes } } }) =>
  inBackground("map", { labels, photograph, classes }));
offer("save-overlay", "overlay.png", ({ photo, received: { labels } }) =>
  inBackground("overlay", { photo, labels, look }));
offer("save-legend", "legend.csv", ({ received: { shares }, settings: { model: { classes } } }) =>
  legendFile(shares, classes));
offer("save", "sent.png", ({ sent: { file } }) => file);
opacity.addEventListener("input", () => {
  look.opacity = Number(opacity.value) / 100;
  overlay?.draw();
});
revealed.addEventListener("input", () => reveal(Number(revealed.value)));
