import { readFileSync, readdirSync } from 'node:fs';

/** What a case expects of one request. */
export interface Expectation {
  readonly line: number;
  readonly words: readonly string[];
  plan?: string;
  sources?: string;
  refuse?: string;
  readonly leftOut: string[];
  readonly warnings: string[];
  readonly because: string[];
  readonly says: string[];
  readonly hints: string[];
}

export interface Case {
  readonly file: string;
  readonly title: string;
  /** The universe as setup.ini text. */
  readonly index: string;
  readonly requests: readonly Expectation[];
}

const DIGEST = 'a'.repeat(128);
const KEYS: Readonly<Record<string, string>> = {
  requires: 'depends2',
  provides: 'provides',
  obsoletes: 'obsoletes',
  conflicts: 'conflicts',
  'build-depends': 'build-depends',
};

/** Reads fixtures/resolve/cases/*.txt; throws for a line it does not know and for a request that expects nothing. */
export function readCases(): Case[] {
  const folder = 'fixtures/resolve/cases';
  return readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .sort()
    .flatMap((name) => readFile(`${folder}/${name}`));
}

function readFile(file: string): Case[] {
  const cases: Case[] = [];
  let start = 1;
  for (const text of readFileSync(file, 'utf8').split(/^---\n/m)) {
    cases.push(readCase(file, start, text.split('\n')));
    start += text.split('\n').length;
  }
  return cases;
}

function readCase(file: string, start: number, lines: readonly string[]): Case {
  const title = lines[0]?.startsWith('# ') === true ? lines[0].slice(2) : '';
  if (title === '') throw new Error(`${file}:${start}: a case starts with a comment saying why it exists`);
  const packages = new Map<string, string[]>();
  const requests: Expectation[] = [];
  lines.forEach((line, i) => {
    const at = `${file}:${start + i}`;
    const [, word = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const current = requests.at(-1);
    if (word === '' || word.startsWith('#')) return;
    if (word === 'package') addPackage(at, rest, packages);
    else if (word === 'request') {
      requests.push({
        line: start + i,
        words: rest.split(' ').filter((each) => each !== ''),
        leftOut: [],
        warnings: [],
        because: [],
        says: [],
        hints: [],
      });
    } else if (current === undefined) throw new Error(`${at}: no request above \`${line}\``);
    else if (word === 'plan') current.plan = rest;
    else if (word === 'sources') current.sources = rest;
    else if (word === 'refuse') current.refuse = rest;
    else if (word === 'left-out') current.leftOut.push(rest);
    else if (word === 'warning') current.warnings.push(rest);
    else if (word === 'because') current.because.push(rest);
    else if (word === 'says') current.says.push(rest);
    else if (word === 'hint') current.hints.push(rest);
    else throw new Error(`${at}: unknown line \`${line}\``);
  });
  for (const { line, plan, refuse } of requests) {
    if ((plan === undefined) === (refuse === undefined))
      throw new Error(`${file}:${line}: a request is followed by either plan or refuse`);
  }
  if (requests.length === 0) throw new Error(`${file}:${start}: a case without request asserts nothing`);
  return { file, title, index: [...packages.values()].map((each) => `${each.join('\n')}\n`).join('\n'), requests };
}

function addPackage(at: string, text: string, packages: Map<string, string[]>): void {
  const match = /^(\S+) (\S+)(?: \[(\w+)\])?(?: \{([^}]*)\})?(?: (.*))?$/.exec(text);
  if (match === null) throw new Error(`${at}: cannot read \`package ${text}\``);
  const [, name = '', version = '', section = 'curr', categories, lists = ''] = match;
  let lines = packages.get(name);
  if (lines === undefined) {
    lines = [`@ ${name}`, `sdesc: "${name}"`];
    if (categories !== undefined) lines.push(`category: ${categories.replaceAll(',', ' ')}`);
    packages.set(name, lines);
    if (section !== 'curr') lines.push(`[${section}]`);
  } else lines.push(`[${section}]`);
  const path = `x86_64/release/${name}/${name}-${version}`;
  lines.push(`version: ${version}`, `install: ${path}.tar.xz 100 ${DIGEST}`);
  for (const list of lists.split(';').map((each) => each.trim())) {
    if (list === '') continue;
    if (list === 'source') {
      lines.push(`source: ${path}-src.tar.xz 200 ${DIGEST}`);
      continue;
    }
    const [key = '', value = ''] = list.split(/:\s*/);
    const written = KEYS[key];
    if (written === undefined) throw new Error(`${at}: unknown list \`${key}\``);
    lines.push(`${written}: ${value}`);
  }
}
