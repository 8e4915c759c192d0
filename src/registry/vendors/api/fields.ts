import { DrayError } from '../../../lib/errors.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import type { VendorResponse } from '../vendor-api.ts'

/** An object of an answer. */
export type ApiFields = Readonly<Record<string, unknown>>

/** @throws `protocol` if the answer is no object. */
export function answerFields(value: unknown, host: string): ApiFields {
  if (isRecord(value)) return value
  throw new DrayError('protocol', `${host} sent an answer that is no object`, { subject: host })
}

/** Returns the objects of a list. @throws `protocol` if it is no list of objects. */
export function objectsOf(value: unknown, host: string): readonly ApiFields[] {
  if (Array.isArray(value) && value.every(isRecord)) return value
  throw new DrayError('protocol', `${host} sent an answer that is no list of objects`, { subject: host })
}

/** Returns a list that may be null or absent, as Go sends an empty one. */
export function optionalObjects(value: unknown, host: string): readonly ApiFields[] {
  return value == null ? [] : objectsOf(value, host)
}

/** @throws `protocol` if the field is no digest. */
export function digestField(fields: ApiFields, name: string, host: string): Digest {
  const value = fields[name]
  if (typeof value === 'string' && isDigest(value)) return value
  throw new DrayError('protocol', `${host} sent an entry whose ${name} is no digest`, { subject: host })
}

/** @throws `protocol` if the field is no text. */
export function textField(fields: ApiFields, name: string, host: string): string {
  const value = fields[name]
  if (typeof value === 'string' && value !== '') return value
  throw new DrayError('protocol', `${host} sent an entry without ${name}`, { subject: host })
}

/** Returns text, or undefined for an empty or absent field. */
export function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Parses a time (RFC 3339) to milliseconds since 1970; undefined for another text. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}T/.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}

/**
 * Returns the number of items of a whole list, from `X-Total-Count`. @throws `protocol` if it is
 * missing: an empty answer of a proxy would look like an empty list.
 */
export function totalOf({ headers, url }: Pick<VendorResponse, 'headers' | 'url'>): number {
  const total = countOf(headers.get('x-total-count'))
  if (total !== undefined) return total
  const context = { subject: url.host, hint: 'Check that no proxy in front of the API removes headers.' }
  throw new DrayError('protocol', `${url.host} sent a list without X-Total-Count`, context)
}

/** Returns the latest of the times that are known. */
export function latestOf(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** Returns a whole number that is not negative, also from text; undefined for anything else. */
export function countOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
