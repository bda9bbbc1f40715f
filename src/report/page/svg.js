import { text } from './elements.js';

/** Returns an element of SVG. Attributes are never styles: the policy of the page refuses these. */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Returns the text that a browser shows while the pointer is over its parent. */
export function tip(content) {
  return svg('title', {}, content);
}

/** Width of a chart on paper, in CSS pixels. */
const PRINT_WIDTH = 680;

/** Draws a chart into a box, again when its width changes, and for print. `draw` gets the width in CSS pixels, and
 *  returns the elements. */
export function showChart(box, draw) {
  let width = 0;
  const show = (wanted) => {
    // A redraw changes the height of the box, which must not start another one.
    if (wanted === width || wanted === 0) return;
    width = wanted;
    box.replaceChildren(...draw(width));
  };
  addEventListener('beforeprint', () => show(PRINT_WIDTH));
  addEventListener('afterprint', () => show(box.clientWidth));
  new ResizeObserver(() => show(box.clientWidth)).observe(box);
}

/** Steps of an axis of durations, in milliseconds. */
const STEPS = [
  ...[1, 10, 100, 1000].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
  ...[10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400].map((seconds) => seconds * 1000),
];

/** Returns the ticks of an axis from 0: at most `most` steps, the last at `max` or after it. */
export function ticksOf(max, most) {
  const step = STEPS.find((each) => max / each <= most) ?? Math.ceil(max / most / 14_400_000) * 14_400_000;
  return Array.from({ length: Math.max(1, Math.ceil(max / step)) + 1 }, (_, i) => i * step);
}

/** Returns an entry of a legend: a square in the color of a class, and its name. */
export function legendEntry(className, name) {
  const item = text('li', ` ${name}`);
  item.prepend(svg('svg', { width: 12, height: 12 }, svg('rect', { width: 12, height: 12, class: className })));
  return item;
}
