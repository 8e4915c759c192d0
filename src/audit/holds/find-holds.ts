import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { holdPredicateType, isHoldTag } from '../../images/holds/hold-tag.ts'
import { endOfDay, formatDay } from '../../lib/day.ts'
import type { Digest } from '../../oci/digest.ts'
import { type HoldStatement, parseHoldStatement } from './hold-statement.ts'

/**
 * A statement that is dated later than this after now, in milliseconds, is of a wrong clock. As a
 * release, it ends nothing.
 */
export const maxAheadMs = 5 * 60_000

/** Why an image is held. */
export interface Hold {
  readonly digest: Digest
  /** `tag`: no statement explains the tag; `unreadable`: a statement that cannot be parsed */
  readonly kind: 'statement' | 'unreadable' | 'tag'
  /** the tag, or the manifest of the statement */
  readonly by: string
  /** of a readable statement */
  readonly statement?: HoldStatement
}

/** The held images of a repository. */
export interface Holds {
  readonly byDigest: ReadonlyMap<Digest, Hold>
  /** tags of holds that have ended; a delete of their image deletes them too */
  readonly endedTags: ReadonlySet<string>
}

/** A hold statement with its manifest. */
export interface AttachedHold {
  readonly artifact: Digest
  readonly subject: Digest
  /** undefined: it cannot be parsed */
  readonly statement: HoldStatement | undefined
  /** milliseconds since 1970; of a statement that cannot be parsed, what its manifest claims */
  readonly time: number | undefined
}

/**
 * Returns the images of a repository that are held, by statements and tags. A statement that cannot
 * be parsed holds too. A hold ends by its date, or by a later release that can be read. Pure.
 * @param now milliseconds since 1970
 */
export function findHolds({ nodes, tags }: Pick<RepositoryGraph, 'nodes' | 'tags'>, now: number): Holds {
  const attached = [...nodes.values()].flatMap((node) => attachedHold(node) ?? [])
  const byDigest = new Map<Digest, Hold>()
  const isKnown = new Set<Digest>()
  for (const [digest, statements] of Map.groupBy(attached, ({ subject }) => subject)) {
    isKnown.add(digest)
    const newest = findActive(statements, now)
    if (newest !== undefined) byDigest.set(digest, asHold(newest))
  }
  const endedTags = new Set<string>()
  for (const [tag, digest] of tags) {
    if (digest === null || !isHoldTag(tag) || byDigest.has(digest)) continue
    if (isKnown.has(digest)) endedTags.add(tag)
    else byDigest.set(digest, { digest, kind: 'tag', by: tag })
  }
  return { byDigest, endedTags }
}

/**
 * Returns the holds that are sure before all statements are read: a tag without a known statement
 * can be that of a hold that has ended.
 */
export function findSureHolds(graph: Pick<RepositoryGraph, 'nodes' | 'tags'>, now: number): Holds {
  const { byDigest, endedTags } = findHolds(graph, now)
  const tagged = [...byDigest.values()].filter(({ kind }) => kind === 'tag').map(({ digest }) => digest)
  const unsure = new Set(tagged)
  const tags = [...graph.tags].flatMap(([tag, digest]) =>
    isHoldTag(tag) && digest !== null && unsure.has(digest) ? [tag] : [],
  )
  return {
    byDigest: new Map([...byDigest].filter(([digest]) => !unsure.has(digest))),
    endedTags: new Set([...endedTags, ...tags]),
  }
}

/** Reads a referrer as a hold statement; undefined if it does not claim to be one. */
export function attachedHold({
  descriptor,
  subject,
  statement: layer,
  created,
}: RepositoryNode): AttachedHold | undefined {
  if (layer?.predicateType !== holdPredicateType || subject === undefined) return undefined
  const artifact = descriptor.digest
  try {
    if (layer.embedded !== undefined) {
      const statement = parseHoldStatement(layer.embedded, layer.layer.mediaType, subject)
      return { artifact, subject, statement, time: statement.time }
    }
  } catch {
    // A statement that cannot be parsed holds its image.
  }
  const time = Date.parse(created ?? '')
  return { artifact, subject, statement: undefined, time: Number.isNaN(time) ? undefined : time }
}

/**
 * Returns the newest hold that has not ended, one that can be read if there is one; undefined if
 * all have ended.
 * @param statements all of one image
 */
export function findActive(statements: readonly AttachedHold[], now: number): AttachedHold | undefined {
  const released = Math.max(
    -Infinity,
    ...statements.flatMap(({ statement }) =>
      statement?.decision === 'release' && statement.time <= now + maxAheadMs ? [statement.time] : [],
    ),
  )
  const active = statements.filter(({ statement, time }) => {
    if (statement?.decision === 'release') return false
    const end = statement?.expires === undefined ? undefined : endOfDay(statement.expires)
    return (time === undefined || time >= released) && (end === undefined || now < end)
  })
  const readable = active.filter(({ statement }) => statement !== undefined)
  const [newest] = (readable.length > 0 ? readable : active).toSorted(
    (a, b) => (b.time ?? Infinity) - (a.time ?? Infinity),
  )
  return newest
}

/** An attached statement as the reason why its image is held. */
export function asHold({ artifact, subject, statement }: AttachedHold): Hold {
  const base = { digest: subject, by: artifact }
  return statement === undefined ? { ...base, kind: 'unreadable' } : { ...base, kind: 'statement', statement }
}

/** Describes a hold for a person: `held by ada since 2026-11-24, reason "…"`. Not escaped. */
export function describeHold({ kind, by, statement }: Hold): string {
  if (kind === 'tag') return `held by the tag ${by}`
  if (statement === undefined) return `held by ${by.slice(0, 19)}, which dray cannot read`
  const { by: person, time, reason, ticket, expires } = statement
  return [
    `held${person === undefined ? '' : ` by ${person}`} since ${formatDay(time)}`,
    ...(reason === undefined ? [] : [`reason ${JSON.stringify(reason)}`]),
    ...(ticket === undefined ? [] : [`ticket ${ticket}`]),
    ...(expires === undefined ? [] : [`until ${expires}`]),
  ].join(', ')
}
