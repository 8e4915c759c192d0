import { type Document, isMap, isScalar, type Pair, Scalar, type YAMLMap } from 'yaml'

interface RenamedKey {
  /** the maps that have the key; `*` matches any key */
  readonly parent: readonly string[]
  readonly from: string
  readonly to: string
}

/** Old names of keys. dray accepts each one with a warning for one release. */
export const renamedKeys: readonly RenamedKey[] = [
  { parent: ['environments', '*'], from: 'marker', to: 'currentTag' },
]

/** An old name in a file. */
export interface OldKey extends RenamedKey {
  /** with the old name */
  readonly path: readonly string[]
  readonly offset: number
  /** the map has the new name too */
  readonly isDouble: boolean
}

/**
 * Replaces the old names of keys in a document, so that the schema has only the new ones. The new
 * key has the position of the old one. A map that has both names loses the old one.
 */
export function renameOldKeys(document: Document): readonly OldKey[] {
  return renamedKeys.flatMap((renamed) =>
    findMaps(document.contents, renamed.parent, []).flatMap(({ map, path }) => {
      const old = map.items.find((pair) => isNamed(pair, renamed.from))
      if (old === undefined || !isScalar(old.key)) return []
      const isDouble = map.items.some((pair) => isNamed(pair, renamed.to))
      const offset = old.key.range?.[0] ?? 0
      const key = new Scalar(renamed.to)
      if (old.key.range) key.range = old.key.range
      if (old.key.anchor !== undefined) key.anchor = old.key.anchor
      if (isDouble) map.items = map.items.filter((pair) => pair !== old)
      else old.key = key
      return [{ ...renamed, path: [...path, renamed.from], offset, isDouble }]
    }),
  )
}

interface FoundMap {
  readonly map: YAMLMap
  readonly path: readonly string[]
}

/** Finds each map once. A map behind an alias is found at its anchor. */
function findMaps(
  node: unknown,
  [step, ...rest]: readonly string[],
  path: readonly string[],
): readonly FoundMap[] {
  if (!isMap(node)) return []
  if (step === undefined) return [{ map: node, path }]
  const entries = node.items.filter((pair) => isScalar(pair.key) && (step === '*' || isNamed(pair, step)))
  return entries.flatMap((pair) => findMaps(pair.value, rest, [...path, nameOf(pair)]))
}

function isNamed(pair: Pair, name: string): boolean {
  return isScalar(pair.key) && nameOf(pair) === name
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}
