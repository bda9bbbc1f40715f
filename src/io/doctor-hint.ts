/** The hint of every error for a program that is not installed. */
export const DOCTOR_HINT = 'run `cygstrap doctor`; it prints the command that installs it';
