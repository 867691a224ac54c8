// The page's elements.

/**
 * The element with this id, which is of this kind.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} named ${id}`);
  return found;
}

/**
 * The element with this id, of any kind.
 * @param {string} id
 */
export function byId(id) {
  return find(id, HTMLElement);
}

/**
 * A new element.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Partial<HTMLElementTagNameMap[Name]>} properties
 * @param {(Node | string)[]} children
 */
export function make(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/**
 * What one draws with on a canvas of the page or elsewhere.
 * @param {HTMLCanvasElement} canvas
 */
export function drawingOn(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws nothing");
  return context;
}
