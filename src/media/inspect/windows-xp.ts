import type { Volume, VolumeEntry } from './volume.ts';
import { find } from './volume.ts';
import { kindOf } from './windows.ts';
import type { Edition } from './windows.ts';

/** The files in the root by which Windows XP and 2003 recognize their medium. */
const TAGS: Readonly<Record<string, { readonly name: string; readonly minor: 1 | 2 }>> = {
  win51ip: { name: 'Windows XP Professional', minor: 1 },
  win51ic: { name: 'Windows XP Home Edition', minor: 1 },
  win51ap: { name: 'Windows XP Professional x64 Edition', minor: 2 },
  win51is: { name: 'Windows Server 2003, Standard Edition', minor: 2 },
  win51ia: { name: 'Windows Server 2003, Enterprise Edition', minor: 2 },
  win51ib: { name: 'Windows Server 2003, Web Edition', minor: 2 },
  win51id: { name: 'Windows Server 2003, Datacenter Edition', minor: 2 },
};

const BUILDS = { 1: 2600, 2: 3790 } as const;

/** Returns the edition of a medium of Windows XP or 2003 and the directory of its files; undefined for any other.
 *  Throws `damaged`. */
export async function oldEditionOf(
  volume: Volume,
): Promise<{ readonly directory: string; readonly edition: Edition } | undefined> {
  const names = (await volume.root.list()).map(({ name }: VolumeEntry) => name.toLowerCase());
  const directory = (await find(volume, 'amd64/txtsetup.sif')) === undefined ? 'i386' : 'amd64';
  if ((await find(volume, `${directory}/txtsetup.sif`)) === undefined) return undefined;
  const { name, minor } = TAGS[names.find((each) => each in TAGS) ?? ''] ?? { name: '', minor: 1 as const };
  const pack = names.map((each) => /^win51\w*\.sp(\d)$/.exec(each)?.[1]).find((each) => each !== undefined);
  const isServer = name.includes('Server');
  const edition: Edition = {
    index: 1,
    name: `${name === '' ? 'Windows XP or 2003' : name}${pack === undefined ? '' : ` SP${pack}`}`,
    editionId: '',
    arch: directory === 'i386' ? 'x86' : 'amd64',
    version: `5.${minor}.${BUILDS[minor]}`,
    languages: [],
    installationType: 'desktop',
    isServer,
    isEvaluation: false,
    kind: name === '' ? undefined : kindOf([5, minor, BUILDS[minor], 0], isServer),
  };
  return { directory, edition };
}
