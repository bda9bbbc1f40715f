import { durationText } from '../text.ts';
import { text } from './elements.js';
import { endText, timeText } from './times.js';
import { showChart, svg, ticksOf, tip } from './svg.js';

const PLOT = 110;
const AXIS = 20;
const TOP = 8;
/** Space for the numbers of the axis. */
const LEFT = 64;
/** Least width that has room for two dates. */
const TWO_DATES = 290;
/** Least and most width of a run. */
const LEAST = 6;
const MOST = 24;

/** Kinds of runs, by the class of their color. */
export const RUN_KINDS = [
  ['ok', 'exit code 0'],
  ['code', 'another exit code'],
  ['broken', 'failed or interrupted'],
  ['cold', 'the disk was booted'],
];

function kindOf({ end, code, isCold }) {
  if (end !== 'done') return 'broken';
  if (code !== 0) return 'code';
  return isCold ? 'cold' : 'ok';
}

/** Shows one time of the runs, oldest first, as columns. `durationOf` returns milliseconds; null if a run lacks it. */
export function showRuns(parent, title, runs, durationOf) {
  const box = text('div', '');
  showChart(box, (width) => [text('h3', title), chart(title, runs, durationOf, width)]);
  parent.append(box);
}

function chart(title, runs, durationOf, width) {
  const room = width - LEFT;
  const shown = runs.slice(-Math.floor(room / LEAST));
  const step = Math.min(MOST, room / Math.max(1, shown.length));
  const ticks = ticksOf(Math.max(1, ...shown.map((run) => durationOf(run) ?? 0)), 4);
  const scale = (ms) => (ms / ticks.at(-1)) * PLOT;
  const bottom = TOP + PLOT;
  const root = svg('svg', {
    class: 'chart',
    viewBox: `0 0 ${width} ${bottom + AXIS}`,
    role: 'img',
    'aria-label': `${title} of runs: the table has the same numbers`,
  });
  for (const tick of ticks) {
    const y = bottom - scale(tick);
    root.append(
      svg('line', { x1: LEFT, x2: width, y1: y, y2: y, class: 'grid' }),
      svg('text', { x: LEFT - 6, y: y + 4, 'text-anchor': 'end', class: 'tick' }, durationText(tick)),
    );
  }
  shown.forEach((run, place) => {
    const ms = durationOf(run);
    if (ms === null) return;
    const height = Math.max(1, scale(ms));
    const column = { x: LEFT + place * step + 0.5, y: bottom - height, width: step - 1, height, class: kindOf(run) };
    root.append(svg('g', {}, svg('rect', column), tip(`${timeText(run)}: ${durationText(ms)}, ${endText(run)}`)));
  });
  const end = LEFT + shown.length * step;
  const edges = [
    [shown[0], { x: LEFT, 'text-anchor': 'start' }],
    [end - LEFT > TWO_DATES ? shown.at(-1) : undefined, { x: end, 'text-anchor': 'end' }],
  ];
  for (const [run, place] of edges)
    if (run !== undefined) root.append(svg('text', { ...place, y: bottom + 15, class: 'tick' }, timeText(run)));
  return root;
}
