/** A kind of line in setup.log.full that shows a failure. Setup exits with 0 after most of them. */
export interface LogRule {
  /** Identifier of letters and `-`: the subject of the finding. */
  readonly id: string;
  /** Extended regular expression of awk for the line, without its time; null if the script finds it by itself. */
  readonly pattern: string | null;
  readonly meaning: string;
  /** What to do, in the imperative. */
  readonly advice: string;
}

const SEND = 'send the evidence of the installation, and compare the repo with the lock: `cygstrap verify`';
const FULL = 'give the machine a larger disk with `--disk`, and look at the screen of the installation';

/** Most specific first: the first rule that matches a line makes its finding. Lines that scripts of packages print do
 *  not count. The text of `mbox` lines follows the language of Windows, so their rules match the first word only.
 *  Source: cygwin-setup, all calls of `Log` and `mbox`; postinstall failures are in the script itself. */
export const LOG_RULES: readonly LogRule[] = [
  {
    id: 'no-log',
    pattern: null,
    meaning: 'setup wrote no log: it did not start, was killed, or handed its work over to another process',
    advice: 'look at the screen of the installation, and allow more time with `--step-timeout`',
  },
  {
    id: 'no-end',
    pattern: null,
    meaning: 'the log does not end with `Ending cygwin install`: setup was killed or is still running',
    advice: 'allow more time with `--step-timeout`',
  },
  {
    id: 'package-not-found',
    pattern: "^Package '.*' not found",
    meaning: 'setup did not find a package of its command line in the index of the medium',
    advice: SEND,
  },
  {
    id: 'version-not-found',
    pattern: '^package: .* version: .* not found',
    meaning: 'setup did not find the version of a package in the index of the medium',
    advice: SEND,
  },
  {
    id: 'damaged-archive',
    pattern: '^(INVALID PACKAGE|(Size|SHA512|MD5) mismatch)',
    meaning: 'an archive on the medium does not have the size or the digest of the index',
    advice: 'repair the repo with `cygstrap fetch`, and check it with `cygstrap verify`',
  },
  {
    id: 'unreadable-archive',
    pattern: "^(mbox [^:]*: )?(Can't open|Unable to extract|Error rewinding to extract) ",
    meaning: 'setup could not read an archive',
    advice: 'repair the repo with `cygstrap fetch`, and check it with `cygstrap verify`',
  },
  {
    id: 'file-not-written',
    pattern:
      '^(Failed to open .* for writing|Failed to make the path for |Failed to output |Failed to extract the file |' +
      'Unable to install file |Warning: (Unable to create|gzip unable to write to) lst file )',
    meaning: 'setup could not write a file of a package',
    advice: FULL,
  },
  {
    id: 'file-in-use',
    pattern: '^(Not replacing in-use file |Unable to schedule reboot replacement)',
    meaning: 'a running program used a file that setup had to replace',
    advice: 'remove from the answers what starts programs of Cygwin before setup',
  },
  {
    id: 'not-replaced',
    pattern: null,
    meaning: 'setup left the replacement of a file to the next restart of Windows (exit code 118), and it is still due',
    advice: 'send the evidence of the installation',
  },
  {
    id: 'not-solved',
    pattern: '^default solutions did not solve all problems',
    meaning: 'setup could not meet the dependencies of the packages with the index of the medium',
    advice: SEND,
  },
  {
    id: 'not-elevated',
    pattern: '^Starting elevated child process failed',
    meaning: 'setup does not run as an administrator',
    advice: 'remove from the answers what changes the user or user account control',
  },
  {
    id: 'download-failed',
    pattern: '^download.* error in unattended_mode',
    meaning: 'setup tried to download a file',
    advice: SEND,
  },
  {
    id: 'question',
    pattern: '^(mbox [^:]*: |unattended_mode )',
    meaning: 'setup showed a message or a question, which its unattended mode answered',
    advice: 'read the message; lines before it in setup.log.full show the cause',
  },
  {
    id: 'canceled',
    pattern: '^User cancelled setup',
    meaning: 'setup stopped after an error',
    advice: 'lines before it in setup.log.full show the cause',
  },
  {
    id: 'incomplete',
    pattern: '^note: ',
    meaning: 'setup ended with a note that it does not write after a complete installation',
    advice: 'lines before it in setup.log.full show the cause',
  },
];
