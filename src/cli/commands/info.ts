import type { PackageInfo, VersionInfo } from '../../api/info.ts';
import { printableLine } from '../../printable.ts';
import { columns, countText, sizeText } from '../../report/text.ts';
import { defineCommand, one } from '../options/declare.ts';
import { EXIT_DONE, EXIT_NO, reportFailure } from '../terminal/failure.ts';
import { INDEX_OPTIONS, cacheOf } from '../options/options.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { reporter } from '../terminal/reporter.ts';
import type { IndexArguments } from '../options/options.ts';
import { openCatalog } from '../terminal/open-catalog.ts';
import type { Session } from '../terminal/session.ts';

export const infoCommand = defineCommand({
  name: 'info',
  summary: 'Print the description, versions and dependencies of one package',
  positionals: { package: one('Name of the package') },
  options: INDEX_OPTIONS,
  examples: [['info openssh --index setup.xz', 'description, versions, dependencies']],
  run: print,
});

async function print(session: Session, args: IndexArguments & { readonly package: string }): Promise<number> {
  const loaded = await openCatalog(session, args, { digest: args.json });
  const { packageInfo, unknownPackage } = await import('../../api/info.ts');
  const found = packageInfo(loaded, args.package);
  if (found === undefined) {
    const context = { ...cacheOf(args), env: session.host.env, report: reporter(session.output, args) };
    const error = await interruptible((signal) => unknownPackage(loaded.catalog, args.package, { ...context, signal }));
    await reportFailure(error, session.output, args.json ? 'json' : 'text');
    return EXIT_NO;
  }
  if (args.json) {
    const { archiveJson, envelope } = await import('../../report/json.ts');
    const versions = found.versions.map(({ archive, source, ...version }) => ({
      ...version,
      archive: archiveJson(archive),
      ...(source === undefined ? {} : { source: { ...source, archive: archiveJson(source.archive) } }),
    }));
    await session.output.json({ ...envelope(loaded.indexes), package: { ...found, versions } });
  } else await session.output.data(await infoText(found));
  return EXIT_DONE;
}

/** Versions in the text. */
const MOST_VERSIONS = 8;

async function infoText(found: PackageInfo): Promise<string> {
  const { dependenciesText } = await import('../../report/dependencies.ts');
  const head = columns([
    ['package:', found.name],
    ['summary:', found.sdesc],
    ['categories:', found.categories.join(', ')],
    ['required by:', countText(found.requiredBy.length, 'package')],
    ...(found.providedBy.length === 0 ? [] : [['provided by:', found.providedBy.join(', ')]]),
    ...(found.replaceVersions.length === 0 ? [] : [['withdrawn:', found.replaceVersions.join(', ')]]),
  ]);
  const versions = found.versions.slice(0, MOST_VERSIONS).map((version) => versionText(version, dependenciesText));
  const more = found.versions.length - versions.length;
  if (more > 0) versions.push(`${countText(more, 'older version')}: \`--json\` prints all\n`);
  const texts = [found.ldesc, found.message === undefined ? '' : `message: ${found.message.text}`];
  // The texts of an index with CR LF contain it as well.
  const paragraphs = texts.filter((text) => text !== '').map((text) => `\n${text.replaceAll('\r\n', '\n')}\n`);
  return `${head}${paragraphs.join('')}\n${versions.join('\n')}`;
}

function versionText(version: VersionInfo, listText: (dependencies: VersionInfo['depends']) => string): string {
  const lists = (['depends', 'obsoletes', 'provides', 'conflicts', 'buildDepends'] as const).flatMap((name) =>
    version[name].length === 0 ? [] : [[`  ${LABELS[name]}`, listText(version[name])]],
  );
  const title = `${version.version} [${version.section}]${version.isCurrent ? ' current' : ''}`;
  return (
    `${printableLine(title)}\n` +
    columns([
      ['  archive:', `${version.archive.path} (${sizeText(version.archive.sizeBytes)})`],
      ...(version.source === undefined
        ? []
        : [['  source:', `${version.source.archive.path} (${sizeText(version.source.archive.sizeBytes)})`]]),
      ...lists,
    ])
  );
}

const LABELS = {
  depends: 'requires:',
  obsoletes: 'obsoletes:',
  provides: 'provides:',
  conflicts: 'conflicts:',
  buildDepends: 'build-depends:',
} as const;
