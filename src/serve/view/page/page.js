// The page of `cygstrap vm view`. noVNC comes from the installed package, through the same server.
import RFB from './novnc/core/rfb.js';

const CONSOLE_LINES = 2000;
const RETRY_MS = 2000;

const byId = (id) => document.getElementById(id);
const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });

// The token in the address is used up; a reload sends the cookie.
history.replaceState(null, '', './');

let machine;
let viewer;
let hasEnded = false;

function setStatus(status) {
  byId('status').textContent = status;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function sizeText(bytes) {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power < 2 ? 0 : 1)} ${UNITS[power]}`;
}

function timeText(ms) {
  return new Date(ms).toLocaleString();
}

function showState(state) {
  const isFirst = machine === undefined;
  machine = state.machine;
  const { activity, name, guest, key, startedMs, isControlled, hasScreen } = machine;
  document.title = `cygstrap ${activity} ${name}`;
  byId('activity').textContent = activity;
  const facts = { Machine: name, Guest: guest, Stage: key.slice(0, 12), Started: timeText(startedMs) };
  byId('machine').replaceChildren(
    ...Object.entries(facts).map(([term, value]) => {
      const fact = document.createElement('div');
      fact.append(text('dt', term), text('dd', value));
      return fact;
    }),
  );
  const rows = state.stages.map(({ key: stageKey, stage, madeMs, usedBytes, isInUse, madeOf }) => {
    const row = document.createElement('tr');
    const cells = [stageKey.slice(0, 12), stage, timeText(madeMs), sizeText(usedBytes), isInUse ? 'in use' : '-'];
    row.append(...[...cells, madeOf].map((cell) => text('td', cell)));
    return row;
  });
  const none = document.createElement('tr');
  none.append(Object.assign(text('td', 'No stages yet'), { colSpan: 6 }));
  byId('stages').replaceChildren(...(rows.length > 0 ? rows : [none]));
  if (!hasScreen) byId('control').textContent = 'This machine has no screen.';
  else if (isControlled) byId('control').textContent = 'Click into the screen to send keys and mouse.';
  else
    byId('control').replaceChildren(
      'Keys and mouse are off. To use them: ',
      text('code', 'cygstrap vm view --control'),
    );
  byId('keys').hidden = !isControlled || !hasScreen;
  if (isFirst && hasScreen) connect();
}

function connect() {
  viewer = new RFB(byId('screen'), new URL('screen', location.href.replace('http', 'ws')).href, { shared: true });
  viewer.viewOnly = !machine.isControlled;
  viewer.scaleViewport = true;
  viewer.addEventListener('connect', () => setStatus('Live'));
  viewer.addEventListener('disconnect', () => {
    viewer = undefined;
    if (hasEnded) return;
    setStatus('The screen is not connected; trying again');
    setTimeout(connect, RETRY_MS);
  });
}

const output = byId('console');
/** The text after the last line end. */
let open = document.createTextNode('');
output.append(open);

function showConsole({ lines, open: rest }) {
  const isAtEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 8;
  for (const line of lines) open.before(`${line}\n`);
  open.data = rest;
  while (output.childNodes.length > CONSOLE_LINES) output.firstChild.remove();
  if (isAtEnd) output.scrollTop = output.scrollHeight;
}

byId('keys').addEventListener('click', () => viewer?.sendCtrlAltDel());

const events = new EventSource('events');
events.addEventListener('open', () => {
  // A new connection sends the end of the console again.
  output.replaceChildren(open);
  if (machine === undefined || !machine.hasScreen) setStatus('Live');
});
events.addEventListener('error', () => {
  if (!hasEnded) setStatus('cygstrap does not respond; it may have ended');
});
events.addEventListener('state', ({ data }) => showState(JSON.parse(data)));
events.addEventListener('console', ({ data }) => showConsole(JSON.parse(data)));
events.addEventListener('end', ({ data }) => {
  hasEnded = true;
  events.close();
  setStatus(data === '"ended"' ? 'The machine has ended' : '`cygstrap vm view` was stopped');
});
