import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { createdInConfig, readConfigBytes } from '../../images/config/image-config.ts'
import { inParallel } from '../../images/parallel.ts'
import { Reach } from '../../images/graph/reach.ts'
import { type LastReading, tagsOfPeople } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { type Reading, RepositoryReader } from '../../images/graph/repository-reader.ts'
import type {
  BlobReader,
  Capabilities,
  ManifestReader,
  NamedRepository,
  SourceRepository,
} from '../../images/ports.ts'
import { markedReach } from './decide-repository.ts'
import { isByTime } from './policy/judge.ts'
import type { RepositoryPolicy } from './policy/policy.ts'
import { whatIsHeld } from './policy/protect.ts'
import { selectTag } from './policy/select.ts'
import type { ConfigTime, Leftover, PruneRequest, RepositorySnapshot } from './snapshot.ts'
import { Times } from './policy/times.ts'

/** Configs that are read at once. */
const configsAtOnce = 16
/** Two clocks that differ by more say ages that nobody can rely on. */
const maxClockDifferenceMs = 3_600_000

export interface GatherOptions {
  readonly policy: RepositoryPolicy
  /** milliseconds since 1970, by this machine */
  readonly now: () => number
  readonly contents?: ContentStore
  readonly last?: LastReading
}

export interface GatheredRepository {
  readonly snapshot: RepositorySnapshot
  /** for the next run */
  readonly asLast: LastReading
}

/**
 * Reads all of a repository that the verdicts rest on: tags and manifests; the times that a rule asks for; and, where anything is marked, the referrers.
 * @throws what the store throws: of a repository that cannot be read whole nothing is deleted; `refused` where clocks are too far apart.
 */
export async function gather(
  store: SourceRepository,
  request: PruneRequest,
  options: GatherOptions,
  call: Call,
): Promise<GatheredRepository> {
  const { policy, contents, last } = options
  const reader = new RepositoryReader(store, {
    ...(contents !== undefined && { contents }),
    ...(last !== undefined && { last }),
  })
  const reading = reader.begin()
  await reading.addAllTags(call)
  const inUse = request.used.flatMap(({ at }) => ('digest' in at ? [at.digest] : []))
  await reading.addDigests(inUse, call)
  const leftovers = await addLeftovers(reading, store, request, call)
  const now = earlierNow(store, options.now())
  const configTimes = await readTimes(store, reading, request, now, options, call)
  const { graph } = reading
  const snapshot: RepositorySnapshot = {
    ...request,
    leftovers,
    graph,
    configTimes,
    now,
    canUntag: store.capability('deleteTag'),
    referrers: 'read',
  }
  const marked = markedReach(snapshot, policy)
  if (marked.size > 0) await reading.addReferrers(marked, call)
  return {
    snapshot: { ...snapshot, referrers: reading.isRemembered ? 'remembered' : 'read' },
    asLast: reading.asLast,
  }
}

/** Adds what an earlier run has left: what is there, though all that it belonged to is gone. Its evidence tags may still lead to it. */
async function addLeftovers(
  reading: Reading,
  store: ManifestReader,
  { leftovers }: PruneRequest,
  call: Call,
): Promise<readonly Leftover[]> {
  const looked = await inParallel(leftovers, configsAtOnce, call, async (leftover, c) => {
    const { of, digest } = leftover
    for (const parent of of) if ((await store.resolve({ digest: parent }, c)) !== undefined) return []
    const isSeen = reading.graph.nodes.has(digest)
    return isSeen || (await store.resolve({ digest }, c)) !== undefined ? [leftover] : []
  })
  const orphaned = looked.flat()
  await reading.addDigests(
    orphaned.map(({ digest }) => digest),
    call,
  )
  return orphaned
}

/** @throws `refused`. */
function earlierNow(store: NamedRepository & Capabilities, here: number): number {
  const difference = store.clockDifference() ?? 0
  if (Math.abs(difference) <= maxClockDifferenceMs) return here + Math.min(0, difference)
  const minutes = Math.round(Math.abs(difference) / 60_000)
  throw new DrayError(
    'refused',
    `the clock of ${store.repository.registry} and that of this machine are ${minutes} minutes apart: nothing is deleted by age`,
    {
      why: `here it is ${new Date(here).toISOString()}, there ${new Date(here + difference).toISOString()}`,
      hint: 'Set the clock that is wrong (NTP), then run again.',
    },
  )
}

/** Reads the configs of what a rule by time may mark, where no annotation says the time. */
async function readTimes(
  store: BlobReader,
  reading: Reading,
  request: PruneRequest,
  now: number,
  { policy, contents }: GatherOptions,
  call: Call,
): Promise<ReadonlyMap<Digest, ConfigTime>> {
  const { graph } = reading
  const byTime = policy.rules.filter(isByTime)
  const times = new Times(graph, { configTimes: new Map(), timeFrom: policy.timeFrom, now })
  const tags = tagsOfPeople(graph)
  const held = whatIsHeld(tags, policy.protect, request.used, new Reach(graph), (d) => graph.nodes.has(d))
  const wanted = new Map<Digest, RepositoryNode>()
  for (const [tag, digest] of tags) {
    if (held.digests.has(digest) || !byTime.some((rule) => selectTag(rule.tags, tag) !== undefined)) continue
    for (const node of times.configsFor(digest)) wanted.set(node.descriptor.digest, node)
  }
  const read = await inParallel([...wanted.values()], configsAtOnce, call, async (node, c) => {
    return [node.descriptor.digest, await configTime(store, node, contents, c)] as const
  })
  return new Map(read)
}

/** What is wrong with one config leaves one image undated; a registry that does not answer is another matter. */
async function configTime(
  store: BlobReader,
  { config }: RepositoryNode,
  contents: ContentStore | undefined,
  call: Call,
): Promise<ConfigTime> {
  if (config === undefined) return { why: 'it has none' }
  try {
    const kept = await contents?.get(config.digest)
    const bytes = kept ?? (await readConfigBytes(store, config, call))
    if (kept === undefined) await contents?.put(config.digest, bytes)
    return { created: createdInConfig(bytes, `config ${config.digest}`) }
  } catch (error) {
    if (!isDrayError(error) || !ofTheConfig.has(error.code)) throw error
    return { why: error.message }
  }
}

const ofTheConfig: ReadonlySet<string> = new Set(['not-found', 'malformed', 'corrupt', 'unsupported'])
