import { columns, countText, sizeText } from '../../report/text.ts';
import { defineCommand, documentDefault, optional, value } from '../options/declare.ts';
import type { Arguments } from '../options/declare.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { VM_OPTIONS } from '../options/vm.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import type { Session } from '../terminal/session.ts';

const OPTIONS = {
  out: documentDefault(value('FILE', 'Write the archive to this file'), 'cygstrap-evidence-STAGE-KEY.tar.gz'),
  'vm-dir': VM_OPTIONS['vm-dir'],
  ...OUTPUT_OPTIONS,
};

export const vmEvidenceCommand = defineCommand({
  name: 'vm evidence',
  summary: 'Pack the logs of a stage or run, failed or not, into one archive without secrets, to send it',
  positionals: {
    stage: optional('First characters of the key of a stage, or of the name of a failed run [default: the newest log]'),
  },
  options: OPTIONS,
  examples: [['vm evidence', 'what the last installation, snapshot or failed run has left']],
  run: pack,
});

async function pack(
  { output, host }: Session,
  args: Arguments<typeof OPTIONS> & { readonly stage: string | undefined },
): Promise<number> {
  const { packEvidence } = await import('../../api/vm-evidence.ts');
  const result = await interruptible((signal) =>
    packEvidence({ stage: args.stage, out: args.out }, { directory: args.vmDir, env: host.env, signal }),
  );
  if (args.json) {
    await output.json({ schema: (await import('../../report/json.ts')).SCHEMA, ...result });
    return EXIT_DONE;
  }
  const { stage, key, archive, sizeBytes, files } = result;
  await output.data(
    `\`${archive}\`, ${sizeText(sizeBytes)}: ${stage} ${key.slice(0, 12)}, ${countText(files.length, 'file')}\n` +
      columns(files.map((file) => [`  ${file.name}`, sizeText(file.sizeBytes)])),
  );
  if (!args.quiet) {
    const screen = files.some(({ name }) => name === 'screen.png') ? ', `screen.png` above all' : '';
    output.note(
      'note',
      `passwords, keys and your name were removed from the texts; look at them before you send them${screen}`,
    );
  }
  return EXIT_DONE;
}
