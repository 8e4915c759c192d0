import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { DrayError } from '../errors.ts'
import type { Issue, Path } from './shape.ts'

const maxFileSize = 1024 * 1024
const maxAliases = 100
const maxIssues = 20

/** A configuration file that was parsed and can still say where in it something stands. */
export interface ConfigSource {
  readonly value: unknown
  /** `line:column`, both from 1, of a key or of its value; of what encloses it where it is not there */
  position(path: Path, at?: 'key' | 'value'): string
}

/**
 * Parses YAML 1.2, and JSON as the part of YAML that it is. Nothing in it is executed: tags of other types are errors.
 * @param name the file, as it is called in errors
 * @throws `config` with line and column, for duplicate keys and for too many aliases too.
 */
export function parseSource(content: string, name: string): ConfigSource {
  if (content.length > maxFileSize) {
    throw new DrayError('config', `${name} is larger than ${maxFileSize} bytes`, { subject: name })
  }
  const lines = new LineCounter()
  const document = parseDocument(content, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(Math.min(offset, content.length))
    return `${line}:${col}`
  }
  const mistakes = [...document.errors, ...document.warnings]
  if (mistakes.length > 0) {
    throw mistakeError(
      name,
      mistakes.map((e) => `${name}:${at(e.pos[0])}: ${e.message}`),
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
  return { value, position: (path, of = 'value') => at(offsetOf(root, path, of)) }
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

/** Follows a path as far as it goes. */
function offsetOf(root: Node | null, path: Path, of: 'key' | 'value'): number {
  let node: unknown = root
  let offset = startOf(root) ?? 0
  for (const [depth, step] of path.entries()) {
    const found = child(node, step)
    if (found === undefined) return offset
    const wantsKey = of === 'key' && depth === path.length - 1
    offset = startOf(wantsKey ? found.key : found.value) ?? startOf(found.key) ?? offset
    node = found.value
  }
  return offset
}

function child(node: unknown, step: string | number): { key: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const value = node.items[step]
    return value === undefined ? undefined : { key: value, value }
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
  )
  return pair === undefined ? undefined : { key: pair.key, value: pair.value }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
