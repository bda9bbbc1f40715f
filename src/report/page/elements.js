// Elements of a page. All text is set as text, never as HTML.

export const byId = (id) => document.getElementById(id);

export function text(tag, content, className = '') {
  return Object.assign(document.createElement(tag), { textContent: content, className });
}

/** Returns the fragment that opens the details of a package. */
export function fragmentOf(name) {
  return `#package=${encodeURIComponent(name)}`;
}

export function link(name) {
  return Object.assign(text('a', name), { href: fragmentOf(name) });
}
