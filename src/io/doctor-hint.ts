/** The hint of every error for a program that is not installed. */
export const DOCTOR_HINT = doctorHint(process.platform);

/** Returns the hint on a system. */
export function doctorHint(platform: string): string {
  return platform === 'win32'
    ? 'run the command on Linux, or on Windows in WSL: it needs a program that Windows does not have'
    : 'run `cygstrap doctor`; it prints the command that installs it';
}
