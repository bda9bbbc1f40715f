import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tarOf } from '../support/tar.ts';
import type { RawMember } from '../support/tar.ts';
import { craftKey, craftSignature } from '../trust/support.ts';

/** A package of a made-up release of Cygwin. */
interface Package {
  readonly category: string;
  readonly depends: string;
  /** Names of programs; they are those of the Linux below. */
  readonly programs?: string;
  /** Texts by path. */
  readonly files?: Readonly<Record<string, string>>;
}

const VERSION = '1.0-1';

const PROFILE = 'PATH="/usr/local/bin:/usr/bin:$PATH"\nexport PATH\n';

/** Compiles one kind of program only: it prints a text, and exits with the number of its arguments times seven. */
const GCC = `#!/bin/sh
# Stands for the compiler.
[ "$1" != --version ] || { echo 'gcc (GNU) 13.2.0'; exit 0; }
source= target=a.exe
while [ $# -gt 0 ]; do
  case $1 in
    -o) target=$2; shift ;;
    -*) ;;
    *) source=$1 ;;
  esac
  shift
done
text=$(sed -n 's/.*puts("\\([^"]*\\)").*/\\1/p' "$source") || exit 1
[ -n "$text" ] || { echo "$source: no call of puts" >&2; exit 1; }
printf '#!/bin/sh\\necho "%s"\\nexit $(($# * 7))\\n' "$text" >"$target" && chmod +x "$target"
`;

const COREUTILS = `[ basename cat chgrp chmod chown cp cut date dd df dirname du echo env expr false fold head
  ln ls md5sum mkdir mktemp mv nproc od printf pwd readlink realpath rm rmdir seq
  sha256sum sha512sum sleep sort stat stty
  sync tac tail tee test timeout touch tr true truncate tty uniq wc who whoami`;

/** What setup always installs, and what a build machine needs; names and relations are those of Cygwin. */
const PACKAGES: Readonly<Record<string, Package>> = {
  'base-cygwin': { category: 'Base', depends: 'cygwin' },
  'base-files': {
    category: 'Base',
    depends: 'bash, coreutils, sed',
    files: { 'etc/profile': PROFILE, 'etc/postinstall/base-files.sh': '#!/bin/sh\necho base-files is here\n' },
  },
  bash: { category: 'Base Shells', depends: 'cygwin, coreutils', programs: 'bash sh' },
  coreutils: { category: 'Base', depends: 'cygwin', programs: `${COREUTILS} id install uname` },
  cygwin: { category: 'Base', depends: '', programs: 'cygcheck cygpath kill mkgroup mkpasswd passwd ps' },
  findutils: { category: 'Base', depends: 'cygwin', programs: 'find xargs' },
  gawk: { category: 'Base', depends: 'cygwin', programs: 'awk gawk' },
  grep: { category: 'Base', depends: 'cygwin', programs: 'grep egrep fgrep' },
  gzip: { category: 'Base', depends: 'bash, cygwin', programs: 'gzip gunzip zcat' },
  sed: { category: 'Base', depends: 'cygwin', programs: 'sed' },
  tar: { category: 'Base', depends: 'cygwin', programs: 'tar' },
  'util-linux': { category: 'Base', depends: 'cygwin', programs: 'more setsid' },
  which: { category: 'Base', depends: 'cygwin', programs: 'which' },
  csih: { category: 'Utils', depends: 'bash, cygwin' },
  cygrunsrv: { category: 'Admin', depends: 'cygwin', programs: 'cygrunsrv' },
  editrights: { category: 'Admin', depends: 'cygwin' },
  openssh: { category: 'Net', depends: 'csih, cygrunsrv, cygwin, editrights', programs: 'ssh ssh-keygen ../sbin/sshd' },
  'gcc-core': { category: 'Devel', depends: 'cygwin, bash, sed', files: { 'usr/bin/gcc': GCC } },
  make: { category: 'Devel', depends: 'cygwin', files: { 'usr/bin/make': '#!/bin/sh\necho "GNU Make 4.4.1"\n' } },
};

/** Programs that are scripts in `windows/`, or that Linux has at another place or by another name. */
const SCRIPTS = 'cygcheck cygpath cygrunsrv id install mkgroup mkpasswd passwd sshd uname'.split(' ');
const OTHER_NAMES: Readonly<Record<string, string>> = { gawk: 'awk', sh: 'bash' };

function membersOf(name: string, { programs = '', files = {} }: Package): readonly RawMember[] {
  const links = programs.split(/\s+/).flatMap((program): RawMember[] => {
    const base = program.replace(/.*\//, '');
    const place = SCRIPTS.includes(base) ? 'sbin' : 'bin';
    const linkname = `/opt/linux/${place}/${OTHER_NAMES[base] ?? base}`;
    return program === '' ? [] : [{ name: join('usr/bin', program), type: 'symlink', linkname }];
  });
  return [
    { name: `usr/share/doc/${name}/README`, bytes: `${name} of a rehearsal\n` },
    ...Object.entries(files).map(([path, text]) => ({
      name: path,
      bytes: text,
      mode: text.startsWith('#!') ? 0o755 : 0o644,
    })),
    ...links,
  ];
}

/** A site in a directory. */
export interface Release {
  readonly site: string;
  /** File of the key that signed the index and the setup program. */
  readonly keyring: string;
}

/** Writes a site with the counterfeit of Cygwin: packages, a signed index, and a signed setup program: by default one
 *  without content, which the rehearsal plays. */
export async function makeRelease(
  directory: string,
  arch: 'x86' | 'x86_64' = 'x86_64',
  program = Buffer.from('MZ: the rehearsal plays this program\n'),
): Promise<Release> {
  const site = join(directory, 'site');
  const keyring = join(directory, 'key.gpg');
  const write = (path: string, bytes: string | Uint8Array): void => {
    mkdirSync(dirname(join(site, path)), { recursive: true });
    writeFileSync(join(site, path), bytes);
  };
  const entries = await Promise.all(
    Object.entries(PACKAGES).map(async ([name, each]) => {
      const tar = await tarOf(membersOf(name, each));
      const { stdout } = spawnSync('xz', ['-c'], { input: tar });
      const path = `${arch}/release/${name}/${name}-${VERSION}.tar.xz`;
      write(path, stdout);
      return [
        `@ ${name}`,
        `sdesc: "${name} of a rehearsal"`,
        `category: ${each.category}`,
        `version: ${VERSION}`,
        `install: ${path} ${stdout.length} ${createHash('sha512').update(stdout).digest('hex')}`,
        ...(each.depends === '' ? [] : [`depends2: ${each.depends}`]),
        '',
      ].join('\n');
    }),
  );
  const now = Math.floor(Date.now() / 1000);
  const head = `release: cygwin\narch: ${arch}\nsetup-timestamp: ${now}\nsetup-version: 2.932\n`;
  const index = Buffer.from([head, ...entries].join('\n'));
  const key = craftKey('RSA');
  writeFileSync(keyring, key.file);
  const signed = { [`${arch}/setup.ini`]: index, [`setup-${arch}.exe`]: program };
  for (const [path, bytes] of Object.entries(signed)) {
    write(path, bytes);
    write(`${path}.sig`, craftSignature(bytes, key));
  }
  return { site, keyring };
}
