// Writes the manual page from the declarations of the commands, which the help prints too.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const { COMMANDS } = await import('../dist/cli/commands.js');
const dir = fileURLToPath(new URL('../dist/man/', import.meta.url));

/** Returns a text for troff: no line begins with a control character. */
const text = (/** @type {string} */ words) =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('"', '\\(dq')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');

const lines = [
  '.TH CYGSTRAP 1',
  '.SH NAME',
  "cygstrap \\- plans what Cygwin's setup would install, and makes repos that it installs from",
  '.SH SYNOPSIS',
  '.B cygstrap',
  '.I COMMAND',
  '[options]',
  '.SH COMMANDS',
  ...COMMANDS.flatMap(({ name, summary, positionals, options, examples }) => [
    `.SS ${text(`cygstrap ${name}`)}`,
    `${text(summary)}.`,
    ...Object.entries(positionals).flatMap(([each, { help }]) => ['.TP', `.I ${text(each)}`, text(help)]),
    ...Object.entries(options).flatMap(([each, { valueName, short, help, default: shown }]) => {
      const names = short === undefined ? `--${each}` : `-${short}, --${each}`;
      return [
        '.TP',
        `.B ${text(valueName === undefined ? names : `${names} ${valueName}`)}`,
        text(shown === undefined ? help : `${help} [default: ${shown}]`),
      ];
    }),
    ...examples.flatMap(([line, what]) => ['.TP', `.B ${text(`cygstrap ${line}`)}`, text(what)]),
  ]),
  '.SH EXIT STATUS',
  '0 done, 1 the answer is no, 2 usage, 3 a file or the network failed, 4 a bug in cygstrap, 130 interrupted.',
];
mkdirSync(dir, { recursive: true });
writeFileSync(`${dir}cygstrap.1`, `${lines.join('\n')}\n`);
