import { defineCommand, grouped, list, rest, splitList } from '../options/declare.ts';
import { OUTPUT_OPTIONS } from '../options/options.ts';
import { EXIT_DONE } from '../terminal/failure.ts';

export const initCommand = defineCommand({
  name: 'init',
  summary: 'Write a project file, cygstrap.json, with these packages',
  positionals: { packages: rest('Packages, or NAME=VERSION') },
  options: {
    ...grouped('Sites', { site: list('ADDRESS', 'Write this mirror into the file; repeat to add fallbacks') }),
    ...OUTPUT_OPTIONS,
  },
  examples: [['init openssh git', 'a project with two packages']],
  async run({ output }, args) {
    const { initProject } = await import('../../api/project-init.ts');
    const result = await initProject({ packages: splitList(args.packages), sites: args.site });
    if (args.json) {
      const { SCHEMA } = await import('../../report/json.ts');
      await output.json({ schema: SCHEMA, ...result });
      return EXIT_DONE;
    }
    const next =
      result.packages.length === 0
        ? '`cygstrap add NAME...` adds packages and locks them'
        : '`cygstrap fetch --repo ./repo` locks the packages, and fetches what they need into `repo`';
    await output.data(`wrote \`${result.project}\`\nnext: ${next}\n`);
    return EXIT_DONE;
  },
});
