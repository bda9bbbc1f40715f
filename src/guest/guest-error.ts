import { CygstrapError } from '../errors.ts';
import type { ErrorCode, ErrorOptions } from '../errors.ts';

/** Raised when what runs inside a machine, or what it is made of, is not as it must be. Codes: `guest` (the guest did not do what it
 *  was asked to), `tool` (a program, kernel or module that a guest is made of is not on this host), `io`. */
export class GuestError extends CygstrapError {
  constructor(code: Extract<ErrorCode, 'guest' | 'tool' | 'io'>, message: string, options: ErrorOptions = {}) {
    super(code, message, options);
    this.name = 'GuestError';
  }
}
