import { SERVER_2022 } from '../media/inspect/media.ts';
import type { ImageProperties } from '../media/inspect/media.ts';

/** What the medium of a kind of Windows contains. */
export interface Contents {
  /** Images of `install.wim`; none for Windows XP and 2003. */
  readonly images: readonly ImageProperties[];
  /** Empty files. */
  readonly tags: readonly string[];
  /** Whether Setup wants a product key in the answers. */
  readonly productKey: 'none' | 'required';
}

function client(
  names: Readonly<Record<string, string>>,
  version: readonly [number, number, number, number],
): ImageProperties[] {
  return Object.entries(names).map(([editionId, name]) => ({ name, editionId, installationType: 'Client', version }));
}

/** Media as Microsoft publishes them: names, edition ids and builds. */
export const CONTENTS = {
  'windows-xp': {
    images: [],
    tags: ['WIN51', 'WIN51IP', 'WIN51IP.SP3', 'I386/TXTSETUP.SIF', 'I386/WINNT32.EXE'],
    productKey: 'required',
  },
  'windows-7': {
    images: client(
      { HomePremium: 'Windows 7 HOMEPREMIUM', Professional: 'Windows 7 PROFESSIONAL' },
      [6, 1, 7601, 17514],
    ),
    tags: ['setup.exe'],
    productKey: 'required',
  },
  'windows-10': {
    images: client({ EnterpriseEval: 'Windows 10 Enterprise Evaluation' }, [10, 0, 19045, 2006]),
    tags: ['setup.exe'],
    productKey: 'none',
  },
  'windows-11': {
    images: client({ EnterpriseEval: 'Windows 11 Enterprise Evaluation' }, [10, 0, 26100, 1742]),
    tags: ['setup.exe'],
    productKey: 'none',
  },
  'windows-2022': { images: SERVER_2022, tags: ['setup.exe'], productKey: 'none' },
} as const satisfies Readonly<Record<string, Contents>>;

/** Images of `boot.wim`; none for Windows XP and 2003, which have no such file. */
export function bootImages({ images: [first] }: Contents): ImageProperties[] {
  if (first?.version === undefined) return [];
  const { version } = first;
  return ['Microsoft Windows PE (amd64)', 'Microsoft Windows Setup (amd64)'].map((name) => ({
    name,
    installationType: 'WindowsPE',
    version,
  }));
}
