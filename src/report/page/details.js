import { countText, sizeText } from '../text.ts';
import { byId, link, text } from './elements.js';
import { reasonsOf } from './reasons.js';

/** The category of a package of a lock without index. */
const NO_CATEGORY = 'without category';

/** How many packages a list shows. */
const MAX_NAMES = 200;

/** Shows the details of the package that the fragment of the address names. */
export function showDetails(packages, graph, note) {
  const byName = new Map(packages.map((pkg) => [pkg.name, pkg]));
  const dialog = byId('package');
  const show = () => {
    const [, encoded] = /^#package=(.*)$/.exec(location.hash) ?? [];
    const pkg = encoded === undefined ? undefined : byName.get(decoded(encoded));
    if (pkg === undefined) {
      dialog.close();
      return;
    }
    byId('package-title').textContent = `${pkg.name} ${pkg.version}`;
    byId('package-body').replaceChildren(...detailsOf(pkg, packages, graph, note));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  // An address without the fragment, so that Back opens the package again.
  dialog.addEventListener('close', () => {
    if (location.hash !== '') history.pushState(null, '', location.href.replace(/#.*$/, ''));
  });
  dialog.addEventListener('click', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  byId('close').addEventListener('click', () => dialog.close());
  addEventListener('hashchange', show);
  addEventListener('popstate', show);
  show();
}

function decoded(encoded) {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

const REASONS = { requested: 'It was requested.', base: 'It is in category Base, which setup always installs.' };

function detailsOf(pkg, packages, graph, note) {
  const { index, size, section, category, summary, reason } = pkg;
  const facts = [
    sizeText(size),
    section === null ? '' : `section ${section}`,
    category === NO_CATEGORY ? category : `category ${category}`,
  ];
  const parts = [text('p', summary), text('p', facts.filter((each) => each !== '').join(', '), 'muted')];
  if (note !== null) return [...parts, text('p', note)];
  const requiredBy = graph.requiredBy(index);
  const why = REASONS[reason] ?? (requiredBy.length === 0 ? 'No package of the report requires it.' : '');
  parts.push(text('h3', 'Why'));
  if (why !== '') parts.push(text('p', why));
  else parts.push(...reasonsOf(index, packages, graph));
  const list = (title, indexes) => {
    const found = indexes.map((each) => packages[each]);
    const bytes = found.reduce((sum, each) => sum + each.size, 0);
    const total = `${countText(found.length, 'package')}, ${sizeText(bytes)}`;
    parts.push(text('h3', found.length === 0 ? `${title}: none` : `${title}: ${total}`), namesOf(found));
  };
  list('Required by', requiredBy);
  list('Requires', pkg.requires);
  list('Brings, directly or not', graph.brings(index));
  list('Would go without it', graph.goesWithout(index));
  return parts;
}

function namesOf(found) {
  const names = document.createElement('div');
  names.className = 'names';
  names.append(...found.slice(0, MAX_NAMES).map(({ name }) => link(name)));
  if (found.length > MAX_NAMES) names.append(`and ${found.length - MAX_NAMES} more`);
  return names;
}
