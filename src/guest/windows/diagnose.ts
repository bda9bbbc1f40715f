import type { Diagnosis, LogText } from '../setup-logs.ts';

interface Rule {
  readonly pattern: RegExp;
  readonly cause: string;
  readonly advice: string;
  /** `problem`: lines of the levels Info and Warning do not count. They contain these codes without a failure. */
  readonly level: 'any' | 'problem';
}

const UNATTENDED = String.raw`unattend(?:ed)? answer file`;

/** Failures that leave no log, such as restarts without end, have the hints of the phases, see `progress.ts`. Most
 *  specific first: a later rule can be a consequence of an earlier one. */
const RULES: readonly Rule[] = [
  {
    pattern: /component or setting specified in the (?:unattend )?answer file does not exist/i,
    cause: 'the answer file has an element that this version or edition of Windows does not have',
    advice: 'check that the guest kind fits the ISO: leave out `--guest`, and remove elements of `--customize`',
    level: 'any',
  },
  {
    pattern: /component or non-list setting is specified more than once/i,
    cause: 'the answer file has an element twice',
    advice: 'remove from `--customize` what the answer file has already',
    level: 'any',
  },
  {
    pattern: /answer file is invalid|answer file is not (?:valid|well[- ]formed)/i,
    cause: 'the answer file is not valid XML',
    advice: 'correct the fragments of `--customize`; the line number is that of the complete answer file',
    level: 'any',
  },
  {
    pattern: /settings specified in the (?:unattend )?answer file cannot be applied/i,
    cause:
      'the answer file has a value that Windows refuses: a computer name that is too long or equal to the user, ' +
      'a command of more than 256 characters, or a password against the policy',
    advice: 'change the value of the component that the line names',
    level: 'any',
  },
  {
    pattern: /cannot read the <?ProductKey>? setting|product key .*does not match any of the Windows images/i,
    cause: 'the product key is that of another edition, or this medium needs one',
    advice: 'choose the edition with `--edition`, and give its key with `--product-key`',
    level: 'any',
  },
  {
    pattern: /failed to validate the product key/i,
    cause: 'Setup does not accept the product key, or the answer file has an empty one',
    advice: 'give a key of the edition with `--product-key`; evaluation media need none',
    level: 'any',
  },
  {
    pattern: /(?:cannot|can't|unable to) find the Microsoft Software License Terms/i,
    cause: 'edition and product key disagree, the edition is not on the medium, or the memory is too small',
    advice: 'choose an index that `cygstrap media inspect` lists with `--edition`, and use `--memory 4G`',
    level: 'any',
  },
  {
    pattern: /No images are available/i,
    cause: 'the medium has no edition of the chosen name',
    advice: 'choose an index that `cygstrap media inspect` lists with `--edition`',
    level: 'any',
  },
  {
    pattern: /media driver your computer needs is missing|no (?:hard )?(?:drives|disks) (?:were|was) found|0x80070103/i,
    cause: 'Setup has no driver for the bus of the disk, or the ISO is damaged',
    advice: 'leave out `--qemu-arg`, and compare the digest of the ISO: `cygstrap media inspect --sha256`',
    level: 'problem',
  },
  {
    pattern: /0x80070490 ?- ?0x4002c/i,
    cause: 'the new Setup of Windows cannot make the partitions of the answer file',
    advice: 'send the evidence; until then use an ISO of an earlier release of the same Windows',
    level: 'any',
  },
  {
    pattern: /Windows cannot be installed to (?:this disk|disk \d)|(?:partition selected|disk).*\b(?:MBR|GPT)\b/i,
    cause: 'the layout of the disk does not fit the firmware',
    advice: 'choose the other firmware: `--firmware uefi` or `--firmware bios`',
    level: 'problem',
  },
  {
    pattern: /This PC (?:can['\u2019]t|cannot|doesn['\u2019]t).*(?:run|meet).*Windows 11|minimum system requirements/i,
    cause: 'Setup checked the requirements of Windows 11 before it read the answer file',
    advice: 'remove answer files of your own from the ISO, and use at least `--memory 4G --cpus 2`',
    level: 'any',
  },
  {
    pattern: /0x80070570|0xC0000221|hash (?:mismatch|(?:value )?(?:does not|doesn't|did not) match)/i,
    cause: 'a file of the ISO is damaged, or the memory of this computer',
    advice: 'compare the digest of the ISO with that of its publisher: `cygstrap media inspect --sha256`',
    level: 'problem',
  },
  {
    pattern: new RegExp(`could not (?:parse or process|parse|process)\\b.*${UNATTENDED}`, 'i'),
    cause: 'Windows refuses the answer file',
    advice: 'see the lines after this one; if you use `--customize`, try without it',
    level: 'any',
  },
  {
    pattern: /computer restarted unexpectedly or encountered an unexpected error/i,
    cause: 'Windows could not finish its configuration; the cause is an earlier error',
    advice: 'read the first error in `Windows/Panther/setuperr.log`',
    level: 'any',
  },
];

const LONGEST_LINE = 300;

/** The script prints this on the console when Setup has ended. */
const SETUP_ENDED = /@cygstrap stage script/;

/** Level of a line of setupact.log and setuperr.log: `2024-05-01 10:11:12, Error   [0x0f0043] ...`. */
const LEVEL = /^[\d/-]{8,10} [\d:.]{8,12},\s+(\w+)/;

/** Finds known failures in the logs of Windows' Setup. None after Setup has ended: a later failure has another cause.
 *  Pure.
 *  @param logs the texts in the order of their value: for each failure the first line of the first log is returned
 *  @returns known failures, the most specific first; each once, and one for a line
 *  Source: wordings of Windows' Setup as users report them. */
export function diagnose(logs: readonly LogText[]): Diagnosis[] {
  if (logs.some(({ text }) => SETUP_ENDED.test(text))) return [];
  const lines = logs.flatMap(({ name, text }) =>
    text.split(/\r\n|\r|\n/).map((line) => ({ log: name, line, level: LEVEL.exec(line)?.[1]?.toLowerCase() })),
  );
  const found: Diagnosis[] = [];
  const explained = new Set<string>();
  for (const rule of RULES) {
    const match = lines.find(
      ({ line, level }) =>
        !explained.has(line) &&
        (rule.level === 'any' || (level !== 'info' && level !== 'warning')) &&
        rule.pattern.test(line),
    );
    if (match === undefined) continue;
    explained.add(match.line);
    found.push(diagnosisOf(rule, match));
  }
  return found;
}

function diagnosisOf(
  { cause, advice }: Rule,
  { log, line }: { readonly log: string; readonly line: string },
): Diagnosis {
  return { cause, advice, log, line: line.trim().slice(0, LONGEST_LINE) };
}
