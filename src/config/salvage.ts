import { isRecord } from '../oci/json.ts'
import type { WrittenConfig } from './schema/schema.ts'
import type { Path } from './key-path.ts'
import { checkTypes, type Issue } from './shape.ts'

/** More rounds than a wrong value can be deep. */
const maxRounds = 10

/** The valid parts of a configuration. */
export interface Salvaged {
  readonly config: WrittenConfig
  /** mistakes that other ones had hidden */
  readonly issues: readonly Issue[]
  /**
   * Translates mistakes of the rest to the file, and drops those that are only consequences of a
   * part that was removed.
   */
  translate(issues: readonly Issue[]): readonly Issue[]
}

/**
 * Removes the wrong parts of a configuration, so that the rules that span several keys can be
 * checked for the rest of it. Undefined if nothing is left.
 */
export function salvage(value: unknown, issues: readonly Issue[]): Salvaged | undefined {
  if (!isRecord(value)) return undefined
  const wrong = new WrongParts(issues)
  const hidden: Issue[] = []
  for (let round = 0; round < maxRounds; round++) {
    if (wrong.has([])) return undefined
    const rest = wrong.remove({ ...value, version: 1 })
    const checked = checkTypes(rest.value)
    if ('config' in checked) {
      const translate = (found: readonly Issue[]): readonly Issue[] =>
        found.map(rest.translate).filter((issue) => !wrong.explains(issue))
      return { config: checked.config, issues: hidden, translate }
    }
    const found = checked.issues.map(rest.translate)
    hidden.push(...found.filter((issue) => !wrong.causes(issue)))
    wrong.add(found)
  }
  return undefined
}

class WrongParts {
  readonly #paths = new Set<string>()
  /** the maps and lists that have a wrong part */
  readonly #parents = new Set<string>()

  constructor(issues: readonly Issue[]) {
    this.add(issues)
  }

  add(issues: readonly Issue[]): void {
    for (const { path, isMissing } of issues) {
      // `version` is the only key that the whole file needs, and its value is known.
      if (path.length === 1 && path[0] === 'version') continue
      const wrong = isMissing === true ? path.slice(0, -1) : path
      this.#paths.add(keyOf(wrong))
      this.#parents.add(keyOf(wrong.slice(0, -1)))
    }
  }

  has(path: Path): boolean {
    return this.#paths.has(keyOf(path))
  }

  /** Whether a value is missing, or a list too short, because dray removed something. */
  causes({ path, isMissing }: Issue): boolean {
    return isMissing === true ? this.has(path) : this.#parents.has(keyOf(path))
  }

  /** Whether a wrong part inside of a map, or beside a key of it, can be the only reason. */
  explains({ path, needs }: Issue): boolean {
    if (needs !== true) return false
    // The entries of a list do not need each other.
    const isEntry = typeof path.at(-1) === 'number'
    return this.#parents.has(keyOf(path)) || (!isEntry && this.#parents.has(keyOf(path.slice(0, -1))))
  }

  /** Copies a value without the wrong parts. Entries of lists change their index. */
  remove(value: unknown): { value: unknown; translate: (issue: Issue) => Issue } {
    const indices = new Map<string, readonly number[]>()
    const copy = (from: unknown, path: Path): unknown => {
      if (Array.isArray(from)) {
        const kept = [...from.keys()].filter((i) => !this.has([...path, i]))
        if (kept.length < from.length) indices.set(keyOf(path), kept)
        return kept.map((i) => copy(from[i], [...path, i]))
      }
      if (!isRecord(from)) return from
      const entries = Object.entries(from).filter(([key]) => !this.has([...path, key]))
      return Object.fromEntries(entries.map(([key, child]) => [key, copy(child, [...path, key])]))
    }
    const original = (path: Path): Path =>
      path.reduce<Path>((above, step) => {
        const index = typeof step === 'number' ? indices.get(keyOf(above))?.[step] : undefined
        return [...above, index ?? step]
      }, [])
    return { value: copy(value, []), translate: (issue) => ({ ...issue, path: original(issue.path) }) }
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path)
}
