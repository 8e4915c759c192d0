import { formatStatement } from '../../src/audit/attestation/statement-artifact.ts'
import { holdPredicate } from '../../src/audit/holds/hold-statement.ts'
import { holdPredicateType } from '../../src/images/holds/hold-tag.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-types.ts'
import type { RepositoryPlan, TagVerdict } from '../../src/plan/prune/prune-plan.ts'
import { decideFrom, type RepositoryDecision } from '../../src/usecases/prune/decide-repository.ts'
import { evaluatePolicy } from '../../src/usecases/prune/evaluate.ts'
import { explain } from '../../src/usecases/prune/policy/explain.ts'
import type { Explanation } from '../../src/usecases/prune/policy/explanation.ts'
import type { Rule, TagProtection } from '../../src/config/retention/policy.ts'
import type { TagSelector } from '../../src/selectors/tag-selector.ts'
import type { RepositoryPolicy, ReferenceInUse } from '../../src/usecases/prune/policy/policy.ts'
import type { RepositorySnapshot } from '../../src/usecases/prune/snapshot.ts'
import { LinearRegExp } from '../../src/lib/linear-regexp.ts'
import { statementMediaType } from '../../src/signing/statement.ts'
import { plainReading } from '../../src/semver/version.ts'
import { parseRange } from '../../src/semver/range/range.ts'
import type { RepositoryNode } from '../../src/images/graph/repository-node.ts'

const now: number = Date.parse('2026-06-01T00:00:00Z')
const day = 86_400_000

/** A manifest with names instead of digests. */
interface ManifestSketch {
  /** days before `now`, or the text of the annotation */
  readonly age?: number | string
  /** the same for the time in the config */
  readonly configAge?: number | string
  /** makes it an index; names of attestations begin with `att` */
  readonly children?: readonly string[]
  readonly subject?: string
  /** names of layers of 10 bytes each */
  readonly layers?: readonly string[]
  /** makes it a hold statement about its subject, with this predicate or these bytes */
  readonly hold?: HoldSketch | 'unreadable' | 'not embedded'
}

/** A statement of so many days before `now`. */
interface HoldSketch {
  readonly decision: 'hold' | 'release'
  readonly days: number
  readonly expires?: string
  readonly reason?: string
  /** another subject in the statement than that of the manifest */
  readonly about?: string
}

export interface RepositorySketch {
  readonly tags: Readonly<Record<string, string | null>>
  readonly manifests: Readonly<Record<string, ManifestSketch>>
  readonly inUse?: readonly ReferenceInUse[]
  readonly orphaned?: readonly {
    readonly name: string
    readonly of: readonly string[]
    readonly tags?: readonly string[]
  }[]
  readonly canUntag?: 'yes' | 'no' | 'unknown'
}

/** The digest that a name stands for. */
export function digestNamed(name: string): Digest {
  return digestOf(name)
}

/** The tag under which referrers of a manifest are listed. */
export function fallbackOf(name: string, suffix = ''): string {
  return `${digestNamed(name).replace(':', '-')}${suffix}`
}

function snapshotOf(sketch: RepositorySketch): RepositorySnapshot {
  const repository = { registry: 'r.example.com', path: 'dev/api' }
  const nodes = new Map(
    Object.entries(sketch.manifests).map(([name, one]) => [digestNamed(name), nodeOf(name, one)] as const),
  )
  const children = [...nodes.values()].flatMap((node) => node.children.map(({ digest }) => digest))
  return {
    repository,
    image: 'r.example.com/dev/api',
    inUse: sketch.inUse ?? [],
    orphaned: (sketch.orphaned ?? []).map(({ name, of, tags = [] }) => ({
      digest: digestNamed(name),
      of: of.map(digestNamed),
      tags,
    })),
    graph: {
      repository,
      tags: new Map(
        Object.entries(sketch.tags).map(([tag, name]) => [tag, name === null ? null : digestNamed(name)]),
      ),
      nodes,
      missing: new Set(children.filter((digest) => !nodes.has(digest))),
    },
    configTimes: new Map(
      Object.entries(sketch.manifests).map(([name, { configAge }]) => [
        digestNamed(name),
        { created: timeText(configAge) },
      ]),
    ),
    now,
    canUntag: sketch.canUntag ?? 'yes',
    referrers: 'read',
  }
}

/** A repository with an image for each tag, which is so many days old, or undated. */
export function taggedImages(ages: Readonly<Record<string, number | undefined>>): RepositorySketch {
  return {
    tags: Object.fromEntries(Object.keys(ages).map((tag) => [tag, tag])),
    manifests: Object.fromEntries(
      Object.entries(ages).map(([tag, age]) => [tag, age === undefined ? {} : { age }]),
    ),
  }
}

/** As `taggedImages`, with the first image the oldest and each one a day younger. */
export function taggedInOrder(tags: readonly string[]): RepositorySketch {
  return taggedImages(Object.fromEntries(tags.map((tag, i) => [tag, 100 + tags.length - i])))
}

/** Decides, and returns the deleted names and the verdict of each tag. */
export function decideSketch(
  sketch: RepositorySketch,
  policy: Partial<RepositoryPolicy>,
): {
  readonly decision: RepositoryDecision
  readonly plan: RepositoryPlan
  readonly deleted: readonly string[]
  readonly tag: (name: string) => TagVerdict
  readonly warnings: readonly string[]
  readonly explain: (tag: string) => Explanation
} {
  const whole: RepositoryPolicy = {
    protect: [],
    rules: [],
    limits: {},
    timeFrom: ['annotation', 'config'],
    reading: plainReading,
    ...policy,
  }
  const evaluation = evaluatePolicy(snapshotOf(sketch), whole)
  const decision = decideFrom(evaluation)
  const { plan, warnings } = decision
  const nameOf = new Map(Object.keys(sketch.manifests).map((name) => [digestNamed(name), name]))
  const deleted = plan.steps.map((step) =>
    step.kind === 'deleteManifest' ? (nameOf.get(step.target.digest) ?? '?') : `:${step.tag}`,
  )
  return {
    decision,
    plan,
    deleted,
    warnings,
    explain: (tag) => explain(evaluation, whole, { tag }),
    tag: (name) => {
      const found = plan.tags.find(({ tag }) => tag === name)
      if (found === undefined) throw new Error(`${name} is not in the plan`)
      return found
    },
  }
}

export function globs(...list: readonly string[]): TagSelector {
  return { kind: 'glob', globs: list }
}

export function regex(source: string): TagSelector {
  return { kind: 'regex', regex: LinearRegExp.parse(source) }
}

export function range(text: string): TagSelector {
  return { kind: 'semver', range: parseRange(text), text }
}

export function rule(name: string, rest: Partial<Omit<Rule, 'olderThan'>> & { days?: number } = {}): Rule {
  const { days, ...others } = rest
  return {
    name,
    kind: 'tags',
    orderBy: { by: 'time' },
    ...others,
    ...(days !== undefined && { olderThan: days * day }),
  }
}

export function protection(tags: TagSelector, newest?: TagProtection['newest']): TagProtection {
  const selector =
    tags.kind === 'semver' ? { ...tags, range: parseRange(tags.text, { includePrerelease: true }) } : tags
  return {
    kind: 'tags',
    name: 'protected',
    optional: false,
    tags: selector,
    ...(newest !== undefined && { newest }),
  }
}

/** The statement of a hold, as its manifest contains it. */
function holdOf(
  subject: string,
  hold: NonNullable<ManifestSketch['hold']>,
): Pick<RepositoryNode, 'statement' | 'created'> {
  const layer = { mediaType: statementMediaType, digest: digestNamed('statement'), size: 1 }
  const base = { layer, predicateType: holdPredicateType }
  if (hold === 'not embedded') return { statement: base }
  if (hold === 'unreadable') return { statement: { ...base, embedded: Buffer.from('{') } }
  const { about = subject, days, ...rest } = hold
  const digest = digestNamed(about)
  const repository = { registry: 'r.example.com', path: 'dev/api' }
  const actor = { user: 'ada', host: 'here' }
  const predicate = holdPredicate(
    { digest, time: now - days * day, ...rest },
    { repository, actor, run: 'run1', tool: '0' },
  )
  const descriptor = { mediaType: mediaTypes.manifest, digest, size: 1 }
  const embedded = formatStatement(repository, descriptor, holdPredicateType, predicate)
  return { statement: { ...base, embedded } }
}

function nodeOf(
  name: string,
  { age, children, subject, layers, configAge, hold }: ManifestSketch,
): RepositoryNode {
  const created = timeText(age)
  const config = { mediaType: mediaTypes.config, digest: digestNamed(`config of ${name}`), size: 10 }
  const blobs = (layers ?? [name]).map((layer) => ({ digest: digestNamed(`layer ${layer}`), size: 10 }))
  const base = {
    descriptor: {
      mediaType: children === undefined ? mediaTypes.manifest : mediaTypes.index,
      digest: digestNamed(name),
      size: 100,
    },
    children: (children ?? []).map((child) => ({
      digest: digestNamed(child),
      isAttestation: child.startsWith('att'),
    })),
    ...(subject !== undefined && { subject: digestNamed(subject) }),
    ...(subject !== undefined && hold !== undefined && holdOf(subject, hold)),
    ...(created !== undefined && { created }),
  }
  if (children !== undefined) return { ...base, kind: 'index', blobs: [] }
  return { ...base, kind: 'manifest', blobs: [config, ...blobs], ...(configAge !== undefined && { config }) }
}

function timeText(age: number | string | undefined): string | undefined {
  return typeof age === 'number' ? new Date(now - age * day).toISOString() : age
}
