import type { Lock, LockRequest } from './lock.ts';

/** A difference between the request of a lock and another request. */
export type RequestDifference =
  | { readonly kind: 'not-locked'; readonly field: ListField; readonly item: string }
  | { readonly kind: 'not-asked'; readonly field: ListField; readonly item: string }
  | {
      readonly kind: 'changed';
      readonly field: ValueField;
      readonly locked: string | boolean;
      readonly asked: string | boolean;
    };

type ListField = 'packages' | 'categories' | 'buildDepends';
type ValueField = Exclude<keyof LockRequest, ListField>;

const LISTS = ['packages', 'categories', 'buildDepends'] as const satisfies readonly ListField[];
const VALUES = ['base', 'test', 'source', 'windows', 'arch'] as const satisfies readonly ValueField[];

/** Compares the request of a lock with another request, field by field; returns no difference if they match. The
 *  order of packages and categories does not matter. Does not check whether the lock is up to date, which needs an
 *  index. */
export function checkLock({ request: locked }: Pick<Lock, 'request'>, asked: LockRequest): RequestDifference[] {
  const lists = LISTS.flatMap((field) => [
    ...missingIn(locked[field], asked[field]).map((item) => ({ kind: 'not-locked' as const, field, item })),
    ...missingIn(asked[field], locked[field]).map((item) => ({ kind: 'not-asked' as const, field, item })),
  ]);
  const values = VALUES.filter((field) => locked[field] !== asked[field]).map((field) => ({
    kind: 'changed' as const,
    field,
    locked: locked[field],
    asked: asked[field],
  }));
  return [...lists, ...values];
}

function missingIn(list: readonly string[], items: readonly string[]): string[] {
  return [...new Set(items)].filter((item) => !list.includes(item));
}

const NOUNS: Record<ListField, string> = {
  packages: 'package',
  categories: 'category',
  buildDepends: 'build dependencies of',
};

/** Returns a difference as one sentence. */
export function differenceText(difference: RequestDifference): string {
  switch (difference.kind) {
    case 'not-locked':
      return `${NOUNS[difference.field]} \`${difference.item}\`: asked for, and not in the request of the lock`;
    case 'not-asked':
      return `${NOUNS[difference.field]} \`${difference.item}\`: in the request of the lock, and not asked for`;
    case 'changed':
      return (
        `${difference.field}: \`${difference.asked}\` is asked for, and the lock was made for ` +
        `\`${difference.locked}\``
      );
    default:
      return difference satisfies never;
  }
}
