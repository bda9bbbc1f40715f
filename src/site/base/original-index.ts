import type { IndexForm } from '../../core/setup-ini/forms.ts';

/** An index as a site has it, with a verified signature unless unsigned indexes are accepted. */
export interface OriginalIndex {
  /** The site's `name`. */
  readonly site: string;
  /** Relative to the site. */
  readonly path: string;
  readonly form: IndexForm;
  readonly bytes: Uint8Array;
  /** Undefined if unsigned. */
  readonly signature: Uint8Array | undefined;
  /** Fingerprint of the key, or `unsigned`. */
  readonly signer: string;
  /** Identifies this version of the index, if the site provides one. */
  readonly validator: string | undefined;
}
