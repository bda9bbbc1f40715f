import { SERVER_2022 } from '../media/inspect/media.ts';
import type { ImageProperties } from '../media/inspect/media.ts';

/** What the medium of a kind of Windows contains. */
export interface Editions {
  readonly images: readonly ImageProperties[];
  /** Whether Setup wants a product key in the answers. */
  readonly productKey: 'none' | 'required';
}

function client(names: Readonly<Record<string, string>>, version: ImageProperties['version']): ImageProperties[] {
  return Object.entries(names).map(([editionId, name]) => ({
    name,
    editionId,
    installationType: 'Client',
    ...(version !== undefined && { version }),
  }));
}

/** Media as Microsoft publishes them: names, edition ids and builds. */
export const EDITIONS = {
  'windows-7': {
    images: client(
      { HomePremium: 'Windows 7 HOMEPREMIUM', Professional: 'Windows 7 PROFESSIONAL' },
      [6, 1, 7601, 17514],
    ),
    productKey: 'required',
  },
  'windows-10': {
    images: client({ EnterpriseEval: 'Windows 10 Enterprise Evaluation' }, [10, 0, 19045, 2006]),
    productKey: 'none',
  },
  'windows-11': {
    images: client({ EnterpriseEval: 'Windows 11 Enterprise Evaluation' }, [10, 0, 26100, 1742]),
    productKey: 'none',
  },
  'windows-2022': { images: SERVER_2022, productKey: 'none' },
} as const satisfies Readonly<Record<string, Editions>>;

/** The images of `boot.wim`. */
export function bootImages({ images }: Editions): ImageProperties[] {
  const version = images[0]?.version;
  return ['Microsoft Windows PE (amd64)', 'Microsoft Windows Setup (amd64)'].map((name) => ({
    name,
    installationType: 'WindowsPE',
    ...(version !== undefined && { version }),
  }));
}
