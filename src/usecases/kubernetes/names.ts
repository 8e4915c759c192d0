import { createHash } from 'node:crypto'
import { DrayError } from '../../lib/errors.ts'

/** The longest label of RFC 1123, and the longest value of a label in Kubernetes. */
export const maxNameLength = 63

/** RFC 1123, section 2.1, as Kubernetes checks it (IsDNS1123Label). */
const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
/** Several labels, with dots between them (IsDNS1123Subdomain). */
const subdomain = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const maxSubdomainLength = 253
const hashLength = 6

/**
 * Returns a name of at most `length` characters that is a label of RFC 1123.
 * @throws `usage`.
 */
export function checkLabel(name: string, flag: string, length: number = maxNameLength): string {
  if (name.length <= length && label.test(name)) return name
  throw new DrayError('usage', `${JSON.stringify(name)} is not a value of ${flag}`, {
    hint: `Use at most ${length} lower-case letters, digits and "-". Begin and end with a letter or digit.`,
  })
}

/** Returns the name of a Secret or another object (RFC 1123, subdomain). @throws `usage`. */
export function checkObjectName(name: string, flag: string): string {
  if (name.length <= maxSubdomainLength && subdomain.test(name)) return name
  throw new DrayError('usage', `${JSON.stringify(name)} is not a value of ${flag}`, {
    hint: 'Use lower-case letters, digits, "-" and ".". Begin and end with a letter or digit.',
  })
}

/**
 * Returns `PREFIX-NAME` as a label of at most `length` characters. A name that has to change for it
 * gets a part of its hash, so that two names never become one.
 */
export function labelFor(prefix: string, name: string, length: number): string {
  const whole = `${prefix}-${name}`
  if (whole.length <= length && label.test(whole)) return whole
  const hash = createHash('sha256').update(name).digest('hex').slice(0, hashLength)
  const plain = whole.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return `${plain.slice(0, length - hashLength - 1).replace(/-+$/, '')}-${hash}`
}
