import { CygstrapError } from '../../errors.ts';
import type { WindowsKind } from '../../core/windows/kinds.ts';
import { isLegacyKind } from './options.ts';
import type { Edition, WindowsMedium } from '../../media/inspect/windows.ts';

/** An edition that can be installed. */
export type InstallableEdition = Edition & { readonly kind: WindowsKind; readonly arch: 'x86' | 'amd64' };

/** Chooses the edition of a medium to install. `wanted`: its number, name or edition id, in any case. Without it: the
 *  only edition, apart from the N editions, which lack parts; of a server Standard with the desktop, on whose screen
 *  Setup can be watched. `kind` replaces the kind that its version implies. Throws `usage` with the list if there is no
 *  such edition, or several; and for an edition without a kind, or a kind with another form of Setup. */
export function chooseEdition(
  { path, editions }: Pick<WindowsMedium, 'path' | 'editions'>,
  { wanted, kind }: { readonly wanted?: string | undefined; readonly kind?: WindowsKind | undefined } = {},
): InstallableEdition {
  const found = wanted === undefined ? plainlyRight(editions) : editions.filter((edition) => isNamed(edition, wanted));
  const [edition] = found;
  const hint = `choose one with \`--edition\`: ${editions.map(({ index, name }) => `${index} (${name})`).join(', ')}`;
  if (edition === undefined || found.length > 1) {
    const what =
      wanted === undefined
        ? `\`${path}\` has several editions`
        : `${edition === undefined ? 'no edition' : 'more than one edition'} of \`${path}\` is \`${wanted}\``;
    throw new CygstrapError('usage', what, { hint, details: { editions } });
  }
  const { arch } = edition;
  const chosen = kind ?? edition.kind;
  const called = `edition ${edition.index} (${edition.name})`;
  if (chosen === undefined || (arch !== 'x86' && arch !== 'amd64'))
    throw new CygstrapError('usage', `${called} is not a supported Windows`, { hint });
  if (isLegacyKind(chosen) !== (edition.kind !== undefined && isLegacyKind(edition.kind))) {
    throw new CygstrapError('usage', `${called} cannot be installed as \`${chosen}\`: its Setup has another form`, {
      hint: 'leave out `--guest`',
    });
  }
  return { ...edition, kind: chosen, arch };
}

function isNamed({ index, name, editionId }: Edition, wanted: string): boolean {
  if (/^\d+$/.test(wanted)) return index === Number(wanted);
  return [name, editionId].some((each) => each.toLowerCase() === wanted.toLowerCase());
}

function plainlyRight(editions: readonly Edition[]): readonly Edition[] {
  if (editions.length <= 1) return editions;
  const whole = editions.filter(({ editionId }) => !/N(?:Eval)?$/.test(editionId));
  if (whole.length === 1) return whole;
  return whole.filter(
    ({ isServer, editionId, installationType }) =>
      isServer && installationType === 'desktop' && /^ServerStandard(?:Eval)?$/.test(editionId),
  );
}
