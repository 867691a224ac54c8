// The list of pictures, where there are several: what became of each, and a button to look at it.

import { find, make } from "./dom.js";

/** @import { Picture } from "./picture.js" */

const list = find("pictures", HTMLOListElement);

/**
 * @param {Picture[]} pictures
 * @param {Picture | undefined} current the one that is looked at
 * @param {Picture | undefined} underWay
 * @param {(picture: Picture) => void} onChoose
 */
export function showList(pictures, current, underWay, onChoose) {
  list.hidden = pictures.length < 2;
  const items = pictures.map((picture) => {
    const became = make("span", {}, becameOf(picture, underWay));
    const button = make("button", { type: "button", disabled: !picture.sent }, picture.name, became);
    button.setAttribute("aria-current", String(picture === current));
    button.addEventListener("click", () => onChoose(picture));
    return make("li", { className: picture.problem ? "error" : "" }, button);
  });
  const focused = Array.from(list.querySelectorAll("button")).findIndex((one) => one === document.activeElement);
  list.replaceChildren(...items);
  list.querySelectorAll("button")[focused]?.focus();
}

/** @type {(picture: Picture, underWay: Picture | undefined) => string} */
function becameOf(picture, underWay) {
  if (picture.problem) return picture.problem;
  if (picture.received) return "done";
  return picture === underWay ? "under way" : "waiting";
}
