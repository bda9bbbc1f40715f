// The page of `cygstrap report`. It is bundled into one script, and needs nothing but the data in its document.
import { sizeText } from '../text.ts';
import { showDetails } from './details.js';
import { byId, link, text } from './elements.js';
import { PackageGraph } from './graph.js';
import { showPackages } from './packages.js';
import { showList } from './slices.js';
import { showTreemap } from './treemap.js';

const data = JSON.parse(byId('data').textContent);
const packages = data.packages.map(([name, version, section, size, reason, category, summary, requires], index) => ({
  index,
  name,
  version,
  section,
  size,
  reason: data.reasons[reason],
  category: data.categories[category],
  summary,
  requires,
}));

document.title = `cygstrap: ${data.title}`;
byId('title').textContent = data.title;
const indexes = data.indexes.map(({ arch, timestamp }) => {
  const time = timestamp === null ? 'without a time' : timeText(timestamp);
  return ['Index', arch === null ? time : `${arch}, ${time}`];
});
byId('facts').replaceChildren(
  ...[...data.facts, ...indexes].map(([term, value]) => {
    const fact = document.createElement('div');
    fact.append(text('dt', term), text('dd', value));
    return fact;
  }),
);

function timeText(seconds) {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

if (data.warnings.length > 0) {
  byId('warnings').hidden = false;
  showList(byId('warnings-list'), data.warnings, (warning) => text('li', warning));
}

/** Names of packages of the report, for links from the changes. */
const known = new Set(packages.map(({ name }) => name));

function showChanges({ added, removed, changed, downloadBytes }) {
  byId('changes').hidden = false;
  const download = downloadBytes === null ? '' : `, ${sizeText(downloadBytes)} to download`;
  byId('changes-total').textContent =
    `${added.length} added, ${removed.length} removed, ${changed.length} changed${download}`;
  const entries = [
    ...added.map(({ name, version }) => ({ sign: 'added', name, rest: version })),
    ...removed.map(({ name, version }) => ({ sign: 'removed', name, rest: version })),
    ...changed.map(({ name, from, to, direction }) => ({ sign: direction, name, rest: `${from} → ${to}` })),
  ];
  showList(byId('changes-list'), entries, ({ sign, name, rest }) => {
    const item = document.createElement('li');
    item.append(`${sign} `, known.has(name) ? link(name) : name, ` ${rest}`);
    return item;
  });
}

if (data.difference !== null) showChanges(data.difference);
showTreemap(byId('map'), packages, data.categories);
showPackages(packages, data.categories);
showDetails(packages, new PackageGraph(packages), data.note);
