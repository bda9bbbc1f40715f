import { durationText } from '../text.ts';
import { text } from './elements.js';
import { endText, timeText } from './times.js';
import { legendEntry, showChart, svg, ticksOf, tip } from './svg.js';

/** Heights, in CSS pixels. */
const LABEL = 18;
const BAR = 22;
const ROW = LABEL + BAR + 12;
const AXIS = 20;

/** Newest stages in one chart; the table has all. */
const MOST = 12;

/** Number of the colors `.phase0` and so on. */
const COLORS = 12;

/** Width of a character, roughly: a text that does not fit is left out. */
const CHARACTER = 7;

/** Shows how long stages of one kind took, as bars with their phases. */
export function showStages(parent, title, stages) {
  if (stages.length === 0) return;
  const shown = stages.toReversed().slice(0, MOST);
  const names = [...new Set(shown.flatMap(({ phases }) => phases.map(({ name }) => name)))];
  const colors = new Map(names.map((name, place) => [name, `phase${place % COLORS}`]));
  const max = Math.max(1, ...shown.map(({ durationMs }) => durationMs));
  const legend = text('ul', '', 'legend');
  legend.append(...names.map((name) => legendEntry(colors.get(name), name)));
  const box = document.createElement('div');
  showChart(box, (width) => [chart(shown, { title, colors, max, width })]);
  const note = stages.length > MOST ? `${title}: the last ${MOST} of ${stages.length}` : title;
  parent.append(text('h3', note), box, legend);
}

function chart(stages, { title, colors, max, width }) {
  const height = stages.length * ROW + AXIS;
  const ticks = ticksOf(max, width < 500 ? 3 : 8);
  const scale = (ms) => (ms / ticks.at(-1)) * (width - 1);
  const root = svg('svg', {
    class: 'chart',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': `${title}: the table has the same numbers`,
  });
  for (const tick of ticks) {
    const x = scale(tick);
    const anchor = tick === 0 ? 'start' : tick === ticks.at(-1) ? 'end' : 'middle';
    root.append(
      svg('line', { x1: x, x2: x, y1: 0, y2: height - AXIS, class: 'grid' }),
      svg('text', { x, y: height - 5, 'text-anchor': anchor, class: 'tick' }, durationText(tick)),
    );
  }
  stages.forEach((stage, place) => root.append(rowOf(stage, { y: place * ROW, scale, colors })));
  return root;
}

function rowOf(stage, { y, scale, colors }) {
  const { key, durationMs, phases, end } = stage;
  const row = svg('g', {});
  const result = end === 'done' ? '' : `, ${endText(stage)}`;
  const label = `${key.slice(0, 12)}, ${timeText(stage)}: ${durationText(durationMs)}${result}`;
  row.append(svg('text', { x: 0, y: y + LABEL - 5, class: 'label' }, label));
  const parts = phases.length === 0 ? [{ name: 'phases are not recorded', durationMs }] : phases;
  let atMs = 0;
  for (const part of parts) {
    const [x, width] = [scale(atMs), scale(part.durationMs)];
    atMs += part.durationMs;
    const bar = {
      x,
      y: y + LABEL,
      width: Math.max(0, width - 0.5),
      height: BAR,
      class: colors.get(part.name) ?? 'unknown',
    };
    row.append(svg('g', {}, svg('rect', bar), tip(`${part.name}: ${durationText(part.durationMs)}`)));
    const content = [`${part.name} ${durationText(part.durationMs)}`, part.name].find(
      ({ length }) => length * CHARACTER < width - 8,
    );
    if (content !== undefined)
      row.append(svg('text', { x: x + 4, y: y + LABEL + BAR / 2 + 4, class: 'inside' }, content));
  }
  return row;
}
