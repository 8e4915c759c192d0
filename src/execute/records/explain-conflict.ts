import { affectedBy } from '../../audit/query/affected.ts'
import type { AuditRecord } from '../../audit/log/record.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { formatTagMover, type TagMover } from '../../plan/attempts/tag-mover.ts'
import { writtenTag } from '../../plan/attempts/written-tag.ts'
import type { StepOutcome } from '../../plan/outcome.ts'
import { isOfTag, readingOf, type Step } from '../../plan/plan.ts'
import { higherInLine } from '../../semver/line.ts'
import { parseVersion, versionTagsIn } from '../../semver/version.ts'

/** A tag that is on another digest than expected. */
export interface TagAtDigest {
  readonly repository: RepositoryName
  readonly tag: string
  /** null: the tag is gone */
  readonly digest: Digest | null
}

/** Finds the audit records of the moves behind conflicts. */
export interface ConflictPorts {
  /**
   * Finds the newest record that matches, as far back as this plan saw the registries. @throws what
   * reading the log throws.
   */
  readonly findRecord: (isMatch: (record: AuditRecord) => boolean) => Promise<AuditRecord | undefined>
  /** one text for all names of a repository: other runs may use another name of it */
  readonly identity: (repository: RepositoryName) => string
  /** what to do about a conflict with a run of the same audit log */
  readonly hint: string
}

/**
 * Adds to a conflict which run of the same audit log moved the tag. A log that cannot be read adds
 * nothing.
 */
export async function explainConflict(
  step: Step,
  outcome: StepOutcome,
  ports: ConflictPorts | undefined,
): Promise<StepOutcome> {
  if (outcome.result !== 'conflict' || outcome.error === undefined || ports === undefined) return outcome
  const isMatch = matcherOf(step, outcome, ports.identity)
  if (isMatch === undefined) return outcome
  const record = await ports.findRecord(isMatch).catch(() => 'unread' as const)
  if (record === 'unread') return outcome
  const movedBy = record === undefined ? null : moverOf(record)
  const { why, ...error } = outcome.error
  const sentence = formatTagMover(movedBy)
  return {
    ...outcome,
    movedBy,
    error: {
      ...error,
      why: why === undefined ? sentence : `${why}. ${sentence}`,
      ...(movedBy !== null && { hint: ports.hint }),
    },
  }
}

/** Finds the run that moved a tag; null: the log has no record of it. @throws as `findRecord`. */
export async function findTagMover(
  moved: TagAtDigest,
  { findRecord, identity }: Pick<ConflictPorts, 'findRecord' | 'identity'>,
): Promise<TagMover | null> {
  const record = await findRecord((one) => isMoveTo(one, moved, identity))
  return record === undefined ? null : moverOf(record)
}

function moverOf({ run, operation, image, actor, time, phase }: AuditRecord): TagMover {
  return {
    run,
    operation,
    ...(image !== undefined && { image }),
    actor,
    time,
    phase: phase === 'intent' ? 'intent' : 'outcome',
  }
}

/** Which records explain a conflict; undefined if none can. */
function matcherOf(
  step: Step,
  { before: found }: StepOutcome,
  identity: ConflictPorts['identity'],
): ((record: AuditRecord) => boolean) | undefined {
  const write = writtenTag(step)
  if (write === undefined || found === undefined) return undefined
  const { repository, tag } = write
  const own = step.expect.find((one) => isOfTag(one, repository, tag))
  if (own !== undefined && own.digest !== found)
    return (record) => isMoveTo(record, { repository, tag, digest: found }, identity)
  // the tag is as the plan saw it: a higher version came
  const highest = step.expect.find((one) => one.kind === 'highest')
  if (highest === undefined) return undefined
  const reading = readingOf(highest)
  const version = parseVersion(highest.version, reading)
  if (version === undefined) return undefined
  return (record) => {
    const affected = affectedBy(record)
    if (record.step?.kind !== 'tag' || affected?.tag === undefined) return false
    const brought = versionTagsIn([affected.tag], reading).map((one) => one.version)
    return (
      identity(affected.repository) === identity(repository) &&
      higherInLine(brought, highest.line, version) !== undefined
    )
  }
}

function isMoveTo(
  record: AuditRecord,
  { repository, tag, digest }: TagAtDigest,
  identity: ConflictPorts['identity'],
): boolean {
  const affected = affectedBy(record)
  if (affected === undefined || identity(affected.repository) !== identity(repository)) return false
  const kind = record.step?.kind
  const isDelete = kind === 'deleteTag' || kind === 'deleteManifest'
  if (digest === null) return isDelete && [affected.tag, ...(affected.lostTags ?? [])].includes(tag)
  return !isDelete && affected.tag === tag && affected.digest === digest
}
