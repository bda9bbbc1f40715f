import { statSync } from 'node:fs';
import { run } from '../../media/support.ts';

const MIB = 1024 * 1024;

/** Makes a FAT image with files of the host, by their paths in the image. Needs mtools. */
export function fatImage(image: string, files: Readonly<Record<string, string>>): void {
  const contentBytes = Object.values(files).reduce((sum, path) => sum + statSync(path).size, 0);
  const sectors = (Math.ceil(contentBytes / MIB) + 2) * (MIB / 512);
  run('mformat', '-i', image, '-C', '-T', String(sectors), '-h', '64', '-s', '32', '::');
  const directories = Object.keys(files).flatMap((path) =>
    path.split('/').flatMap((_, i, words) => (i === 0 ? [] : [words.slice(0, i).join('/')])),
  );
  for (const path of new Set(directories)) run('mmd', '-i', image, `::/${path}`);
  for (const [path, source] of Object.entries(files)) run('mcopy', '-i', image, source, `::/${path}`);
}
