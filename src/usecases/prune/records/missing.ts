import type { Rule } from '../../../config/retention/policy.ts'
import type { Call } from '../../../lib/call.ts'
import { imageTags } from '../../../images/graph/repository-graph.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import { isMissing } from '../../../images/graph/is-missing.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader } from '../../../images/ports.ts'
import type { Digest } from '../../../oci/digest.ts'
import { listOrphanedTags } from '../orphaned-tags.ts'
import type { OrphanedManifest } from '../snapshot.ts'
import type { MissingContent, RepositoryHistory, Sighting } from './history.ts'
import { listChildren, listMissingChildren } from './missing-children.ts'

/** Manifests that are checked at once. */
const checksAtOnce = 16

/** Content with a missing subject or child. It is not known yet since when. */
interface MissingSighting extends Sighting {
  readonly digests: readonly Digest[]
}

export interface MissingOptions {
  readonly store: ManifestReader
  readonly scan: RepositoryScan
  readonly rules: readonly Rule[]
  /** whether the rule selects the tag */
  readonly select: (rule: Rule, tag: string) => boolean
  /** manifests of interrupted runs, which are deleted anyway */
  readonly interrupted: readonly OrphanedManifest[]
  readonly sparse: ReadonlySet<Digest>
}

/**
 * Finds the orphaned attached artifacts and the tags on broken indexes that rules of these kinds
 * select. Content is missing if HEAD and GET answer 404.
 * @throws what the store throws: a failure never counts as missing.
 */
export async function findSightings(
  options: MissingOptions,
  call: Call,
): Promise<readonly MissingSighting[]> {
  const has = (kind: Rule['kind']): boolean => options.rules.some((rule) => rule.kind === kind)
  return [
    ...(has('orphaned') ? await findOrphaned(options, call) : []),
    ...(has('broken') ? await findBroken(options, call) : []),
  ]
}

/** Whether a run with these rules sees what a sighting is about. */
export function examines({ rules, select, scan }: MissingOptions): (sighting: Sighting) => boolean {
  return ({ kind, tag }) => {
    const own = rules.filter((rule) => rule.kind === kind)
    return own.length > 0 && (!scan.graph.tags.has(tag) || own.some((rule) => select(rule, tag)))
  }
}

/** By tag, for each kind. */
export function missingByTag(
  sightings: readonly MissingSighting[],
  sinceOf: (sighting: Sighting) => number,
): Pick<RepositoryHistory, 'orphaned' | 'broken'> {
  const byTag = (kind: Sighting['kind']): ReadonlyMap<string, MissingContent> =>
    new Map(
      sightings
        .filter((one) => one.kind === kind)
        .map((one) => [one.tag, { digests: one.digests, since: sinceOf(one) }]),
    )
  return { orphaned: byTag('orphaned'), broken: byTag('broken') }
}

async function findOrphaned(
  { store, scan, interrupted }: MissingOptions,
  call: Call,
): Promise<readonly MissingSighting[]> {
  const { graph } = scan
  const orphaned = [...listOrphanedTags(graph, interrupted)].flatMap(([tag, subject]) => {
    const digest = graph.tags.get(tag) ?? null
    // The name of a tag does not hold a whole sha512 digest: then the subject cannot be checked.
    return digest === null || subject === undefined ? [] : [{ tag, digest, subject }]
  })
  const missing = await missingAmong(
    orphaned.map(({ subject }) => subject),
    store,
    call,
  )
  return orphaned.flatMap(({ tag, digest, subject }) =>
    missing.has(subject) ? [{ kind: 'orphaned' as const, tag, digest, digests: [subject] }] : [],
  )
}

async function findBroken(
  { store, scan, rules, select, sparse }: MissingOptions,
  call: Call,
): Promise<readonly MissingSighting[]> {
  const broken = rules.filter(({ kind }) => kind === 'broken')
  const tags = [...imageTags(scan.graph)].filter(([tag]) => broken.some((rule) => select(rule, tag)))
  const roots = [...new Set(tags.map(([, digest]) => digest))]
  await scan.confirm(
    roots.flatMap((root) => listChildren(scan.graph, root).map((child) => child.digest)),
    call,
  )
  const { graph } = scan
  const absent = roots.flatMap((root) => listMissingChildren(graph, root, sparse).map((one) => one.digest))
  const missing = await missingAmong(absent, store, call)
  return tags.flatMap(([tag, digest]) => {
    const digests = listMissingChildren(graph, digest, sparse).flatMap((child) =>
      missing.has(child.digest) ? [child.digest] : [],
    )
    return digests.length === 0 ? [] : [{ kind: 'broken' as const, tag, digest, digests }]
  })
}

async function missingAmong(
  digests: readonly Digest[],
  store: ManifestReader,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const found = await inParallel([...new Set(digests)], checksAtOnce, call, async (digest, c) =>
    (await isMissing(store, digest, c)) ? [digest] : [],
  )
  return new Set(found.flat())
}
