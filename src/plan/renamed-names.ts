import { isRecord } from '../oci/json.ts'

interface RenamedName {
  /** the objects that have it; `*` matches each element of an array */
  readonly parent: readonly string[]
  /** the key whose value was renamed; absent: the key itself was renamed */
  readonly key?: string
  readonly from: string
  readonly to: string
}

/** Names in plans that an earlier version saved. dray accepts each one for one release. */
const renamedNames: readonly RenamedName[] = [
  { parent: ['placements', '*'], from: 'held', to: 'keptTags' },
  { parent: ['repositories', '*', 'tags', '*', 'why'], key: 'kind', from: 'spared', to: 'kept' },
  { parent: ['repositories', '*', 'others', '*'], key: 'role', from: 'leftover', to: 'orphaned' },
]

type JsonObject = Record<string, unknown>

/** Replaces the old names in a parsed plan. */
export function renameOldNames(plan: JsonObject): void {
  for (const renamed of renamedNames)
    for (const object of findObjects(plan, renamed.parent)) rename(object, renamed)
}

/** An object that has both keys keeps the old one, which the shape of a plan refuses. */
function rename(object: JsonObject, { key, from, to }: RenamedName): void {
  if (key !== undefined) {
    if (object[key] === from) object[key] = to
  } else if (Object.hasOwn(object, from) && !Object.hasOwn(object, to)) {
    object[to] = object[from]
    delete object[from]
  }
}

function* findObjects(value: unknown, [step, ...rest]: readonly string[]): Generator<JsonObject> {
  if (step === '*') {
    if (Array.isArray(value)) for (const one of value) yield* findObjects(one, rest)
  } else if (isRecord(value)) {
    if (step === undefined) yield value
    else yield* findObjects(value[step], rest)
  }
}
