import { isRecord } from '../../oci/json.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'

/** The names of a list that an earlier entry has. */
export function namedTwice(all: readonly { readonly name?: string | undefined }[], path: Path): Issue[] {
  const names = all.map(({ name }) => name)
  return names.flatMap((name, i): Issue[] => {
    if (name === undefined || names.indexOf(name) === i) return []
    return [{ path: [...path, i, 'name'], at: 'value', message: `${JSON.stringify(name)} is given twice` }]
  })
}

/** Formats JSON with sorted keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    isRecord(child) ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1))) : child,
  )
}
