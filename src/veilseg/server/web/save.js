// Files for the one who sits before the page: they are made when they are asked for, and go nowhere else.

import { make } from "./dom.js";

/**
 * Have the browser save a file.
 * @param {Blob} file
 * @param {string} name
 */
export function save(file, name) {
  const url = URL.createObjectURL(file);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // some browsers begin to read late
}

/**
 * The name of a file made from a picture: "street.jpg" gives "street-labels.png".
 * @param {string} name
 * @param {string} ending
 */
export function nameFor(name, ending) {
  return `${name.replace(/\.[^.]*$/, "") || "picture"}-${ending}`;
}
