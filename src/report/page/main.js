// The page of `cygstrap report`. It is bundled into one script, and needs nothing but the data in its document.
import { sizeText } from '../text.ts';
import { showDetails } from './details.js';
import { byId, link, text } from './elements.js';
import { PackageGraph } from './graph.js';
import { showTable } from './table.js';
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
  byId('warnings-list').append(...data.warnings.map((warning) => text('li', warning)));
}

/** Names of packages of the report, for links from the changes. */
const known = new Set(packages.map(({ name }) => name));

function showChanges({ added, removed, changed, downloadBytes }) {
  byId('changes').hidden = false;
  const download = downloadBytes === null ? '' : `, ${sizeText(downloadBytes)} to download`;
  byId('changes-total').textContent =
    `${added.length} added, ${removed.length} removed, ${changed.length} changed${download}`;
  const item = (sign, name, rest) => {
    const entry = document.createElement('li');
    entry.append(`${sign} `, known.has(name) ? link(name) : name, ` ${rest}`);
    return entry;
  };
  byId('changes-list').append(
    ...added.map(({ name, version }) => item('added', name, version)),
    ...removed.map(({ name, version }) => item('removed', name, version)),
    ...changed.map(({ name, from, to, direction }) => item(direction, name, `${from} → ${to}`)),
  );
}

if (data.difference !== null) showChanges(data.difference);
showTreemap(byId('map'), packages, data.categories);
showTable(packages, data.categories);
showDetails(packages, new PackageGraph(packages), data.note);
