import { text } from './elements.js';

/** Elements that are added at once: 11,000 would block the page for seconds. */
const SLICE = 200;

/** Fills a list or the body of a table in slices, as the reader scrolls. In print it has all elements. */
export class Slices {
  #parent;
  #more;
  #elementOf;
  #items = [];
  #drawn = 0;

  /** `more` follows the list, and shows how many elements are not drawn yet. */
  constructor(parent, more, elementOf) {
    this.#parent = parent;
    this.#more = more;
    this.#elementOf = elementOf;
    new IntersectionObserver(
      ([entry]) => {
        if (entry.isIntersecting) this.#add(SLICE);
      },
      { rootMargin: '1000px' },
    ).observe(more);
    addEventListener('beforeprint', () => this.#add(Infinity));
  }

  /** Replaces all elements. */
  show(items) {
    this.#items = items;
    this.#drawn = 0;
    this.#parent.replaceChildren();
    this.#add(SLICE);
  }

  #add(count) {
    const end = Math.min(this.#items.length, this.#drawn + count);
    this.#parent.append(...this.#items.slice(this.#drawn, end).map(this.#elementOf));
    this.#drawn = end;
    this.#more.textContent = end < this.#items.length ? `${this.#items.length - end} more` : '';
  }
}

/** Entries of a list that are shown before the reader asks for all. */
const FIRST = 50;

/** Fills a list with its first entries, and with a button that shows all in a box that scrolls. */
export function showList(list, entries, elementOf) {
  list.append(...entries.slice(0, FIRST).map(elementOf));
  if (entries.length <= FIRST) return;
  const note = text('p', `The first ${FIRST} of ${entries.length}. `, 'note');
  const button = Object.assign(text('button', 'Show all', 'screen'), { type: 'button' });
  button.addEventListener('click', () => {
    const box = Object.assign(document.createElement('div'), { className: 'box', tabIndex: 0 });
    note.replaceChildren();
    list.replaceWith(box);
    box.append(list, note);
    box.focus();
    new Slices(list, note, elementOf).show(entries);
  });
  note.append(button);
  list.after(note);
}
