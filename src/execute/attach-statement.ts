import {
  formatStatement,
  putStatement,
  type StatementArtifact,
  statementArtifact,
} from '../audit/attestation/statement-artifact.ts'
import type { StatementStep } from '../audit/log/record.ts'
import { listReferrers } from '../images/evidence/referrers.ts'
import type { Repositories, TargetRepository, UnlistedReferrer } from '../images/ports.ts'
import type { Call } from '../lib/call.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../lib/errors.ts'
import { annotationKeys } from '../oci/annotations.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, digestOf, encodedOf } from '../oci/digest.ts'
import { fallbackTag } from '../oci/evidence-tags.ts'
import { predicateTypeOf } from '../oci/evidence-kind.ts'
import { formatAt, type RepositoryName } from '../oci/reference.ts'
import { canonicalJson } from '../plan/canonical-json.ts'
import type { StatementOperation } from '../plan/plan.ts'
import { hintOf } from '../signing/sigstore-bundle.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import { type RecordFields, type RecordPorts, RecordWriter } from './records/record-writer.ts'

/** Annotations of the manifest of a statement: hashes of `unlessNewest`. */
const scopeAnnotation = 'dray.statement.scope'
const contentAnnotation = 'dray.statement.content'

/** A statement of a person about an image that exists. */
export interface StatementToAttach {
  readonly operation: StatementOperation
  /** the image as the user named it */
  readonly image: string
  readonly environment?: string
  readonly repository: RepositoryName
  readonly subject: Descriptor
  readonly predicateType: string
  /** its texts `decision` and `expires` are also in the audit record */
  readonly predicate: object
  /** signs the statement; it is not signed if it is absent */
  readonly key?: SigningKey
  /**
   * The newest statement of the same type, scope and key is kept if it has this content: a second
   * run then attaches nothing. If it is absent, the statement is always attached.
   */
  readonly unlessNewest?: { readonly scope: object; readonly content: object }
}

export interface StatementPorts extends RecordPorts {
  readonly stores: Repositories
}

export interface AttachedStatement {
  /** the manifest of the statement */
  readonly artifact: Digest
  readonly result: 'done' | 'unchanged'
}

/**
 * Attaches a statement to an image as a referrer, lists it under the fallback tag if the registry
 * has no referrers API, and writes audit records of it.
 * @throws `refused` for a statement that is too large; `audit`; what the store throws
 */
export async function attachStatement(
  statement: StatementToAttach,
  ports: StatementPorts,
  call: Call,
): Promise<AttachedStatement> {
  const { repository, subject } = statement
  const store = ports.stores.target(repository)
  const artifact = artifactOf(statement, new Date(ports.clock.now()))
  const existing = await findNewestEqual(statement, store, call)
  const attached = existing ?? artifact.manifest.descriptor.digest
  const step = stepOf(statement, attached)
  const records = new RecordWriter({ operation: statement.operation, steps: [step] }, ports)
  const fields = { ...fieldsOf(statement), step }
  if (existing !== undefined) {
    await records.outcomes([{ ...fields, result: 'unchanged' }])
    return { artifact: existing, result: 'unchanged' }
  }
  await records.intents([fields])
  try {
    await attach(artifact, store, subject, call)
  } catch (error) {
    await records.outcomes([{ ...fields, result: 'failed', error: toErrorInfo(error) }])
    throw error
  }
  await records.outcomes([{ ...fields, result: 'done' }])
  return { artifact: attached, result: 'done' }
}

/**
 * Records a decision about an image that does not exist, and attaches nothing. @throws `audit`.
 */
export async function recordStatement(statement: StatementToAttach, ports: RecordPorts): Promise<void> {
  const step = stepOf(statement, undefined)
  const records = new RecordWriter({ operation: statement.operation, steps: [step] }, ports)
  await records.outcomes([{ ...fieldsOf(statement), step, result: 'unchanged' }])
}

/** Records that statements are refused before anything is written. @throws `audit`. */
export async function recordStatementRefusals(
  operation: StatementOperation,
  refused: readonly (Pick<StatementToAttach, 'image' | 'environment'> & { readonly error: ErrorInfo })[],
  ports: RecordPorts,
): Promise<void> {
  const records = new RecordWriter({ operation, steps: [] }, ports)
  await records.refusals(refused.map(({ error, ...one }) => ({ ...fieldsOf(one), error })))
}

/** The fields of the records about an image of a change without a plan. */
export function fieldsOf({
  image,
  environment,
}: Pick<StatementToAttach, 'image' | 'environment'>): RecordFields {
  return { image, ...(environment !== undefined && { environment: { to: environment } }) }
}

function artifactOf(statement: StatementToAttach, now: Date): StatementArtifact {
  const { repository, subject, predicateType, predicate, key } = statement
  return statementArtifact({
    statement: formatStatement(repository, subject, predicateType, predicate),
    predicateType,
    subject,
    key,
    annotations: { [annotationKeys.created]: now.toISOString(), ...hashesOf(statement) },
    isEmbedded: true,
  })
}

function hashesOf({ unlessNewest, key }: StatementToAttach): Readonly<Record<string, string>> {
  if (unlessNewest === undefined) return {}
  const { scope, content } = unlessNewest
  return {
    [scopeAnnotation]: digestOf(canonicalJson({ scope, key: key === undefined ? null : hintOf(key) })),
    [contentAnnotation]: digestOf(canonicalJson(content)),
  }
}

/** The newest statement of the scope, if it has the same content and exists. */
async function findNewestEqual(
  statement: StatementToAttach,
  store: TargetRepository,
  call: Call,
): Promise<Digest | undefined> {
  const { unlessNewest, predicateType, subject } = statement
  if (unlessNewest === undefined) return undefined
  const hashes = hashesOf(statement)
  const listed = await listReferrers(store, subject.digest, call)
  const newest = listed
    .filter(
      ({ annotations }) =>
        predicateTypeOf(annotations) === predicateType &&
        annotations?.[scopeAnnotation] === hashes[scopeAnnotation],
    )
    .reduce<Descriptor | undefined>((a, b) => (a === undefined || timeOf(b) >= timeOf(a) ? b : a), undefined)
  if (newest === undefined) return undefined
  if (newest.annotations?.[contentAnnotation] !== hashes[contentAnnotation]) return undefined
  // An entry under a fallback tag may name a manifest that was deleted.
  return (await store.resolve({ digest: newest.digest }, call))?.digest
}

function timeOf({ annotations }: Descriptor): string {
  return annotations?.[annotationKeys.created] ?? ''
}

function stepOf(statement: StatementToAttach, artifact: Digest | undefined): StatementStep {
  const { repository, subject, predicateType } = statement
  const { decision, expires } = statement.predicate as Readonly<Record<string, unknown>>
  return {
    // A run can attach several statements.
    id: `s.${encodedOf(artifact ?? subject.digest).slice(0, 12)}`,
    kind: 'attest',
    repository,
    subject,
    predicateType,
    ...(artifact !== undefined && { artifact }),
    ...(typeof decision === 'string' && { decision }),
    ...(typeof expires === 'string' && { expires }),
  }
}

async function attach(
  artifact: StatementArtifact,
  store: TargetRepository,
  subject: Descriptor,
  call: Call,
): Promise<void> {
  const { unlisted } = await putStatement(store, artifact, subject, call)
  for (const one of unlisted) await list(one, store, call)
}

async function list(
  { subject, entry }: UnlistedReferrer,
  store: TargetRepository,
  call: Call,
): Promise<void> {
  const listing = await store.addToFallbackTag(subject, [entry], call)
  const missing =
    listing.missing.length > 0
      ? listing.missing
      : await store.confirmFallbackTag(subject, [entry], listing, call)
  if (missing.length === 0) return
  const at = formatAt(store.repository, { digest: subject })
  throw new DrayError('conflict', `the registry does not list the statement about ${at}`, {
    subject: at,
    why: `each time another client overwrote ${formatAt(store.repository, { tag: fallbackTag(subject) })}`,
    hint: 'Run the command again when no other client changes the referrers of this image.',
  })
}
