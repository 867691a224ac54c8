// One photograph on its way: encrypted beside the page, sent, and its label map read.

import { inBackground } from "./background.js";
import { longerSideFor } from "./cells.js";
import { segment } from "./service.js";
import { size } from "./sent.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Photo } from "./decode.js" */
/** @import { Model } from "./service.js" */
/** @import { FUNCTIONS } from "./worker.js" */

/**
 * A photograph, what became of it so far, and what went wrong.
 * @typedef {{
 *   name: string, photo: Photo, problem?: string,
 *   sent?: Awaited<ReturnType<typeof FUNCTIONS.encrypt>>["made"],
 *   received?: Awaited<ReturnType<typeof FUNCTIONS.read>>["made"] & { bytes: number, milliseconds: number },
 *   settings?: Settings,
 * }} Picture
 *
 * How pictures are encrypted and sent: `secret` is the key's, `longerSide` what a person chose, in pixels, `path` the
 * service's.
 * @typedef {{ model: Model, secret?: Bytes, longerSide?: number, token: string, path: string }} Settings
 */

/**
 * Sets `picture.sent`, then `picture.received`. Throws what goes wrong.
 * @param {Picture} picture
 * @param {Settings} settings
 * @param {{ signal: AbortSignal, say: (text: string) => void, onEncrypted: () => void }} options
 */
export async function processPicture(picture, settings, { signal, say, onEncrypted }) {
  const { model: { input, limits, classes }, secret, token, path } = settings;
  picture.settings = settings;
  say("Encrypting here, in the browser …");
  const longerSide = settings.longerSide ?? longerSideFor(input);
  const given = { photo: picture.photo, input, secret, longerSide, maxPixels: limits.image_pixels };
  const sent = (picture.sent = await inBackground("encrypt", given, { signal }));
  onEncrypted();
  say(`Sending ${size(sent.file.size)}, encrypted …`);
  const start = performance.now();
  const onWait = (/** @type {number} */ wait) => say(`The service is busy. Trying again in ${wait} s …`);
  const response = await segment(sent.file, { token, path, signal, onWait });
  const milliseconds = performance.now() - start, bytes = response.byteLength;
  const { width, height } = sent.shown;
  const answer = { response, picture: sent.picture, shown: { width, height }, classes: classes.length };
  picture.received = { ...(await inBackground("read", answer, { signal, moved: [response] })), bytes, milliseconds };
}
