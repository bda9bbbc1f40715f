import { CygstrapError } from '../../errors.ts';

/** The error for a symbolic link inside a repo, at `link` relative to its root. All commands follow one rule, that of
 *  `lookBelow`: a link to the repo itself is followed, a link below its root never is. What it leads to can change
 *  without the repo, so its files count neither as present nor as verified, and nothing is written or deleted through
 *  it. */
export function linkError(root: string, link: string): CygstrapError {
  return new CygstrapError('repo', `\`${root}/${link}\` is a symbolic link: links inside a repo are not followed`, {
    hint: 'replace the link with the files it leads to',
    details: { path: link },
  });
}
