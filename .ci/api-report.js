// Compares the public declarations in dist with fixtures/library-api.txt, so that each change of them is seen in
// review; `--update` rewrites that file. Fails too if an exported signature names a type that is not exported.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const golden = join(root, 'fixtures/library-api.txt');
const work = mkdtempSync(join(tmpdir(), 'cygstrap-api-'));
const faults = /** @type {string[]} */ ([]);

// The extractor cannot follow the global types of Node.js; these are the only ones in the declarations.
const globals = join(work, 'globals.d.ts');
writeFileSync(globals, 'interface AbortSignal {}\n');

const silent = { logLevel: ExtractorLogLevel.None };
const extractorConfig = ExtractorConfig.prepare({
  configObjectFullPath: undefined,
  packageJsonFullPath: join(root, 'package.json'),
  configObject: {
    projectFolder: root,
    mainEntryPointFilePath: join(root, 'dist/index.d.ts'),
    compiler: {
      overrideTsconfig: {
        compilerOptions: {
          target: 'es2022',
          lib: ['es2023'],
          types: [],
          module: 'nodenext',
          moduleResolution: 'nodenext',
          strict: true,
          allowImportingTsExtensions: true,
          noEmit: true,
        },
        files: [join(root, 'dist/index.d.ts'), globals],
      },
    },
    apiReport: { enabled: true, reportFileName: 'library', reportFolder: work, reportTempFolder: work },
    newlineKind: 'lf',
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: {
      compilerMessageReporting: { default: silent },
      extractorMessageReporting: {
        default: { logLevel: ExtractorLogLevel.Warning },
        'ae-missing-release-tag': silent,
        'ae-undocumented': silent,
        // The links of TSDoc are for editors, which resolve them in the sources.
        'ae-unresolved-link': silent,
        'ae-unresolved-inheritdoc-reference': silent,
      },
      tsdocMessageReporting: { default: silent },
    },
  },
});
Extractor.invoke(extractorConfig, {
  localBuild: true,
  messageCallback(message) {
    message.handled = true;
    const { messageId, text, logLevel, sourceFilePath = '', sourceFileLine = 0 } = message;
    if (messageId.startsWith('console-') || logLevel === ExtractorLogLevel.None) return;
    // A type can be made of the names in a list; the list itself is not public.
    if (/^The symbol "[A-Z_]+" needs to be exported/.test(text)) return;
    faults.push(`${sourceFilePath}:${sourceFileLine}: ${text}`);
  },
});
const made = readFileSync(join(work, 'library.api.md'), 'utf8');
rmSync(work, { recursive: true });

// Of the report only the declarations: its comments tell which of them are documented.
const code = /^```ts\n(.*)^```$/ms.exec(made)?.[1] ?? '';
const report = `${code.replaceAll(/^ *\/\/ (@|\(undocumented\)|\(No @packageDocumentation).*\n/gm, '').trim()}\n`;
if (process.argv.includes('--update')) writeFileSync(golden, report);
else if (report !== readFileSync(golden, 'utf8'))
  faults.push(
    'the public declarations differ from fixtures/library-api.txt: `node .ci/api-report.js --update` ' +
      'rewrites it after a build; read its difference',
  );

if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
}
