import { DrayError } from '../lib/errors.ts'
import { algorithmOf, type Digest, encodedOf, parseDigest } from '../oci/digest.ts'
import { Fields } from '../oci/fields.ts'
import { isRecord, parseJson } from '../oci/json.ts'

/** The media type of statements and of their DSSE payloads (in-toto, spec/v1/bundle.md). */
export const statementMediaType = 'application/vnd.in-toto+json'
/** The `_type` of the statements that dray writes (in-toto, spec/v1/statement.md). */
export const statementType = 'https://in-toto.io/Statement/v1'
/**
 * `cosign attest --predicate` still writes this type, with the same fields (in-toto, spec/v0.1.0).
 */
const olderStatementType = 'https://in-toto.io/Statement/v0.1'

/** in bytes: the largest attached artifact that gates read */
export const maxEvidenceSize: number = 32 * 1024 * 1024
/** The deepest nesting of JSON that gates read. Reports are deeper than manifests. */
export const maxEvidenceDepth = 100
const maxSubjects = 20_000

/** A statement of any kind. */
export interface InTotoStatement {
  /** each digest of each subject; never empty in a statement that is about an image */
  readonly subjects: readonly Digest[]
  /** the annotations that all subjects have, with the same values */
  readonly annotations: Readonly<Record<string, string>>
  readonly predicateType: string
  /** an object as parsed JSON; without fields if the statement has no predicate */
  readonly predicate: Readonly<Record<string, unknown>>
}

/**
 * Parses an in-toto statement v1 or v0.1. Ignores unknown fields, as its specification demands, and
 * subjects without a sha256 or sha512 digest. @throws `malformed`, naming `where`; `unsupported`
 * for a statement of another version.
 */
export function parseStatement(bytes: Uint8Array, where: string): InTotoStatement {
  if (bytes.byteLength > maxEvidenceSize)
    throw new DrayError('malformed', `${where} is larger than ${maxEvidenceSize} bytes`)
  const body = Fields.of(parseJson(bytes, where, maxEvidenceDepth), where)
  const type = body.text('_type')
  if (type !== statementType && type !== olderStatementType) {
    throw new DrayError('unsupported', `${where} is not an in-toto statement v1`, {
      why: `its _type is ${type}`,
    })
  }
  const subjects = body
    .list('subject', maxSubjects)
    .map((entry, i) => parseSubject(entry, `${where}.subject[${i}]`))
  return {
    subjects: subjects.flatMap(({ digests }) => digests),
    annotations: commonAnnotations(subjects),
    predicateType: body.text('predicateType'),
    predicate: predicateOf(body.value('predicate'), where),
  }
}

/** Formats a digest as a statement has it (in-toto, spec/v1/digest_set.md). */
export function digestMap(digest: Digest): Readonly<Record<string, string>> {
  return { [algorithmOf(digest)]: encodedOf(digest) }
}

interface StatementSubject {
  readonly digests: readonly Digest[]
  readonly annotations: ReadonlyMap<string, string>
}

function parseSubject(entry: unknown, where: string): StatementSubject {
  const fields = Fields.of(entry, where)
  const map = fields.object('digest')
  const digests = (['sha256', 'sha512'] as const).flatMap((algorithm) => {
    const hex = map.optionalText(algorithm)
    return hex === undefined ? [] : [parseDigest(`${algorithm}:${hex}`)]
  })
  const annotations = fields.value('annotations')
  const texts = isRecord(annotations) ? Object.entries(annotations) : []
  return { digests, annotations: new Map(texts.filter(isText)) }
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}

/** An annotation of one subject says nothing about the others. */
function commonAnnotations(subjects: readonly StatementSubject[]): Readonly<Record<string, string>> {
  const [first, ...others] = subjects
  const common = [...(first?.annotations ?? [])].filter(([key, value]) =>
    others.every(({ annotations }) => annotations.get(key) === value),
  )
  return Object.fromEntries(common)
}

/** A statement without a predicate has an empty one (in-toto, spec/v1/statement.md). */
function predicateOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value == null) return {}
  if (!isRecord(value)) throw new DrayError('malformed', `${where}.predicate is not an object`)
  return value
}
