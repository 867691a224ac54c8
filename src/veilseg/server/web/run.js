// Runs: pictures one after the other, or frames of the camera. One run at a time, one request at a time.

import { live } from "./camera.js";
import { currentPicture, forget, lookAt } from "./display.js";
import { byId } from "./dom.js";
import { showList } from "./list.js";
import { processPicture } from "./picture.js";
import { ServiceError } from "./service.js";
import { messageOf, say } from "./status.js";

/** @import { Picture, Settings } from "./picture.js" */

/** @type {AbortController | undefined} of the run that is under way */
let busy;
/** @type {Picture | undefined} the one that was picked out of the list */
let chosen;

/** Give up what is under way. */
export function stop() {
  busy?.abort();
  busy = undefined;
  byId("cancel").hidden = true;
  say("");
}

/**
 * Encrypt and send pictures, one after the other.
 * @param {Picture[]} pictures
 * @param {Settings} settings
 */
export function run(pictures, settings) {
  return begin(async (signal) => {
    const several = pictures.length > 1;
    let problem = "";
    for (const [index, picture] of pictures.entries()) {
      const place = several ? `${index + 1} of ${pictures.length}: ` : "";
      const show = () => (chosen ?? picture) === picture ? lookAt(picture) : undefined;
      const options = { signal, say: (/** @type {string} */ text) => say(place + text), onEncrypted: show };
      list(pictures, picture);
      try {
        await processPicture(picture, settings, options);
        await show();
      } catch (error) {
        if (signal.aborted) return "";
        problem = picture.problem = messageOf(error, settings.token);
        if (error instanceof ServiceError && [0, 401].includes(error.status)) break; // the others would fare no better
      }
    }
    list(pictures);
    const failed = pictures.filter((picture) => picture.problem).length;
    return several && failed ? `${failed} of ${pictures.length} pictures failed. ${problem}` : problem;
  });
}

/**
 * Encrypt and send frames of the camera until `stop`.
 * @param {() => Settings} settings
 * @param {() => number} rate the most frames a second
 */
export function runLive(settings, rate) {
  return begin(async (signal) => {
    const quiet = { signal, say: () => {}, onEncrypted: () => {} };
    list([]);
    say("Live: what the camera sees is encrypted here and sent.");
    try {
      await live(rate, async (photo) => {
        const picture = { name: "camera", photo };
        await processPicture(picture, settings(), quiet);
        await lookAt(picture);
      }, signal);
    } catch (error) {
      if (!signal.aborted) return messageOf(error, settings().token);
    }
    return "";
  });
}

/**
 * A run: what is under way is given up, and what it gave or complained of goes.
 * @param {(signal: AbortSignal) => Promise<string>} work returns what went wrong, "" for nothing
 */
async function begin(work) {
  stop();
  forget();
  chosen = undefined;
  delete document.body.dataset.done;
  if (!globalThis.crypto?.subtle) {
    return say("This page needs a secure address: https://, or http://127.0.0.1 on the same machine.", "error");
  }
  const mine = (busy = new AbortController());
  byId("cancel").hidden = false;
  const problem = await work(mine.signal);
  if (busy !== mine) return;
  stop();
  if (problem) say(problem, "error");
  else document.body.dataset.done = "yes";
}

/**
 * @param {Picture[]} pictures
 * @param {Picture} [underWay]
 */
function list(pictures, underWay) {
  showList(pictures, chosen ?? currentPicture(), underWay, (picture) => {
    chosen = picture;
    list(pictures, underWay);
    lookAt(picture);
  });
}
