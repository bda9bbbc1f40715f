import type { Argv } from 'yargs';
import { printable, sizeText } from '../../report/text.ts';
import { EXIT_DONE } from '../failure.ts';
import { interruptible } from '../interrupt.ts';
import { reporter } from '../session.ts';
import type { Choose, Session } from '../session.ts';
import { addVmBoot } from './vm-boot.ts';
import { addVmMake } from './vm-make.ts';
import { addVmRun } from './vm-run.ts';
import { addVmStages } from './vm-stages.ts';

interface ControllerBuildArguments {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly verbose?: boolean | undefined;
}

/** Adds `cygstrap vm` and the commands below it. */
export function addVm(yargs: Argv, choose: Choose): Argv {
  return yargs.command('vm', 'Make and run machines, stage by stage', (y) =>
    addController(addVmStages(addVmBoot(addVmRun(addVmMake(y, choose), choose), choose), choose), choose).demandCommand(
      1,
      'no stage is given',
    ),
  );
}

function addController(yargs: Argv, choose: Choose): Argv {
  return yargs.command('controller', 'The small machine that serves shares to a guest', (y) =>
    y
      .command(
        'build',
        'Make its kernel and file system from programs of this computer, or find them made',
        (z) =>
          z
            .option('json', { type: 'boolean', group: 'Output:', describe: 'Print JSON; README tells its fields' })
            .option('quiet', { type: 'boolean', group: 'Output:', describe: 'Say nothing on stderr but errors' })
            .option('verbose', { type: 'boolean', group: 'Output:', describe: 'Tell on stderr what is done' }),
        (args) => choose((session) => controllerBuild(session, args)),
      )
      .demandCommand(1, 'nothing to do with a controller is given'),
  );
}

async function controllerBuild({ host, output }: Session, args: ControllerBuildArguments): Promise<number> {
  const { buildController } = await import('../../api/vm-controller.ts');
  const result = await interruptible((signal) =>
    buildController({ environment: host.env, report: reporter(output, args), signal }),
  );
  if (args.json === true) {
    const { SCHEMA } = await import('../../report/json.ts');
    await output.json({ schema: SCHEMA, ...result });
  } else {
    const { kernel, initramfs } = result;
    await output.data(
      printable(
        `kernel ${kernel.version}: ${kernel.path}\nfile system, ${sizeText(initramfs.sizeBytes)}: ${initramfs.path}\n`,
      ),
    );
  }
  return EXIT_DONE;
}
