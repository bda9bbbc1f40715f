/** Exit codes that Cygwin reports for Windows programs that an exception or the loader ended. Windows has numbers of 32
 *  bits; Cygwin keeps the low 8 bits of a number below 0xC0000000, so the number itself cannot be shown.
 *  Source: pinfo::set_exit_code and pinfo::status_exit in winsup/cygwin/pinfo.cc. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [
    127,
    'the command was not found, or a Windows program ended by an error without signal: 0xC0000135 a DLL is missing, ' +
      '0xC0000139 a DLL lacks a function, 0xC000007B a DLL for another processor, 0xC00000FD stack overflow, ' +
      '0xC0000409 abort or stack buffer overrun',
  ],
  [130, 'if it is a Windows program, it ended by 0xC000013A: Ctrl-C'],
  [132, 'if it is a Windows program, it ended by 0xC000001D: illegal instruction'],
  [138, 'if it is a Windows program, it ended by 0xC0000017: no memory, or an environment of more than 32 KiB'],
  [139, 'if it is a Windows program, it ended by 0xC0000005: access violation'],
]);

/** Returns what an exit code can mean if the command is a Windows program. Pure. */
export function exitHint(code: number): string | undefined {
  return MEANINGS.get(code);
}
