import { countText, sizeText } from '../text.ts';
import { byId, link } from './elements.js';
import { SortableTable, byText } from './table.js';

const COLUMNS = [
  { key: 'name', title: 'Package', order: byText('name'), cell: ({ name }) => link(name) },
  { key: 'version', title: 'Version', order: byText('version') },
  { key: 'section', title: 'Section', order: byText('section') },
  {
    key: 'size',
    title: 'Size',
    order: (a, b) => a.size - b.size,
    cell: ({ size }) => sizeText(size),
    isDescending: true,
  },
  { key: 'reason', title: 'Why', order: byText('reason') },
  { key: 'category', title: 'Category', order: byText('category') },
  { key: 'summary', title: 'Summary', order: byText('summary') },
];

/** Fills the table of packages: sorted, and filtered by a text and a category. */
export function showPackages(packages, categories) {
  const table = new SortableTable(byId('packages'), { columns: COLUMNS, sorted: 'size', more: byId('more') });
  const texts = packages.map(({ name, summary }) => `${name} ${summary}`.toLowerCase());
  byId('category').append(new Option('all', ''), ...categories.toSorted().map((name) => new Option(name, name)));
  const update = () => {
    const words = byId('search').value.toLowerCase().split(/\s+/);
    const category = byId('category').value;
    const shown = packages
      .filter((pkg) => category === '' || pkg.category === category)
      .filter(({ index }) => words.every((word) => texts[index].includes(word)));
    const bytes = shown.reduce((sum, { size }) => sum + size, 0);
    byId('count').textContent = `${countText(shown.length, 'package')}, ${sizeText(bytes)}`;
    table.show(shown);
  };
  byId('search').addEventListener('input', update);
  byId('category').addEventListener('change', update);
  update();
}
