import type { WrittenConfig } from '../schema/schema.ts'
import type { Path } from '../key-path.ts'

/** The effective values of the keys of sync rules that have a default. */
export function* syncDefaults({
  sync = [],
  transfer,
}: WrittenConfig): Generator<readonly [path: Path, value: unknown]> {
  for (const [i, rule] of sync.entries()) {
    const path = ['sync', i]
    yield [[...path, 'include'], []]
    yield [[...path, 'platforms'], null]
    yield [[...path, 'movedTags'], 'follow']
    yield [
      [...path, 'timeFrom'],
      ['pushed', 'annotation', 'config'],
    ]
    yield [[...path, 'optional'], false]
    if (rule.delete === undefined) continue
    yield [[...path, 'delete', 'gracePeriod'], null]
    yield [[...path, 'delete', 'limits', 'maxDeletes'], null]
    yield [[...path, 'delete', 'limits', 'maxPercent'], null]
  }
  if (transfer !== undefined) yield [['transfer', 'bandwidth'], null]
}
