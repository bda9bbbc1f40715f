import { hierarchy, tree } from 'd3-hierarchy';
import { fragmentOf, text } from './elements.js';
import { svg, tip } from './svg.js';

/** Packages that the graph shows; further ones are left out. */
const MOST = 60;

/** Height of a row and of a box, width of a character and of the space beside a text, in CSS pixels. */
const ROW = 30;
const BOX = 22;
const CHARACTER = 7.3;
const PADDING = 8;

/** Space between two columns. */
const GAP = 44;

/** Returns the shortest chains of requirements from the requested packages to a package, as a graph: the requested
 *  ones on the left, the package on the right. */
export function reasonsOf(target, packages, graph) {
  const { nodes, edges, isCut } = partOf(target, graph);
  if (nodes.size === 1) return [text('p', 'No requested package leads to it.')];
  const layout = tree().nodeSize([ROW, 1]);
  const placed = layout(hierarchy(target, (index) => nodes.get(index))).descendants();
  const labels = new Map(placed.map(({ data: index }) => [index, labelOf(packages[index], graph.isRoot(index))]));
  const columns = columnsOf(placed, labels);
  const top = Math.min(...placed.map(({ x }) => x)) - ROW / 2;
  const height = Math.max(...placed.map(({ x }) => x)) + ROW / 2 - top;
  const boxes = new Map(placed.map(({ data, depth, x: y }) => [data, { ...columns[depth], y: y - top }]));
  const width = columns[0].x + columns[0].width + 1;
  const root = svg('svg', {
    class: 'chart reasons',
    width,
    height,
    role: 'group',
    'aria-label': 'Graph of the reasons',
  });
  for (const [from, to] of edges) {
    const name = `${packages[from].name} requires ${packages[to].name}`;
    root.append(svg('path', { class: 'edge', d: curve(boxes.get(from), boxes.get(to)) }, tip(name)));
  }
  for (const [index, box] of boxes)
    root.append(nodeOf(packages[index].name, { ...box, label: labels.get(index), isTarget: index === target }));
  const scroll = document.createElement('div');
  scroll.className = 'box';
  scroll.append(root);
  return isCut ? [scroll, text('p', 'More packages are left out.', 'note')] : [scroll];
}

/** Returns the packages on the shortest chains, each with those that it is the first to name, and all requirements
 *  between them. */
function partOf(target, graph) {
  const nodes = new Map([[target, []]]);
  const edges = [];
  let isCut = false;
  for (const [to, children] of nodes) {
    if (graph.isRoot(to)) continue;
    for (const from of graph.towardsRoots(to)) {
      if (!nodes.has(from)) {
        if (nodes.size === MOST) {
          isCut = true;
          continue;
        }
        nodes.set(from, []);
        children.push(from);
      }
      edges.push([from, to]);
    }
  }
  return { nodes, edges, isCut };
}

/** No reason is known for a package of a repo. */
function labelOf({ name, reason }, isRoot) {
  return isRoot && reason !== 'listed' ? `${name} (${reason})` : name;
}

/** Returns the place of each column, by the distance from the package. */
function columnsOf(placed, labels) {
  const widths = [];
  for (const { depth, data } of placed)
    widths[depth] = Math.max(widths[depth] ?? 0, labels.get(data).length * CHARACTER + 2 * PADDING);
  let x = 1;
  return widths
    .toReversed()
    .map((width) => {
      const column = { x, width };
      x += width + GAP;
      return column;
    })
    .toReversed();
}

function curve(from, to) {
  const [start, end] = [from.x + from.width, to.x];
  const middle = (start + end) / 2;
  return `M ${start} ${from.y} C ${middle} ${from.y} ${middle} ${to.y} ${end} ${to.y}`;
}

function nodeOf(name, { x, y, width, label, isTarget }) {
  return svg(
    'a',
    { class: isTarget ? 'node target' : 'node', href: fragmentOf(name) },
    svg('rect', { x, y: y - BOX / 2, width, height: BOX, rx: 4 }),
    svg('text', { x: x + PADDING, y: y + 4 }, label),
  );
}
