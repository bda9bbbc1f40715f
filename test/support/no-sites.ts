import { fileURLToPath } from 'node:url';

/** Directory of the settings of a user without mirrors: a command that names none must not use the default one. */
export const NO_SITES = fileURLToPath(new URL('../../fixtures/no-sites', import.meta.url));
