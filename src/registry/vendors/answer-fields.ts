import { DrayError } from '../../lib/errors.ts'
import { type Digest, isDigest } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import type { ListOfPages } from './paging/page-bounds.ts'

type AnswerFields = Readonly<Record<string, unknown>>

/** The API sent a field that it does not document in this form. */
export function invalidAnswer({ doing, subject, host }: ListOfPages, why: string): DrayError {
  return new DrayError('protocol', `cannot ${doing}: ${host} sent an invalid answer`, { subject, why })
}

/** @throws `protocol` if the answer is not an object. */
export function answerObject(answer: unknown, list: ListOfPages): AnswerFields {
  if (isRecord(answer)) return answer
  throw invalidAnswer(list, 'the answer is not an object')
}

/**
 * Returns the objects of a list; none if the field is absent or null.
 * @throws `protocol` for anything else, because the list would be incomplete.
 */
export function objectsOf(value: unknown, list: ListOfPages): readonly AnswerFields[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(isRecord)) return value
  throw invalidAnswer(list, 'a list has an entry that is not an object')
}

/** @throws `protocol` if the field is not text. */
export function requiredText(fields: AnswerFields, name: string, list: ListOfPages): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw invalidAnswer(list, `an entry has no "${name}"`)
}

/** @throws `protocol` if the field is not a digest. */
export function requiredDigest(fields: AnswerFields, name: string, list: ListOfPages): Digest {
  const text = requiredText(fields, name, list)
  if (isDigest(text)) return text
  throw invalidAnswer(list, `"${name}" of an entry is not a digest`)
}

export function textOf(fields: AnswerFields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * Returns a time of RFC 3339 in milliseconds since 1970; undefined if it is absent.
 * @throws `protocol` for text that is not a time.
 */
export function timeOf(fields: AnswerFields, name: string, list: ListOfPages): number | undefined {
  const text = textOf(fields, name)
  if (text === undefined) return undefined
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(time)) return time
  throw invalidAnswer(list, `"${name}" of an entry is not a time`)
}

/** Returns the later of the times that are known. */
export function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** Returns a size in bytes, which Google writes as text; undefined if it is absent. */
export function sizeOf(fields: AnswerFields, name: string): number | undefined {
  const value = fields[name]
  const size = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  return typeof size === 'number' ? size : undefined
}
