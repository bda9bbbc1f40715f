import { INDEX_FORMS } from '../core/setup-ini/forms.ts';
import type { IndexForm } from '../core/setup-ini/forms.ts';

export interface IndexPath {
  /** Relative to the site. */
  readonly path: string;
  readonly form: IndexForm;
}

/** Says where a site may keep its index: in the directory of the architecture, else (before 2013, when x86 was the only
 *  one) at the top. A later place counts only when the earlier ones have nothing. Source: cygwin-setup
 *  ini.cc:do_remote_ini; the index at the top is how mirrors were until 2013. */
export function indexPlaces(arch: string, basename: string): readonly (readonly IndexPath[])[] {
  const place = (directory: string, forms: readonly IndexForm[]): IndexPath[] =>
    forms.map((form) => ({ path: `${directory}${basename}.${form}`, form }));
  const own = place(`${arch}/`, INDEX_FORMS);
  return arch === 'x86' ? [own, place('', ['bz2', 'ini'])] : [own];
}
