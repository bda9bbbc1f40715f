// Removes what a build makes, so that nothing of a source that is gone stays behind.
import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
