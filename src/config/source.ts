import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'
import { DrayError, type FileMistake } from '../lib/errors.ts'
import { isShallowYaml, maxYamlDepth } from '../lib/yaml-depth.ts'
import { formatKeyPath } from './key-path.ts'
import { PositionMap } from './positions.ts'
import { type OldKey, renameOldKeys } from './renamed-keys.ts'
import type { Path } from './key-path.ts'
import { maxFileSize } from './search/trusted-file.ts'

const maxAliases = 100

/** A position in a file, from 1. */
export interface FilePosition {
  readonly line: number
  readonly column: number
}

/** A parsed configuration file with the positions of its keys. */
export interface ConfigSource {
  /** what could be read, if the file has mistakes */
  readonly value: unknown
  /** mistakes of the syntax, in the order of the file */
  readonly mistakes: readonly FileMistake[]
  /** old names of keys that dray still accepts */
  readonly deprecated: readonly FileMistake[]
  /**
   * the first line that the parser did not understand: content from there on may be misread;
   * undefined if there is none
   */
  readonly brokenLine: number | undefined
  /** The position of a key or its value, or of what encloses it if it is missing. */
  position(path: Path, at?: 'key' | 'value'): FilePosition
}

/**
 * Parses YAML 1.2 and JSON, which is part of YAML. Executes nothing: tags of other types are
 * mistakes, as are repeated keys.
 * @param name the file in errors
 * @throws `config` if the file cannot be parsed at all: too large, nested too deeply, or with too
 * many aliases.
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
    // The library's check is quadratic in the keys of a map. `findRepeatedKeys` replaces it.
    uniqueKeys: false,
    logLevel: 'error',
  })
  const at = (offset: number): FilePosition => {
    const { line, col } = lines.linePos(Math.min(offset, content.length))
    return { line, column: col }
  }
  const errors = [...document.errors, ...document.warnings]
  const repeated = findRepeatedKeys(document)
  const old = renameOldKeys(document)
  const mistakes = [
    ...errors.map((error) => ({ ...at(error.pos[0]), path: '', message: messageOf(error) })),
    ...repeated.map((key) => ({ ...located(key, at), message: 'the key is given twice in this map' })),
    ...old.filter(({ isDouble }) => isDouble).map((key) => doubleKey(key, at)),
  ]
  const brokenLines = errors.flatMap(({ pos, code }) => lineBroken(code, at(pos[0])) ?? [])
  const root: Node | null = document.contents
  const positions = new PositionMap()
  return {
    value: valueOf(document, name, mistakes.length > 0),
    mistakes,
    deprecated: old.filter(({ isDouble }) => !isDouble).map((key) => deprecatedKey(key, at)),
    brokenLine: brokenLines.sort((a, b) => a - b)[0],
    position: (path, of = 'value') => at(positions.offsetOf(root, path, of)),
  }
}

/** The parser's own message, unless it is advice for programmers. */
function messageOf({ code, message }: YAMLError): string {
  return code === 'MULTIPLE_DOCS' ? 'a second YAML document begins here; write only one' : message
}

type Locate = (offset: number) => FilePosition

/** The first line that a mistake of the syntax leaves in doubt; undefined if there is none. */
function lineBroken(code: YAMLError['code'], { line }: FilePosition): number | undefined {
  if (code === 'TAG_RESOLVE_FAILED') return undefined
  // A quote or bracket without its end can begin anywhere before the position of the mistake.
  return code === 'MISSING_CHAR' ? 1 : line
}

function doubleKey(key: OldKey, at: Locate): FileMistake {
  const message = `\`${key.from}\` is the old name of \`${key.to}\`, which is given too`
  return { ...located(key, at), message, hint: `remove \`${key.from}\`` }
}

function deprecatedKey(key: OldKey, at: Locate): FileMistake {
  const message = `\`${key.from}\` is deprecated`
  return { ...located(key, at), message, hint: `rename it to \`${key.to}\`` }
}

function located({ path, offset }: FoundKey, at: Locate): FilePosition & { readonly path: string } {
  return { path: formatKeyPath(path), ...at(offset) }
}

/** @throws `config` if the aliases of an otherwise correct file cannot be resolved. */
function valueOf(document: Document, name: string, isWrong: boolean): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases })
  } catch (cause) {
    if (isWrong) return undefined
    throw new DrayError('config', `${name}: its aliases cannot be resolved`, {
      subject: name,
      why: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}

interface FoundKey {
  readonly path: Path
  readonly offset: number
}

/** The keys that repeat an earlier key of their map. */
function findRepeatedKeys(document: Document): readonly FoundKey[] {
  const found: FoundKey[] = []
  const search = (node: unknown, path: Path): void => {
    if (isSeq(node)) for (const [i, item] of node.items.entries()) search(item, [...path, i])
    if (!isMap(node)) return
    const seen = new Set<unknown>()
    for (const { key, value } of node.items) {
      const below = isScalar(key) ? [...path, String(key.value)] : path
      if (isScalar(key) && seen.has(key.value)) found.push({ path: below, offset: key.range?.[0] ?? 0 })
      if (isScalar(key)) seen.add(key.value)
      search(value, below)
    }
  }
  search(document.contents, [])
  return found
}
