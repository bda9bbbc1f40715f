import { text } from './elements.js';
import { Slices } from './slices.js';

/** Returns a function that compares two items by a text. */
export function byText(key) {
  return (a, b) => (a[key] ?? '').localeCompare(b[key] ?? '', 'en', { numeric: true });
}

/** A table that is sorted by a click on a title. A column has `key` (also its class), `title`, `order` for two items,
 *  `cell` for the text or element of an item if that is not `item[key]`, and `isDescending` if a click sorts the
 *  largest first. */
export class SortableTable {
  #columns;
  #heads;
  #sorted;
  #slices;
  #items = [];

  /** Puts head and body into an empty table. `sorted` is the key of the first column to sort by; `more` follows the
   *  table. */
  constructor(table, { columns, sorted, more }) {
    this.#columns = columns;
    this.#sorted = this.#firstOrder(sorted);
    this.#heads = columns.map((column) => this.#headOf(column));
    const row = document.createElement('tr');
    row.append(...this.#heads);
    table.createTHead().append(row);
    this.#slices = new Slices(table.createTBody(), more, (item) => rowOf(columns, item));
    this.#markSorted();
  }

  /** Replaces all rows. Equal rows stay in the order of `items`. */
  show(items) {
    this.#items = items;
    const { key, isDescending } = this.#sorted;
    const { order } = this.#columns.find((column) => column.key === key);
    this.#slices.show(items.toSorted((a, b) => (isDescending ? order(b, a) : order(a, b))));
  }

  #headOf({ key, title }) {
    const head = Object.assign(document.createElement('th'), { scope: 'col', className: key });
    const button = Object.assign(text('button', title), { type: 'button' });
    button.addEventListener('click', () => {
      this.#sorted =
        this.#sorted.key === key ? { key, isDescending: !this.#sorted.isDescending } : this.#firstOrder(key);
      this.#markSorted();
      this.show(this.#items);
    });
    head.append(button);
    return head;
  }

  #firstOrder(key) {
    const { isDescending = false } = this.#columns.find((column) => column.key === key);
    return { key, isDescending };
  }

  #markSorted() {
    for (const head of this.#heads) {
      if (head.className !== this.#sorted.key) head.removeAttribute('aria-sort');
      else head.ariaSort = this.#sorted.isDescending ? 'descending' : 'ascending';
    }
  }
}

function rowOf(columns, item) {
  const row = document.createElement('tr');
  row.append(
    ...columns.map(({ key, cell }) => {
      const element = document.createElement('td');
      element.className = key;
      element.append(cell?.(item) ?? item[key] ?? '');
      return element;
    }),
  );
  return row;
}
