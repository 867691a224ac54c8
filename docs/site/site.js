// What the theme leaves to be said to screen readers and keyboards; it makes some parts when they come into view.

let codes = 0;

function mend() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const part of document.querySelectorAll(".md-code__nav:not([aria-label])")) {
    codes += 1;
    part.setAttribute("aria-label", `Code ${codes}`);
  }
  for (const part of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code")) {
    if (!part.hasAttribute("tabindex")) part.setAttribute("tabindex", "0");
  }
  // A corner of a table without words is no heading.
  for (const corner of document.querySelectorAll(".md-typeset th:empty")) {
    corner.replaceWith(document.createElement("td"));
  }
}

mend();
new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
