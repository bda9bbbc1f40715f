import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';

export interface IndexPath {
  /** Relative to the site. */
  readonly path: string;
  readonly form: IndexForm;
}

/** Returns the possible locations of an index: the directory of the architecture, else the top directory, where
 *  mirrors had it before 2013. A later location counts only if the earlier ones have nothing.
 *  Source: cygwin-setup ini.cc:do_remote_ini. */
export function indexPlaces(arch: string, basename: string): readonly (readonly IndexPath[])[] {
  const place = (directory: string, forms: readonly IndexForm[]): IndexPath[] =>
    forms.map((form) => ({ path: `${directory}${basename}.${form}`, form }));
  const own = place(`${arch}/`, INDEX_FORMS);
  return arch === 'x86' ? [own, place('', ['bz2', 'ini'])] : [own];
}
