import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { cygwinCommands } from '../../../src/guest/cygwin/commands.ts';
import { configureScript } from '../../../src/guest/cygwin/configure.ts';
import { VERIFY_SCRIPT, verifyFiles } from '../../../src/guest/cygwin/verify.ts';
import { runScript, savedEnvironment } from '../../../src/guest/run-script.ts';
import { describeWith } from '../../support/qemu.ts';

const { connectShares, reachShares = '', connectDrives, storeNumber, readNumber, ...rest } = cygwinCommands('cygstrap');

/** Everything that a shell of Cygwin runs, by name. The oldest Cygwin of a guest has bash 3.2. */
const SCRIPTS: readonly (readonly [name: string, text: string])[] = [
  ['verify.sh', verifyFiles([]).get(VERIFY_SCRIPT) ?? ''],
  ['configure.sh', configureScript('cygstrap')],
  ['run.sh', runScript({ directory: '/xchg/run-1', argv: ['make', "it's"] })],
  ['saved-env', savedEnvironment({ A: "it's", B: 'x y' })],
  ['connectShares', connectShares],
  ['reachShares', reachShares],
  ['connectDrives', connectDrives?.(new Map([['Z', 'xchg']])) ?? ''],
  ['storeNumber', storeNumber('123')],
  ['readNumber', readNumber],
  ['setClock', rest.setClock(0)],
  ['readClock', rest.readClock],
  ['runScript', rest.runScript('run-1/run.sh')],
  ['shutdown', rest.shutdown],
];

/** What bash has learned after 3.2, and an example of each. */
const NEWER: readonly (readonly [what: string, version: string, pattern: RegExp, example: string])[] = [
  ['associative arrays', '4.0', /\b(?:declare|typeset|local)\s+-\w*A/, 'declare -A map'],
  ['mapfile', '4.0', /\b(?:mapfile|readarray)\b/, 'mapfile -t lines <file'],
  ['the case of a value', '4.0', /\$\{\w+(?:\[[^\]]*\])?(?:\^|,)/, 'echo ${name^^}'],
  ['|&', '4.0', /\|&/, 'make |& tee log'],
  ['&>>', '4.0', /&>>/, 'make &>>log'],
  ['coproc', '4.0', /\bcoproc\b/, 'coproc cat'],
  [';& and ;;&', '4.0', /;&/, 'case $x in a) echo ;& esac'],
  ['globstar', '4.0', /\bglobstar\b|\*\*\//, 'shopt -s globstar'],
  ['BASHPID', '4.0', /\bBASHPID\b/, 'kill $BASHPID'],
  ['read with a fraction, or -i or -N', '4.0', /\bread\s+(?:-\w+\s+)*-(?:\w*[iN]|t\s*\d*\.)/, 'read -r -t 0.5 line'],
  ['steps and zeros in a range', '4.0', /\{\d+\.\.\d+\.\.\d+\}|\{0\d+\.\./, 'echo {1..9..2}'],
  ['a named file descriptor', '4.1', /\{\w+\}[<>]/, 'exec {lock}>file'],
  ['negative indexes', '4.2', /\$\{\w+\[-\d/, 'echo ${list[-1]}'],
  ['a negative length', '4.2', /\$\{\w+:[^}:]*:\s*-\d/, 'echo ${name:0:-1}'],
  ['[[ -v', '4.2', /(?:\[\[?|test)\s+(?:!\s+)?-v\s/, '[[ -v name ]]'],
  ['printf %(...)T', '4.2', /%(?:-?\d*)\([^)]*\)T/, "printf '%(%F)T' -1"],
  ['declare -g', '4.2', /\b(?:declare|typeset)\s+-\w*g/, 'declare -g name=1'],
  ['lastpipe', '4.2', /\blastpipe\b/, 'shopt -s lastpipe'],
  ['\\u in a string', '4.2', /\$'[^']*\\[uU]/, "echo $'\\u20ac'"],
  ['wait -n', '4.3', /\bwait\s+-n/, 'wait -n'],
  ['references', '4.3', /\b(?:declare|typeset|local)\s+-\w*n/, 'local -n other=$1'],
  ['${x@Q}', '4.4', /\$\{\w+(?:\[[^\]]*\])?@[QEPAaKkULu]\}/, 'echo ${name@Q}'],
  ['local -', '4.4', /\blocal\s+-(?:\s|$)/m, 'local -'],
  ['EPOCHSECONDS, SRANDOM', '5.0', /\b(?:EPOCH(?:SECONDS|REALTIME)|SRANDOM)\b/, 'echo $EPOCHSECONDS'],
  ['${ command; }', '5.3', /\$\{[\s|]/, 'echo ${ date; }'],
];

/** Returns a script without comments of whole lines. */
const withoutComments = (text: string): string => text.replaceAll(/^\s*#.*$/gm, '');

describe('the scripts for Cygwin use nothing newer than bash 3.2', () => {
  test.each(NEWER)('%s (%s)', (_what, _version, pattern, example) => {
    expect(example).toMatch(pattern);
    for (const [name, text] of SCRIPTS) {
      expect(text, name).not.toBe('');
      expect(pattern.exec(withoutComments(text))?.[0], name).toBeUndefined();
    }
  });
});

describeWith(['bash', 'dash', 'busybox'], 'the scripts for Cygwin are parsed by other shells', () => {
  test.each([['bash'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']])('%s %s', (...shell) => {
    const [program = '', ...options] = shell.filter((word) => word !== undefined);
    for (const [name, text] of SCRIPTS) {
      const { status, stderr } = spawnSync(program, [...options, '-n'], { input: text, encoding: 'utf8' });
      expect([name, status, stderr]).toEqual([name, 0, '']);
    }
  });
});
