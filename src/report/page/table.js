import { countText, sizeText } from '../text.ts';
import { byId, link, text } from './elements.js';

/** Rows that are added at once: a table of 11,000 rows would block the page for seconds. */
const SLICE = 200;

const byText = (key) => (a, b) => (a[key] ?? '').localeCompare(b[key] ?? '', 'en', { numeric: true });

const COLUMNS = [
  { key: 'name', title: 'Package', order: byText('name'), cell: ({ name }) => link(name) },
  { key: 'version', title: 'Version', order: byText('version') },
  { key: 'section', title: 'Section', order: byText('section') },
  { key: 'size', title: 'Size', order: (a, b) => a.size - b.size, cell: ({ size }) => sizeText(size) },
  { key: 'reason', title: 'Why', order: byText('reason') },
  { key: 'category', title: 'Category', order: byText('category') },
  { key: 'summary', title: 'Summary', order: byText('summary') },
];

/** Fills the table: sorted by a click on a title, filtered by a text and a category, in slices. */
export function showTable(packages, categories) {
  let sorted = { key: 'size', isDescending: true };
  let shown = [];
  let drawn = 0;
  const rows = byId('rows');
  const more = byId('more');
  const texts = packages.map(({ name, summary }) => `${name} ${summary}`.toLowerCase());
  byId('category').append(new Option('all', ''), ...categories.toSorted().map((name) => new Option(name, name)));

  const addRows = (count) => {
    rows.append(...shown.slice(drawn, drawn + count).map(rowOf));
    drawn = Math.min(shown.length, drawn + count);
    more.textContent = drawn < shown.length ? `${shown.length - drawn} more` : '';
  };
  const update = () => {
    const words = byId('search').value.toLowerCase().split(/\s+/);
    const category = byId('category').value;
    const { order } = COLUMNS.find(({ key }) => key === sorted.key);
    shown = packages
      .filter((pkg) => category === '' || pkg.category === category)
      .filter(({ index }) => words.every((word) => texts[index].includes(word)))
      .sort((a, b) => (sorted.isDescending ? order(b, a) : order(a, b)) || a.index - b.index);
    const bytes = shown.reduce((sum, { size }) => sum + size, 0);
    byId('count').textContent = `${countText(shown.length, 'package')}, ${sizeText(bytes)}`;
    rows.replaceChildren();
    drawn = 0;
    addRows(SLICE);
  };
  const heads = COLUMNS.map(({ key, title }) => {
    const head = Object.assign(document.createElement('th'), { scope: 'col', className: key });
    const button = Object.assign(text('button', title), { type: 'button' });
    button.addEventListener('click', () => {
      sorted = { key, isDescending: sorted.key === key ? !sorted.isDescending : key === 'size' };
      markSorted();
      update();
    });
    head.append(button);
    return head;
  });
  const markSorted = () => {
    for (const head of heads) {
      if (head.className !== sorted.key) head.removeAttribute('aria-sort');
      else head.ariaSort = sorted.isDescending ? 'descending' : 'ascending';
    }
  };
  byId('head').append(...heads);
  markSorted();
  byId('search').addEventListener('input', update);
  byId('category').addEventListener('change', update);
  new IntersectionObserver(
    ([entry]) => {
      if (entry.isIntersecting) addRows(SLICE);
    },
    { rootMargin: '1000px' },
  ).observe(more);
  addEventListener('beforeprint', () => addRows(Infinity));
  update();
}

function rowOf(pkg) {
  const row = document.createElement('tr');
  row.append(
    ...COLUMNS.map(({ key, cell }) => {
      const element = document.createElement('td');
      element.className = key;
      element.append(cell?.(pkg) ?? pkg[key] ?? '');
      return element;
    }),
  );
  return row;
}
