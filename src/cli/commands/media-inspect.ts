import type { MediaInspectResult } from '../../api/media-inspect.ts';
import { columns, countText, sizeText } from '../../report/text.ts';
import { defineCommand, flag, one, parsed } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { sha256Hex } from '../options/windows.ts';
import { pathOf } from '../options/path.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { ProgressView } from '../terminal/progress-view.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = {
  sha256: flag('Read the whole image for its SHA-256, which is kept for the next time'),
  'iso-sha256': parsed('HEX', 'Refuse an image with another SHA-256', sha256Hex),
  ...OUTPUT_OPTIONS,
};

export const mediaInspectCommand = defineCommand({
  name: 'media inspect',
  summary: 'Print the editions of a Windows ISO image, and whether it can become a guest',
  positionals: { iso: one('The ISO image', pathOf) },
  options: OPTIONS,
  examples: [['media inspect win.iso', 'reads about 1 MiB of the image']],
  run: inspect,
});

async function inspect(session: Session, args: Arguments<typeof OPTIONS> & { readonly iso: string }): Promise<number> {
  const { output, host } = session;
  const { inspectMedia } = await import('../../api/media-inspect.ts');
  const view = new ProgressView(session, { ...args, quiet: args.quiet || args.json });
  let result: MediaInspectResult;
  try {
    result = await interruptible((signal) =>
      inspectMedia(
        { iso: args.iso, digest: args.sha256, sha256: args.isoSha256 },
        { env: host.env, report: (event) => view.add(event), signal },
      ),
    );
  } finally {
    view.end();
  }
  if (args.json) await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result });
  else await output.data(mediumText(result));
  return EXIT_DONE;
}

function mediumText(medium: MediaInspectResult): string {
  const { path, sizeBytes, format, label, boot, sources, setupLanguage, sha256, editions } = medium;
  const firmware = [boot.bios && 'BIOS', boot.uefi && 'UEFI'].filter((each) => each !== false).join(' and ');
  const head = columns([
    ['image:', `${path}, ${sizeText(sizeBytes)}, ${format} \`${label}\``],
    ['starts with:', firmware === '' ? 'neither BIOS nor UEFI' : firmware],
    ['editions in:', sources.length === 1 ? (sources[0] ?? '') : `${sources[0]}, ${countText(sources.length, 'part')}`],
    ...(setupLanguage === null ? [] : [['language:', setupLanguage]]),
    ['sha256:', sha256 ?? 'not read; `--sha256` reads the whole image'],
  ]);
  const rows = editions.map((edition) => {
    const { index, name, editionId, arch, version, languages, installationType, isServer, isEvaluation } = edition;
    const notes = [isServer ? installationType : '', isEvaluation ? 'evaluation' : ''].filter((note) => note !== '');
    return [
      String(index),
      name,
      editionId,
      arch,
      version,
      languages.join(','),
      notes.join(', '),
      edition.kind ?? 'no guest kind',
    ];
  });
  const titles = ['index', 'name', 'edition', 'arch', 'version', 'language', '', 'guest'];
  return `${head}\n${columns([titles, ...rows], [0])}`;
}
