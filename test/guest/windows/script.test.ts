import { describe, expect, test } from 'vitest';
import { WINDOWS_KIND_NAMES } from '../../../src/core/windows/kinds.ts';
import { answerFile } from '../../../src/guest/windows/answer-file.ts';
import type { AnswerFileAnswers } from '../../../src/guest/windows/answer-file.ts';
import { scriptCall } from '../../../src/guest/windows/options.ts';
import { hasSpecialize, scriptFiles } from '../../../src/guest/windows/script.ts';
import type { ScriptOptions } from '../../../src/guest/windows/script.ts';
import { REPO_DIRECTORY } from '../../../src/guest/kind.ts';
import type { SetupCall } from '../../../src/guest/kind.ts';

const BOTH = { specialize: true, logon: true };

const SETUP: SetupCall = {
  program: 'setup-x86_64.exe',
  arch: 'x86_64',
  packages: 12,
  arguments: ['--quiet-mode', '--local-package-dir', REPO_DIRECTORY, '--packages', 'openssh,cygrunsrv'],
};

function textOf(options: ScriptOptions, name = 'cygstrap.cmd'): string {
  return new TextDecoder().decode(scriptFiles(options).get(name));
}

function linesOf(options: ScriptOptions): string[] {
  return textOf(options).split('\r\n');
}

test('the answer medium gets the script and the marker file, in ASCII with CR LF', () => {
  const files = scriptFiles({ kind: 'windows-11', nonce: 'n0nce', commands: BOTH, setup: SETUP });
  expect([...files.keys()]).toEqual(['cygstrap.cmd', 'cygstrap.id']);
  for (const bytes of files.values()) {
    const text = Buffer.from(bytes).toString('latin1');
    expect(text).toMatch(/^(?:[ -~]+\r\n)+$/);
  }
  expect(textOf({ kind: 'windows-11', nonce: 'n0nce', setup: SETUP }, 'cygstrap.id')).toBe('nonce=n0nce\r\n');
});

/** Returns the programs that the lines of a script run. */
function programsOf(lines: readonly string[]): Set<string> {
  const builtIn =
    /^(?:@echo|setlocal|set|call|goto|exit|pushd|popd|type|echo|mkdir|del|ren|:\w+|>>?(?:COM1|"[^"]+") echo)(?: |$)/;
  const commands = lines.flatMap((line) => {
    const inFor = /in \('(.*?)'\)/.exec(line)?.[1] ?? [];
    let rest = line.trim();
    for (let before = ''; before !== rest;) {
      before = rest;
      rest = rest
        .replace(
          /^if (?:\/i )?(?:not )?(?:exist (?:"[^"]*"|\S+)|defined \w+|errorlevel \d+|\S+ gtr \S+|"[^"]*"=="[^"]*") /,
          '',
        )
        .replace(/^for .*? in \((?:'[^']*'|"[^"]*"|[^)]*)\) do \(?/, '')
        .replace(/^call (?=:run )/, '')
        .replace(/^:run /, '')
        .replace(/^call (?!:|%)/, '');
    }
    return [rest, inFor].flat();
  });
  return new Set(commands.filter((each) => each !== '' && !builtIn.test(each)).map((each) => each.split(' ')[0] ?? ''));
}

test.each(WINDOWS_KIND_NAMES)('the script for %s uses only programs that this Windows has', (kind) => {
  const own = ['"%repo%setup-x86_64.exe"', '"%root%\\bin\\bash.exe"'];
  const common = [
    'mode',
    'reg',
    'shutdown',
    'cmd.exe',
    'net',
    'netsh',
    'sc',
    'powercfg',
    'ping.exe',
    'start',
    'taskkill',
  ];
  const modern = ['route', 'bcdedit', 'schtasks'];
  const programs = programsOf(linesOf({ kind, nonce: 'n0nce', commands: BOTH, setup: SETUP }));
  const isLegacy = kind === 'windows-xp' || kind === 'windows-2003';
  expect(programs).toEqual(new Set([...own, ...common, ...(isLegacy ? [] : modern)]));
});

test.each([
  ['windows-11', 'specialize'],
  ['windows-2008r2', 'logon'],
] as const)('drivers of the user are installed in %s in the phase %s', (kind, phase) => {
  const lines = linesOf({ kind, nonce: 'n', hasDrivers: true, setup: SETUP });
  const at = lines.indexOf('call :step drivers');
  const label = lines.slice(0, at).findLast((line) => /^:(?:specialize|logon)$/.test(line));
  expect([label, lines.filter((line) => line === 'call :step drivers')]).toEqual([`:${phase}`, ['call :step drivers']]);
  expect(linesOf({ kind, nonce: 'n', setup: SETUP })).not.toContain('call :step drivers');
});

const script = linesOf({ kind: 'windows-11', nonce: 'n0nce', commands: BOTH, setup: SETUP });

test('a list of packages can be as long as cmd can read, and is refused if it is longer', () => {
  const setupOf = (length: number): SetupCall => ({ ...SETUP, arguments: ['--packages', 'a'.repeat(length)] });
  const longest = linesOf({ kind: 'windows-10', nonce: 'n', setup: setupOf(7800) });
  expect(Math.max(...longest.map((line) => line.length))).toBeGreaterThan(7900);
  expect(() => linesOf({ kind: 'windows-10', nonce: 'n', setup: setupOf(8000) })).toThrow(
    'too many packages for one call of setup on Windows',
  );
});

test('each label exists once, and each jump has a label', () => {
  const labels = script.filter((line) => line.startsWith(':'));
  expect(labels).toEqual([...new Set(labels)]);
  const targets = script.flatMap((line) =>
    [...line.matchAll(/(?:goto |call :step |call :)(\w+)/g)].map(([, target]) => `:${target}`),
  );
  expect(targets.filter((target) => !labels.includes(target))).toEqual([]);
  const others = ['step', 'complete', 'system', 'logon', 'profile'].map((name) => `:${name}`);
  expect(labels.filter((label) => !targets.includes(label) && !others.includes(label))).toEqual([]);
});

test('a message on COM1 has none of the characters that cmd interprets', () => {
  const variables = /%(?:step|reason|count|\*)%?/g;
  const messages = script.flatMap((line) => /(?:call :report|call :tell|>COM1 echo) (.*)$/.exec(line)?.[1] ?? []);
  expect(messages.length).toBeGreaterThan(5);
  for (const message of messages) expect(message.replaceAll(variables, '')).toMatch(/^[\w@:/ -]*$/);
});

test.each(['', 'a b', 'a%b', 'a&b', 'ä', 'a\r\nshutdown', 'a'.repeat(101)])('refuses the nonce %j', (nonce) => {
  expect(() => scriptFiles({ kind: 'windows-11', nonce, setup: SETUP })).toThrow(TypeError);
});

describe.each(WINDOWS_KIND_NAMES)('the script for %s', (kind) => {
  test('bypasses the checks of Setup only for Windows 11', () => {
    const values = linesOf({ kind, nonce: 'n', setup: SETUP }).flatMap(
      (line) => /\/v (Bypass\w+) \/t REG_DWORD \/d 1/.exec(line)?.[1] ?? [],
    );
    const all = ['TPM', 'SecureBoot', 'RAM', 'CPU', 'Storage'].map((name) => `Bypass${name}Check`);
    expect(values).toEqual(kind === 'windows-11' ? all : []);
  });

  test('has a phase `specialize` only if the answers call it then', () => {
    const isCalled =
      kind !== 'windows-xp' && kind !== 'windows-2003' && answerFile(answers(kind)).includes(scriptCall('specialize'));
    expect(hasSpecialize(kind)).toBe(isCalled);
  });
});

function answers(kind: AnswerFileAnswers['kind']): AnswerFileAnswers {
  return {
    kind,
    arch: 'amd64',
    firmware: 'bios',
    edition: 1,
    uiLanguage: 'en-US',
    locale: 'en-US',
    timeZone: 'UTC',
    computerName: 'CYGSTRAP',
    password: 'Secret-1',
  };
}
