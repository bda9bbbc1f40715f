import type { OwnProgram } from './world.ts';

const SUCCESS = { exitCode: 0 } as const;

/** Plays Cygwin's setup and the programs of an installed Cygwin: they succeed, and leave the least that the script
 *  looks for. */
export const cygwinProgram: OwnProgram = (path, args) => {
  if (/\\setup-x86(_64)?\.exe$/i.test(path)) {
    const root = args[args.indexOf('--root') + 1]?.replaceAll('"', '') ?? '';
    return {
      exitCode: 0,
      files: {
        [`${root}\\var\\log\\setup.log`]: '2026/01/01 00:00:00 Ending cygwin install\r\n',
        [`${root}\\etc\\setup\\cygwin.lst.gz`]: '',
      },
    };
  }
  return /\\bin\\bash\.exe$/i.test(path) ? SUCCESS : undefined;
};
