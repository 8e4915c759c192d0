import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import { DrayError } from '../lib/errors.ts'
import { isShallowYaml, maxYamlDepth } from '../lib/yaml-depth.ts'
import type { Issue, Path } from './shape.ts'

/** in bytes */
export const maxFileSize = 1024 * 1024
const maxAliases = 100
const maxIssues = 20

/** A parsed configuration file with the positions of its keys. */
export interface ConfigSource {
  readonly value: unknown
  /** `line:column`, both from 1, of a key or its value, or of what encloses it if it is missing */
  position(path: Path, at?: 'key' | 'value'): string
}

/**
 * Parses YAML 1.2 and JSON, which is part of YAML. Executes nothing: tags of other types are
 * errors.
 * @param name the file in errors
 * @throws `config` with line and column, also for duplicate keys and too many aliases.
 */
export function parseSource(content: string, name: string): ConfigSource {
  if (content.length > maxFileSize) {
    throw new DrayError('config', `${name} is larger than ${maxFileSize} bytes`, { subject: name })
  }
  if (!isShallowYaml(content)) {
    throw new DrayError('config', `${name} is nested deeper than ${maxYamlDepth} levels`, { subject: name })
  }
  const lines = new LineCounter()
  const document = parseDocument(content, {
    lineCounter: lines,
    prettyErrors: false,
    // The library's check is quadratic in the keys of a map. `repeatedKeys` replaces it.
    uniqueKeys: false,
    logLevel: 'error',
  })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(Math.min(offset, content.length))
    return `${line}:${col}`
  }
  const mistakes = [...document.errors, ...document.warnings].map((e) => ({
    offset: e.pos[0],
    message: e.message,
  }))
  const repeated = repeatedKeys(document).map((offset) => ({ offset, message: 'Map keys must be unique' }))
  const all = [...mistakes, ...repeated].sort((a, b) => a.offset - b.offset)
  if (all.length > 0) {
    throw mistakeError(
      name,
      all.map(({ offset, message }) => `${name}:${at(offset)}: ${message}`),
    )
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: maxAliases })
  } catch (cause) {
    throw new DrayError('config', `${name}: its aliases cannot be resolved`, {
      subject: name,
      why: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
  const root: Node | null = document.contents
  const places = new PositionMap()
  return { value, position: (path, of = 'value') => at(places.offsetOf(root, path, of)) }
}

/** The offsets of keys that repeat an earlier key of their map. */
function repeatedKeys(document: Document): readonly number[] {
  const offsets: number[] = []
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) offsets.push(key.range?.[0] ?? 0)
        seen.add(key.value)
      }
    },
  })
  return offsets
}

/** The error for mistakes in a file, each with its position. */
export function issuesError(name: string, source: ConfigSource, issues: readonly Issue[]): DrayError {
  const sorted = issues
    .map((issue) => ({ at: source.position(issue.path, issue.at), text: describe(issue) }))
    .sort((a, b) => compare(a.at, b.at))
  return mistakeError(
    name,
    sorted.map((issue) => `${name}:${issue.at}: ${issue.text}`),
  )
}

function mistakeError(name: string, mistakes: readonly string[]): DrayError {
  const all = [...new Set(mistakes)]
  const [first = ''] = all
  const rest = all.length - maxIssues
  const details = [...all.slice(0, maxIssues), ...(rest > 0 ? [`and ${rest} more`] : [])]
  const isOne = all.length === 1
  return new DrayError('config', isOne ? first : `${name} has ${all.length} mistakes`, {
    ...(!isOne && { details }),
    subject: name,
    hint: 'Correct the file; nothing was read from or written to a registry.',
  })
}

function describe(issue: Issue): string {
  if (issue.at === 'key' || issue.path.length === 0) return issue.message
  return `${issue.path.join('.')}: ${issue.message}`
}

function compare(a: string, b: string): number {
  const [lineA = 0, columnA = 0] = a.split(':').map(Number)
  const [lineB = 0, columnB = 0] = b.split(':').map(Number)
  return lineA - lineB || columnA - columnB
}

/** Finds positions. It indexes each map once, because a file may have as many mistakes as keys. */
class PositionMap {
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>()

  /** Follows a path as far as it exists. */
  offsetOf(root: Node | null, path: Path, of: 'key' | 'value'): number {
    let node: unknown = root
    let offset = startOf(root) ?? 0
    for (const [depth, step] of path.entries()) {
      const found = this.#child(node, step)
      if (found === undefined) return offset
      const wantsKey = of === 'key' && depth === path.length - 1
      offset = startOf(wantsKey ? found.key : found.value) ?? startOf(found.key) ?? offset
      node = found.value
    }
    return offset
  }

  #child(node: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
    if (isSeq(node) && typeof step === 'number') {
      const value = node.items[step]
      return value === undefined ? undefined : { key: value, value }
    }
    return isMap(node) ? this.#pairsOf(node).get(String(step)) : undefined
  }

  #pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
    const known = this.#pairs.get(map)
    if (known !== undefined) return known
    const pairs = new Map(
      map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])),
    )
    this.#pairs.set(map, pairs)
    return pairs
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
