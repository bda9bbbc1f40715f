import { sizeText } from '../../report/text.ts';
import { defineCommand } from '../options/declare.ts';
import { EXIT_DONE } from '../terminal/failure.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import type { OutputArguments } from '../options/options.ts';
import { reporter } from '../terminal/reporter.ts';
import type { Session } from '../terminal/session.ts';

export const vmControllerBuildCommand = defineCommand({
  name: 'vm controller build',
  summary: 'Make the kernel and the file system of the controller from programs of this computer, unless they exist',
  options: OUTPUT_OPTIONS,
  run: build,
});

async function build({ host, output }: Session, args: OutputArguments): Promise<number> {
  const { buildController } = await import('../../api/vm-controller.ts');
  const result = await interruptible((signal) =>
    buildController({ env: host.env, report: reporter(output, args), signal }),
  );
  if (args.json) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    const { kernel, initramfs } = result;
    await output.data(
      `kernel ${kernel.version}: ${kernel.path}\nfile system, ${sizeText(initramfs.sizeBytes)}: ${initramfs.path}\n`,
    );
  }
  return EXIT_DONE;
}
