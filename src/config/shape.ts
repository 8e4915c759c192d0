import * as v from 'valibot'
import { nearest } from '../lib/nearest.ts'
import { isRecord } from '../oci/json.ts'
import type { Path } from './key-path.ts'
import { schema, type WrittenConfig } from './schema/schema.ts'

/** One mistake in a configuration. */
export interface Issue {
  readonly path: Path
  /** whether the key or its value is wrong */
  readonly at: 'key' | 'value'
  readonly message: string
  /** the fix, such as the nearest known key */
  readonly hint?: string
  /** the key of the path is missing */
  readonly isMissing?: boolean
  /** something in the map or beside the key is missing, perhaps because it is wrong itself */
  readonly needs?: boolean
}

/** Adds a mistake, by default in a value. */
export type ReportIssue = (path: Path, message: string, at?: Issue['at'], needs?: boolean) => void

/** Keys that every JavaScript object has. A name like that would be lost silently. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Checks the keys and types of a parsed file. Returns its content or every mistake. */
export function readShape(value: unknown): { config: WrittenConfig } | { issues: readonly Issue[] } {
  const unknown = [...unknownKeys(schema, value, [])]
  const result = checkTypes(value)
  if ('config' in result && unknown.length === 0) return result
  const others = 'config' in result ? [] : result.issues
  const isKnown = (issue: Issue): boolean => isMistyped(issue, unknown) || isInList(issue, unknown)
  return { issues: [...unknown, ...others.filter((issue) => !isKnown(issue))] }
}

/** As `readShape`, without unknown keys. */
export function checkTypes(value: unknown): { config: WrittenConfig } | { issues: readonly Issue[] } {
  const result = v.safeParse(schema, value)
  return result.success
    ? { config: result.output }
    : { issues: result.issues.flatMap((issue) => explain(issue) ?? []) }
}

/** Whether a missing key is there with a mistake in its name. */
function isMistyped({ path, isMissing }: Issue, unknown: readonly UnknownKey[]): boolean {
  if (isMissing !== true) return false
  const parent = JSON.stringify(path.slice(0, -1))
  return unknown.some((one) => one.near === path.at(-1) && JSON.stringify(one.path.slice(0, -1)) === parent)
}

/** Whether a mistake is about an entry of a list that must be a map. */
function isInList({ path }: Issue, unknown: readonly UnknownKey[]): boolean {
  const parent = JSON.stringify(path.slice(0, -1))
  return unknown.some((one) => one.message === mustBeMap && JSON.stringify(one.path) === parent)
}

const mustBeMap = 'must be a map, but is a list'

interface UnknownKey extends Issue {
  /** the nearest known key */
  readonly near?: string
}

/** Finds every unknown key, with the nearest known one. valibot stops at the first of an object. */
function* unknownKeys(type: v.GenericSchema, value: unknown, path: Path): Iterable<UnknownKey> {
  const known = resolve(type, value)
  if (known.items !== undefined && Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* unknownKeys(known.items, item, [...path, i])
  }
  if (known.keys === undefined && known.values === undefined) return
  if (Array.isArray(value)) {
    // For valibot, a list is a record with the keys 0, 1, 2 …
    yield { path, at: 'value', message: mustBeMap }
    return
  }
  if (!isRecord(value)) return
  for (const [key, child] of Object.entries(value)) {
    const below = [...path, key]
    if (reserved.has(key)) {
      yield { path: below, at: 'key', message: `${JSON.stringify(key)} cannot be used as a name` }
      continue
    }
    const shape = known.values ?? known.keys?.[key]
    if (shape !== undefined) yield* unknownKeys(shape, child, below)
    else yield unknownKey(below, key, Object.keys(known.keys ?? {}))
  }
}

function unknownKey(path: Path, key: string, known: readonly string[]): UnknownKey {
  const near = nearest(key, known)
  const listed = known.filter((name) => !name.startsWith('$')).join(', ')
  const hint = near === undefined ? `known here: ${listed}` : `did you mean ${JSON.stringify(near)}?`
  const message = `unknown key ${JSON.stringify(key)}`
  return { path, at: 'key', message, hint, ...(near !== undefined && { near }) }
}

interface Resolved {
  /** of an object with known keys */
  readonly keys?: Readonly<Record<string, v.GenericSchema>>
  /** of a map with any keys */
  readonly values?: v.GenericSchema
  /** of a list */
  readonly items?: v.GenericSchema
}

function resolve(type: v.GenericSchema, value: unknown): Resolved {
  const any = type as v.GenericSchema & {
    readonly wrapped?: v.GenericSchema
    /** of a choice that depends on the value */
    readonly getter?: (value: unknown) => v.GenericSchema
    readonly entries?: Readonly<Record<string, v.GenericSchema>>
    readonly value?: v.GenericSchema
    readonly item?: v.GenericSchema
  }
  if (any.wrapped !== undefined) return resolve(any.wrapped, value)
  if (any.getter !== undefined && value !== undefined) return resolve(any.getter(value), value)
  if (any.type === 'strict_object' && any.entries !== undefined) return { keys: any.entries }
  if (any.type === 'record' && any.value !== undefined) return { values: any.value }
  if (any.type === 'array' && any.item !== undefined) return { items: any.item }
  return {}
}

/** Converts an issue of valibot; undefined if `unknownKeys` has reported it. */
function explain(issue: v.BaseIssue<unknown>): Issue | undefined {
  const path = (issue.path ?? []).map((item) => item.key as string | number)
  const last = issue.path?.at(-1)
  if (issue.type !== 'strict_object') {
    return { path, at: last?.origin === 'key' ? 'key' : 'value', message: issue.message }
  }
  if (issue.expected === 'never' || Array.isArray(issue.input)) return undefined
  if (last?.origin === 'key') {
    return Array.isArray(last.input)
      ? undefined
      : { path, at: 'key', message: 'the key is missing', isMissing: true }
  }
  return { path, at: 'value', message: ownMessage(issue) ?? 'must be a map' }
}

/** The message of the schema. valibot's default messages are not shown. */
function ownMessage({ message }: v.BaseIssue<unknown>): string | undefined {
  return message.startsWith('must be ') ? message : undefined
}
