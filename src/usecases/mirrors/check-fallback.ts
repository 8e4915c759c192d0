import { DrayError } from '../../lib/errors.ts'
import type { MirrorOptions, MirrorRule } from './mirror-rule.ts'

/**
 * Refuses rules that copy only some tags if the source is never asked: pulls of all other tags
 * would fail.
 * @throws `refused`
 */
export function checkFallback(rules: readonly MirrorRule[], { noFallback }: MirrorOptions): void {
  const partial = rules.filter(({ filtersTags }) => noFallback && filtersTags)
  if (partial.length === 0) return
  const names = partial.map(({ name }) => name).join(', ')
  throw new DrayError('refused', `cannot write mirrors without a fallback for ${names}`, {
    why: 'the rules select tags, and pulls of all other tags would fail',
    hint: 'Omit --no-fallback, or remove `include` and `exclude` from the rules.',
  })
}
