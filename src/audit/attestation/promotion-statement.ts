import { DrayError } from '../../lib/errors.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import {
  bundleRegistry,
  checkPath,
  formatReference,
  formatRepository,
  layoutRegistry,
  parseRegistry,
  parseTag,
  type RepositoryName,
} from '../../oci/reference.ts'
import { withoutUsualPort } from '../../oci/registry-host.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { Hash, PlacementEnd as Place } from '../../plan/plan.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import { Fields } from '../../oci/fields.ts'
import { digestMap, type InTotoStatement, statementType } from '../../signing/statement.ts'
import type { Actor, CiJob } from '../log/record.ts'
import { promotedGatesOf } from './promoted-gates.ts'

/** The predicate type of the promotion of an image from one repository to another. */
export const promotionPredicateType = 'urn:dray:promotion:v1'
/** in bytes: enough for some 10,000 attached artifacts */
const maxStatementSize = 1024 * 1024
const maxItems = 20_000

/** The content of a promotion attestation. dray attaches it before it moves the tags. */
export interface Promotion {
  readonly digest: Digest
  /** `tag` is the tag that the source was resolved by */
  readonly from: Place
  readonly to: Omit<Place, 'tag'>
  readonly tags: readonly PromotedTag[]
  readonly actor: Actor
  readonly reason?: string
  readonly ticket?: string
  /** the id of the run, as in audit records */
  readonly run: string
  readonly plan: Hash
  /** hash of the configuration and flags of the decision */
  readonly policy: Hash
  /** digests of the attached artifacts that are copied too */
  readonly evidence: readonly Digest[]
  /** the results of the gates of the destination, as in the plan; absent if it has none */
  readonly gates?: readonly GateResult[]
  /** when the plan was made: ISO 8601, UTC */
  readonly plannedAt: string
  /** when the plan was executed, just before the tags moved: ISO 8601, UTC */
  readonly time: string
  /** version of dray */
  readonly tool: string
}

interface PromotedTag {
  readonly tag: string
  /** the digest that the tag had; null if it did not exist */
  readonly before: Digest | null
}

/**
 * Formats the statement about the promoted digest: the same bytes for the same values. The
 * predicate has all fields of the Kubernetes promoter (`https://k8s.io/promo-tools/promotion/v1`)
 * that apply here, under their names, and more. @throws `refused` if the statement is larger than a
 * reader accepts.
 */
export function formatPromotion(promotion: Promotion): Uint8Array {
  const { digest, to } = promotion
  const bytes = new TextEncoder().encode(
    canonicalJson({
      _type: statementType,
      subject: [{ name: formatRepository(to.repository), digest: digestMap(digest) }],
      predicateType: promotionPredicateType,
      predicate: predicateOf(promotion),
    }),
  )
  if (bytes.byteLength > maxStatementSize) {
    throw new DrayError('refused', `the attestation would be larger than ${maxStatementSize} bytes`, {
      subject: formatReference({ ...to.repository, digest }),
      hint: 'Pass a shorter --reason.',
    })
  }
  return bytes
}

/** Repeats each digest that a person may search for. */
function predicateOf(promotion: Promotion): Readonly<Record<string, unknown>> {
  const { digest, from, to, tags, actor, tool } = promotion
  const { ci } = actor
  return {
    srcRef: formatReference({ ...from.repository, ...(from.tag !== undefined && { tag: from.tag }), digest }),
    dstRef: formatRepository(to.repository),
    digest,
    timestamp: promotion.time,
    builderId: `urn:dray@${tool}`,
    promoter: { version: tool },
    tags: tags.map(({ tag }) => tag),
    tagsBefore: Object.fromEntries(tags.map(({ tag, before }) => [tag, before])),
    source: resource(from, digest),
    destination: resource(to, digest),
    ...(ci !== undefined && { job: jobOf(ci) }),
    actor,
    ...(promotion.reason !== undefined && { reason: promotion.reason }),
    ...(promotion.ticket !== undefined && { ticket: promotion.ticket }),
    run: promotion.run,
    plan: promotion.plan,
    policy: promotion.policy,
    plannedAt: promotion.plannedAt,
    gates: promotion.gates ?? [],
    evidence: promotion.evidence,
  }
}

function jobOf({ job, run }: CiJob): Readonly<Record<string, string>> {
  return { ...(job !== undefined && { name: job }), ...(run !== undefined && { buildId: run }) }
}

/** in-toto attestation, spec/v1/resource_descriptor.md */
function resource(
  { repository, environment, tag }: Place,
  digest: Digest,
): Readonly<Record<string, unknown>> {
  const annotations = { ...(environment !== undefined && { environment }), ...(tag !== undefined && { tag }) }
  return {
    name: formatRepository(repository),
    digest: digestMap(digest),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  }
}

/**
 * Parses the promotion in a statement. @throws `malformed`, naming `where`, also if the subject and
 * the promotion have different digests.
 */
export function promotionOf(
  { subjects, predicateType, predicate: value }: InTotoStatement,
  where: string,
): Promotion {
  if (predicateType !== promotionPredicateType) {
    throw new DrayError('malformed', `${where} does not describe a promotion`, {
      why: `its predicate is ${predicateType}`,
    })
  }
  const predicate = Fields.of(value, `${where}.predicate`)
  const digest = predicate.digest('digest')
  const [subject, ...others] = subjects
  if (subject !== digest || others.length > 0) {
    throw new DrayError('malformed', `${where} has another subject than its promotion`, {
      why: `its subject is ${subjects.slice(0, 3).join(', ') || 'missing'}, and its promotion has the digest ${digest}`,
    })
  }
  const reason = predicate.optionalText('reason')
  const ticket = predicate.optionalText('ticket')
  const gates = promotedGatesOf(predicate, where)
  return {
    digest,
    from: placeOf(predicate.object('source')),
    to: placeOf(predicate.object('destination')),
    tags: tagsOf(predicate),
    actor: actorOf(predicate.object('actor')),
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
    run: predicate.text('run'),
    plan: predicate.text('plan'),
    policy: predicate.text('policy'),
    evidence: predicate
      .list('evidence', maxItems)
      .map((item) => parseDigest(typeof item === 'string' ? item : '')),
    ...(gates.length > 0 && { gates }),
    plannedAt: predicate.time('plannedAt'),
    time: predicate.time('timestamp'),
    tool: predicate.object('promoter').text('version'),
  }
}

function placeOf(fields: Fields): Place {
  const annotations = fields.optionalObject('annotations')
  const environment = annotations?.optionalText('environment')
  const tag = annotations?.optionalText('tag')
  return {
    repository: repositoryOf(fields.text('name')),
    ...(environment !== undefined && { environment }),
    ...(tag !== undefined && { tag: parseTag(tag) }),
  }
}

/** Parses a name as `formatRepository` writes it: the first part is always the registry. */
function repositoryOf(name: string): RepositoryName {
  if (name.startsWith(layoutRegistry)) {
    return { registry: layoutRegistry, path: name.slice(layoutRegistry.length) }
  }
  if (name.startsWith(bundleRegistry)) {
    return { registry: bundleRegistry, path: name.slice(bundleRegistry.length) }
  }
  const slash = name.indexOf('/')
  const path = name.slice(slash + 1)
  checkPath(path, name)
  return { registry: withoutUsualPort(parseRegistry(name.slice(0, Math.max(slash, 0)))), path }
}

function tagsOf(predicate: Fields): readonly PromotedTag[] {
  const before = predicate.object('tagsBefore')
  return predicate.list('tags', maxItems).map((item) => {
    const tag = parseTag(typeof item === 'string' ? item : '')
    return { tag, before: before.optionalDigest(tag) ?? null }
  })
}

function actorOf(fields: Fields): Actor {
  const ci = fields.optionalObject('ci')
  const claimedActor = fields.optionalText('says')
  return {
    user: fields.text('user'),
    host: fields.text('host'),
    ...(ci !== undefined && {
      ci: { service: ci.text('service'), ...ci.texts('user', 'run', 'job', 'commit', 'repository') },
    }),
    ...(claimedActor !== undefined && { says: claimedActor }),
  }
}
