import { DrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'

/** How many characters of a damaged name may differ. */
const maxDamage = 2

/**
 * Refuses a key that is nearly the name of a field whose absence would mean "no findings". Unknown
 * keys are allowed, because scanners add fields without a new schema version.
 * @throws `malformed`, naming `where`.
 */
export function refuseDamagedNames(value: unknown, fields: readonly string[], where: string): void {
  if (!isRecord(value)) return
  for (const key of Object.keys(value)) {
    const field = fields.find((name) => name !== key && isNearly(key, name))
    if (field !== undefined)
      throw new DrayError('malformed', `${where} has the key ${JSON.stringify(key)} instead of ${field}`)
  }
}

/** Whether two names differ in the case of letters, or in few characters at one position. */
function isNearly(key: string, name: string): boolean {
  if (key.toLowerCase() === name.toLowerCase()) return true
  const shorter = Math.min(key.length, name.length)
  let start = 0
  while (start < shorter && key[start] === name[start]) start++
  let end = 0
  while (end < shorter - start && key.at(-1 - end) === name.at(-1 - end)) end++
  return Math.max(key.length, name.length) - start - end <= maxDamage
}
