import * as v from 'valibot'
import { DrayError } from '../../lib/errors.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import { canonicalJson } from '../canonical-json.ts'

/** A kind of document, for messages. */
export interface DocumentKind {
  /** `dray.bundle/1` */
  readonly schema: string
  /** `a bundle document` */
  readonly noun: string
  readonly hint: string
  /** the bytes after the JSON */
  readonly end: '' | '\n'
}

/**
 * Parses a document that dray writes as canonical JSON, and refuses any other text of the same
 * value: a document has one form only.
 * @param name of the file
 * @throws `malformed`; `unsupported` for a document of another version.
 */
export function parseCanonical(
  bytes: Uint8Array,
  name: string,
  { schema, noun, hint, end }: DocumentKind,
  shape: v.GenericSchema,
): unknown {
  const value = parseJson(bytes, name)
  const family = schema.slice(0, schema.indexOf('/') + 1)
  const found = isRecord(value) ? value['schema'] : undefined
  if (typeof found !== 'string' || !found.startsWith(family)) {
    const why = `its key "schema" does not start with ${family}`
    throw new DrayError('malformed', `${name} is not ${noun}`, { why, hint, subject: name })
  }
  if (found !== schema) {
    throw new DrayError('unsupported', `cannot read ${name}`, {
      subject: name,
      why: `its schema is ${found.slice(0, 50)}, and this version of dray reads ${schema}`,
      hint: 'Use the version of dray that wrote it, or a newer one.',
    })
  }
  const parsed = v.safeParse(shape, value)
  if (!parsed.success) {
    const [issue] = parsed.issues
    const why = `${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`
    throw new DrayError('malformed', `${name} is not ${noun}`, { why, hint, subject: name })
  }
  if (!Buffer.from(`${canonicalJson(value)}${end}`).equals(bytes)) {
    const why = 'it is not the canonical JSON that dray writes'
    throw new DrayError('malformed', `${name} is not ${noun}`, { why, hint, subject: name })
  }
  return parsed.output
}
