import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { countText, sizeText } from '../text.ts';
import { byId, fragmentOf } from './elements.js';

/** Height of the name of a category, and the smallest area with a text, in CSS pixels. */
const TITLE = 16;
const MIN_TEXT = { width: 34, height: 13 };

/** Space between two packages. */
const GAP = 1;

/** Angle between the hues of two categories that follow each other in size: neighbors differ clearly. */
const HUE_STEP = 137.5;

/** Draws the packages on a canvas, by category and size. A click opens a package. */
export function showTreemap(canvas, packages, categories) {
  const members = new Map(categories.map((category) => [category, []]));
  for (const pkg of packages) members.get(pkg.category).push(pkg);
  const tree = hierarchy({ children: [...members].map(([name, children]) => ({ name, children })) })
    .sum(({ size = 0 }) => Math.max(0, size))
    .sort((a, b) => b.value - a.value);
  const note = byId('map-note');
  const explanation = note.textContent;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let leaves = [];

  const draw = (isDark = dark.matches) => {
    const { clientWidth: width, clientHeight: height } = canvas;
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const layout = treemap().tile(treemapSquarify).size([width, height]).paddingInner(GAP).paddingTop(titleHeight);
    leaves = layout(tree).leaves();
    const context = canvas.getContext('2d');
    context.scale(scale, scale);
    context.textBaseline = 'middle';
    drawTitles(context, tree.children ?? [], isDark);
    drawLeaves(context, leaves, isDark);
  };
  const packageAt = ({ offsetX: x, offsetY: y }) =>
    leaves.find(({ x0, x1, y0, y1 }) => x >= x0 && x < x1 + GAP && y >= y0 && y < y1 + GAP)?.data;
  canvas.addEventListener('pointermove', (event) => {
    const pkg = packageAt(event);
    note.textContent =
      pkg?.version === undefined ? explanation : `${pkg.name} ${pkg.version}, ${sizeText(pkg.size)}, ${pkg.category}`;
  });
  canvas.addEventListener('click', (event) => {
    const pkg = packageAt(event);
    if (pkg?.version !== undefined) location.hash = fragmentOf(pkg.name);
  });
  dark.addEventListener('change', () => draw());
  addEventListener('beforeprint', () => draw(false));
  addEventListener('afterprint', () => draw());
  // Called once at the start, and whenever the size changes.
  new ResizeObserver(() => draw()).observe(canvas.parentElement);
}

function titleHeight({ depth, x0, x1, y0, y1 }) {
  return depth === 1 && x1 - x0 > MIN_TEXT.width && y1 - y0 > 2 * TITLE ? TITLE : 0;
}

function drawTitles(context, groups, isDark) {
  context.font = '600 11px system-ui, sans-serif';
  groups.forEach((group, place) => {
    group.hue = (place * HUE_STEP) % 360;
    const { x0, x1, y0, y1, hue, data, children, value } = group;
    context.fillStyle = `hsl(${hue} 35% ${isDark ? 20 : 88}%)`;
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    if (titleHeight(group) === 0) return;
    context.fillStyle = isDark ? '#e6edf3' : '#1b1f24';
    const full = `${data.name}: ${countText((children ?? []).length, 'package')}, ${sizeText(value)}`;
    const fits = context.measureText(full).width <= x1 - x0 - 8;
    fillClipped(context, fits ? full : data.name, { x: x0 + 4, y: y0 + TITLE / 2, width: x1 - x0 - 8 });
  });
}

function drawLeaves(context, leaves, isDark) {
  context.font = '11px system-ui, sans-serif';
  for (const { x0, x1, y0, y1, parent, data } of leaves) {
    if (parent?.hue === undefined || data.name === undefined) continue;
    context.fillStyle = `hsl(${parent.hue} 40% ${isDark ? 32 : 74}%)`;
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    if (x1 - x0 < MIN_TEXT.width || y1 - y0 < MIN_TEXT.height) continue;
    context.fillStyle = isDark ? '#f0f3f6' : '#1b1f24';
    fillClipped(context, data.name, { x: x0 + 3, y: (y0 + y1) / 2, width: x1 - x0 - 6 });
  }
}

/** Writes a text that ends in an ellipsis where it is too wide. */
function fillClipped(context, content, { x, y, width }) {
  let shown = content;
  if (context.measureText(content).width > width) {
    let length = content.length;
    while (length > 0 && context.measureText(`${content.slice(0, length)}…`).width > width) length--;
    if (length < 2) return;
    shown = `${content.slice(0, length)}…`;
  }
  context.fillText(shown, x, y);
}
