import { CygstrapError } from '../errors.ts';
import type { ErrorCode, CygstrapErrorOptions } from '../errors.ts';

/** An error of a guest. Codes: `guest` (an operation in the guest failed), `tool` (a program, kernel or kernel
 *  module is missing on this host), `io`. */
export class GuestError extends CygstrapError {
  constructor(code: Extract<ErrorCode, 'guest' | 'tool' | 'io'>, message: string, options: CygstrapErrorOptions = {}) {
    super(code, message, options);
    this.name = 'GuestError';
  }
}
