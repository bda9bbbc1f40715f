import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openFile } from '../io/open-file.ts';
import { writeTextFile } from '../io/text-file.ts';
import type { PageParts } from '../report/page.ts';
import type { Environment } from './context.ts';

/** Reads the parts of a page: `NAME.html` and `NAME-page.js`, which the build makes. */
export async function pageParts(name: 'report' | 'vm-report'): Promise<PageParts> {
  const [template, script, ...styles] = await Promise.all([
    read(`src/report/page/${name}.html`),
    read(`dist/program/${name}-page.js`),
    read('src/page/base.css'),
    read('src/report/page/page.css'),
  ]);
  const style = styles.join('');
  return { template, style, script, styleDigest: digestOf(style), scriptDigest: digestOf(script) };
}

async function read(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/** Writes a report to a file, and opens it in the browser of the desktop if that is requested. Throws `io`, and `tool`
 *  without a desktop. */
export async function saveReport(
  file: string,
  text: string,
  {
    open = false,
    env = process.env,
  }: { readonly open?: boolean | undefined; readonly env?: Environment | undefined } = {},
): Promise<void> {
  await writeTextFile(file, text);
  if (open) await openFile(file, env);
}
