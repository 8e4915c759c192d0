/**
 * Plans and executes many deletes with the sources in a folder: `node scripts/delete-many.ts FOLDER
 * COUNT`. Part of the bench. The repository is in memory and no rescan finds anything, so only dray
 * is measured.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Call } from '../src/lib/call.ts'
import type * as Execute from '../src/execute/execute.ts'
import type * as Digests from '../src/oci/digest.ts'
import type { DeleteOutcome } from '../src/plan/prune/prune-outcome.ts'
import type * as Decide from '../src/usecases/prune/decide.ts'
import type * as DecideRepository from '../src/usecases/prune/decide-repository.ts'
import type { RepositoryGraph } from '../src/images/graph/repository-graph.ts'
import type { RepositoryNode } from '../src/images/graph/repository-node.ts'
import type { RepositoryReader } from '../src/images/graph/repository-reader.ts'
import type { TargetRepository } from '../src/images/ports.ts'
import { plainReading } from '../src/semver/version.ts'

/** Each image is an index of two platforms with a signature. */
const manifestsPerImage = 4
const repository = { registry: 'registry.example.com', path: 'dev/api' }

/** Imports the first of the paths that exists: another commit may have another layout. */
type Sources = (...paths: readonly string[]) => Promise<unknown>

async function load(from: Sources) {
  const [digest, repositories, decide, execute] = await Promise.all([
    from('oci/digest.ts') as Promise<typeof Digests>,
    from('usecases/prune/decide-repository.ts', 'prune/decide-repository.ts') as Promise<
      typeof DecideRepository
    >,
    from('usecases/prune/decide.ts', 'prune/decide.ts') as Promise<typeof Decide>,
    from('execute/prune/execute-prune.ts', 'execute/execute-prune.ts', 'execute/execute.ts') as Promise<
      typeof Execute & { readonly executePrune?: typeof Execute.execute }
    >,
  ])
  return { ...digest, ...repositories, ...decide, execute: execute.executePrune ?? execute.execute }
}

type Dray = Awaited<ReturnType<typeof load>>

function graphOf(count: number, { digestOf }: Dray): RepositoryGraph {
  const tags = new Map<string, ReturnType<typeof digestOf>>()
  const nodes = new Map<ReturnType<typeof digestOf>, RepositoryNode>()
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const describe = (name: string) => ({ mediaType, digest: digestOf(name), size: 500 })
  const add = (name: string, node: Partial<RepositoryNode>): void => {
    const descriptor = describe(name)
    nodes.set(descriptor.digest, {
      descriptor,
      kind: 'image',
      children: [],
      blobs: [],
      ...node,
    } as RepositoryNode)
  }
  for (let i = 0; i < count / manifestsPerImage; i++) {
    const platforms = [`${i}-amd64`, `${i}-arm64`]
    tags.set(`pr-${i}`, digestOf(`${i}`))
    add(`${i}`, {
      kind: 'index',
      children: platforms.map((one) => ({ ...describe(one), isAttestation: false })),
    })
    for (const one of platforms) add(one, {})
    add(`${i}-signature`, { subject: digestOf(`${i}`) })
  }
  return { repository, tags, nodes, missing: new Set() }
}

function readerOf(store: TargetRepository): RepositoryReader {
  const nothing: RepositoryGraph = { repository, tags: new Map(), nodes: new Map(), missing: new Set() }
  const add = (): Promise<void> => Promise.resolve()
  const reading = { graph: nothing, addAllTags: add, addTags: add, addDigests: add, addReferrers: add }
  return { store, begin: () => reading, listTags: () => Promise.resolve([]) } as unknown as RepositoryReader
}

function storeOf(): TargetRepository {
  return {
    repository,
    capability: () => 'yes',
    resolve: () => Promise.resolve(undefined),
    deleteManifest: () => Promise.resolve('deleted'),
  } as unknown as TargetRepository
}

async function main(folder: string, count: number): Promise<void> {
  const dray = await load((...paths) => {
    const files = paths.map((path) => resolve(folder, 'src', path))
    return import(files.find((file) => existsSync(file)) ?? '')
  })
  const now = Date.parse('2026-06-01T00:00:00Z')
  const decision = dray.decideRepository(
    {
      repository,
      image: '@dev/api',
      inUse: [],
      orphaned: [],
      graph: graphOf(count, dray),
      configTimes: new Map(),
      now,
      canUntag: 'yes',
      referrers: 'read',
    },
    {
      protect: [],
      rules: [
        { name: 'previews', kind: 'tags', orderBy: { by: 'time' }, tags: { kind: 'glob', globs: ['pr-*'] } },
      ],
      limits: {},
      timeFrom: ['annotation'],
      reading: plainReading,
    },
  )
  const run = { hash: '', tool: '0', limits: {}, protections: [], inUse: [], isFullRun: true }
  const { plan } = dray.decide([{ kind: 'decided', decision }], run, new Date(now))
  const store = storeOf()
  const call: Call = { signal: new AbortController().signal, notify: () => undefined }
  // what versions without `readAt` need
  const older = { plannedJustNow: true, readSince: now }
  const ended: DeleteOutcome[] = []
  const returned = (await dray.execute(
    plan,
    {
      stores: { source: () => store, target: () => store },
      reader: () => readerOf(store),
      sink: { path: 'memory', write: () => Promise.resolve() },
      clock: { now: () => now, sleep: () => Promise.resolve() },
      actor: { user: 'bench', host: 'here' },
      tool: '0',
      newId: () => 'id',
      runId: 'run',
      stop: new AbortController().signal,
      readAt: now,
      ended: (_, outcomes) => void ended.push(...outcomes),
      ...older,
    },
    call,
  )) as readonly DeleteOutcome[] | undefined
  // older versions return the outcomes
  const outcomes = returned ?? ended
  const done = outcomes.filter(({ result }) => result === 'done').length
  if (done !== count) throw new Error(`${done} of ${count} deletes are done`)
}

const [folder, count] = process.argv.slice(2)
if (folder === undefined || count === undefined)
  throw new Error('usage: node scripts/delete-many.ts FOLDER COUNT')
await main(folder, Number(count))
