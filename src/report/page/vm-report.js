// The page of `cygstrap vm report`. It is bundled into one script, and needs nothing but the data in its document.
import { countText, durationText } from '../text.ts';
import { byId, text } from './elements.js';
import { RUN_KINDS, showRuns } from './run-chart.js';
import { showStages } from './stage-chart.js';
import { legendEntry } from './svg.js';
import { SortableTable, byText } from './table.js';
import { endText, medianOf, phaseOf, timeText } from './times.js';

const { times } = JSON.parse(byId('data').textContent);
const runs = times.filter(({ activity }) => activity === 'run');
const attempts = times.filter(({ activity }) => activity !== 'run');

const RUN_TIMES = [
  { key: 'resume', title: 'Resume', of: (run) => phaseOf(run, 'resume') },
  { key: 'output', title: 'First output', of: ({ firstOutputMs }) => firstOutputMs },
  { key: 'command', title: 'Command', of: (run) => phaseOf(run, 'command') },
  { key: 'power-off', title: 'Power-off', of: (run) => phaseOf(run, 'power-off') },
];

const started = {
  key: 'started',
  title: 'Started',
  order: (a, b) => a.startedMs - b.startedMs,
  cell: timeText,
  isDescending: true,
};

const end = { key: 'end', title: 'End', order: (a, b) => endText(a).localeCompare(endText(b), 'en'), cell: endText };

function durationColumn(key, title, of) {
  return {
    key,
    title,
    order: (a, b) => (of(a) ?? -1) - (of(b) ?? -1),
    cell: (item) => (of(item) === null ? '' : durationText(of(item))),
    isDescending: true,
  };
}

const keyColumn = (title) => ({ key: 'key', title, order: byText('key'), cell: ({ key }) => key.slice(0, 12) });

const guest = { key: 'guest', title: 'Guest', order: byText('guest') };

function showFacts() {
  const facts = [
    ['Stages', `${new Set(attempts.filter(({ end }) => end === 'done').map(({ key }) => key)).size}`],
    ['Attempts to make a stage', `${attempts.length}`],
    ['Runs', `${runs.length}`],
    ...RUN_TIMES.flatMap(({ title, of }) => {
      const median = medianOf(runs.map(of));
      return median === null ? [] : [[`Median of ${title.toLowerCase()}`, durationText(median)]];
    }),
  ];
  byId('facts').append(
    ...facts.map(([term, value]) => {
      const fact = document.createElement('div');
      fact.append(text('dt', term), text('dd', value));
      return fact;
    }),
  );
}

function showAllRuns() {
  byId('runs').hidden = false;
  const keys = [...new Set(runs.map(({ key }) => key))];
  byId('snapshot').append(new Option('all', ''), ...keys.map((key) => new Option(key.slice(0, 12), key)));
  byId('runs-legend').append(...RUN_KINDS.map(([className, name]) => legendEntry(className, name)));
  const table = new SortableTable(byId('runs-table'), {
    columns: [
      started,
      keyColumn('Snapshot'),
      guest,
      end,
      durationColumn('total', 'Total', ({ durationMs }) => durationMs),
      ...RUN_TIMES.map(({ key, title, of }) => durationColumn(key, title, of)),
    ],
    sorted: 'started',
    more: byId('runs-more'),
  });
  const update = () => {
    const key = byId('snapshot').value;
    const shown = key === '' ? runs : runs.filter((run) => run.key === key);
    byId('runs-count').textContent = countText(shown.length, 'run');
    byId('runs-charts').replaceChildren();
    for (const { title, of } of RUN_TIMES) showRuns(byId('runs-charts'), title, shown, of);
    table.show(shown);
  };
  byId('snapshot').addEventListener('change', update);
  update();
}

function showAllStages() {
  byId('stages').hidden = false;
  const charts = byId('stages-charts');
  showStages(
    charts,
    'Installations',
    attempts.filter(({ activity }) => activity === 'install'),
  );
  showStages(
    charts,
    'Snapshots',
    attempts.filter(({ activity }) => activity === 'snapshot'),
  );
  const rows = attempts.flatMap((stage) => {
    const { phases, durationMs } = stage;
    return [{ name: 'total', durationMs }, ...phases].map((phase) => ({
      ...stage,
      phase: phase.name,
      phaseMs: phase.durationMs,
    }));
  });
  const table = new SortableTable(byId('stages-table'), {
    columns: [
      started,
      { key: 'activity', title: 'Stage', order: byText('activity') },
      keyColumn('Key'),
      guest,
      end,
      { key: 'phase', title: 'Phase', order: byText('phase') },
      durationColumn('duration', 'Duration', ({ phaseMs }) => phaseMs),
    ],
    sorted: 'started',
    more: byId('stages-more'),
  });
  table.show(rows);
}

showFacts();
if (runs.length > 0) showAllRuns();
if (attempts.length > 0) showAllStages();
byId('nothing').hidden = times.length > 0;
