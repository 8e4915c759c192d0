import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import type { ProfileName } from '../../../src/embedded/profiles.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { type RunningRegistry, startRegistry } from '../../../src/embedded/server.ts'
import type { UploadLimits } from '../../../src/registry/client/client.ts'
import { type DockerRegistry, startDockerRegistry } from '../docker-registry.ts'
import { type Content, cosignSignature, image, index, referrer, together } from '../images.ts'
import { Oracle } from '../oracle.ts'

export const tag = '1.4.2'
export const source = 'staging/api'
export const target = 'prod/api'
export const user = { name: 'ada', password: 'secret' } as const

/** What is promoted, from what kind of registry to what kind. */
export interface SetUp {
  readonly name: string
  readonly profile: ProfileName
  /** within one registry, or from one to another */
  readonly within: boolean
  readonly guarded: boolean
  /** the tag stands on this at the destination, and is to be moved */
  readonly old: Content | undefined
  readonly content: Content
  /** Debian's docker-registry instead of the embedded one; its upload sessions are not counted */
  readonly real?: true
  readonly uploads?: UploadLimits
}

const old = image({ label: 'old', layers: 1 })
const plain = image({ label: 'new', layers: 3 })
const large = image({ label: 'large', layers: 2, layerSize: 20_000 })

function withEvidence(): Content {
  const main = index(['amd64', 'arm64'], { label: 'new', layers: 2 })
  const sbom = referrer(main, { payload: 'sbom' })
  const [child] = main.manifests
  const ofChild = child === undefined ? [] : [referrer(child.descriptor, { payload: 'of a child' })]
  return together(main, sbom, referrer(sbom, { payload: 'signed sbom' }), ...ofChild, cosignSignature(main))
}

const base = { profile: 'oci-1.1', within: false, guarded: false, old: undefined } as const

export const setUps: readonly SetUp[] = [
  { ...base, name: 'within one registry', within: true, old, content: plain },
  { ...base, name: 'between registries', old, content: plain },
  { ...base, name: 'index with evidence', content: withEvidence() },
  {
    ...base,
    name: 'index with evidence, docker-registry',
    profile: 'docker-registry-2.8',
    content: withEvidence(),
  },
  { ...base, name: 'with tokens', within: true, guarded: true, old, content: plain },
  { ...base, name: 'in chunks', content: large, uploads: { wholeUpTo: 4000, chunk: 9000 } },
  {
    ...base,
    name: 'in chunks, docker-registry',
    profile: 'docker-registry-2.8',
    content: large,
    uploads: { wholeUpTo: 4000, chunk: 9000 },
  },
]

/** For the long sweep alone: each of its runs takes longer. */
export const realSetUps: readonly SetUp[] = [
  { ...base, name: 'docker-registry, between registries', real: true, old, content: plain },
  { ...base, name: 'docker-registry, index with evidence', real: true, content: withEvidence() },
]

/** The registries of one run, filled. */
export interface Stage {
  readonly from: string
  readonly to: string
  /** at the destination, without a proxy between */
  readonly oracle: Oracle
  /** how often each blob, and each manifest by its digest, was sent to the destination and taken */
  readonly sent: () => ReadonlyMap<string, number>
  /** ids of the upload sessions that are open at the destination */
  readonly openUploads: () => readonly string[]
  close(): Promise<void>
}

/** Sources are only read: one serves all runs of a set-up. */
const sources = new Map<string, Promise<Pick<RunningRegistry, 'registry' | 'close'>>>()

async function sourceOf(setUp: SetUp): Promise<RunningRegistry> {
  const started = startRegistry({ profile: setUp.profile })
  const running = await started
  await new Oracle(running.registry).push(setUp.content, source, tag)
  return running
}

let target28: Promise<DockerRegistry> | undefined

/** One real registry is the destination of all runs: what is in the repository is taken away before each. */
async function realStageOf(setUp: SetUp): Promise<Stage> {
  const source28 = sources.get(setUp.name) ?? realSourceOf(setUp)
  sources.set(setUp.name, source28)
  target28 ??= startDockerRegistry()
  const to = await target28
  await rm(join(to.folder, 'docker/registry/v2/repositories'), { recursive: true, force: true })
  const oracle = new Oracle(to.url)
  if (setUp.old !== undefined) await oracle.push(setUp.old, target, tag)
  return {
    from: (await source28).registry,
    to: to.host,
    oracle,
    sent: () => new Map(),
    openUploads: () => [],
    close: () => Promise.resolve(),
  }
}

async function realSourceOf(setUp: SetUp): Promise<Pick<RunningRegistry, 'registry' | 'close'>> {
  const running = await startDockerRegistry()
  await new Oracle(running.url).push(setUp.content, source, tag)
  return { registry: running.host, close: () => running.stop() }
}

export async function stageOf(setUp: SetUp): Promise<Stage> {
  if (setUp.real === true) return await realStageOf(setUp)
  const open = new Set<string>()
  const storage = tellingOfSessions(memoryStorage(), open)
  const sent = new Map<string, number>()
  const fill = async (host: string): Promise<void> => {
    const oracle = new Oracle(host)
    if (setUp.within) await oracle.push(setUp.content, source, tag)
    if (setUp.old !== undefined) await oracle.push(setUp.old, target, tag)
  }
  const door = await startRegistry({ storage, profile: setUp.profile })
  await fill(door.registry)
  const options = { storage, profile: setUp.profile }
  const running = await startRegistry({
    ...options,
    onRequest: ({ method, status, reference = '', query }) => {
      const digest = query.get('digest') ?? reference
      if (method === 'PUT' && status === 201 && digest.includes(':'))
        sent.set(digest, (sent.get(digest) ?? 0) + 1)
    },
    ...(setUp.guarded && { auth: { scheme: 'bearer', users: { [user.name]: user.password } } }),
  })
  const known = sources.get(setUp.name) ?? sourceOf(setUp)
  if (!setUp.within) sources.set(setUp.name, known)
  return {
    from: setUp.within ? running.registry : (await known).registry,
    to: running.registry,
    // by the door without a lock
    oracle: new Oracle(door.registry),
    sent: () => sent,
    openUploads: () => [...open],
    close: async () => {
      await Promise.all([running.close(), door.close()])
    },
  }
}

/** The same storage; `open` has the ids of the upload sessions that are neither ended nor cancelled. */
function tellingOfSessions(storage: RegistryStorage, open: Set<string>): RegistryStorage {
  return withOwn(storage, {
    openWriter: async (id) => {
      const writer = await storage.openWriter(id)
      open.add(id)
      return withOwn(writer, {
        discard: () => {
          open.delete(id)
          return writer.discard()
        },
      })
    },
  })
}

/** An object with some methods of its own. */
function withOwn<T extends object>(object: T, own: Partial<T>): T {
  return new Proxy(object, {
    get: (_, name) => {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(object, name)
      return typeof value === 'function' ? (value.bind(object) as unknown) : value
    },
  })
}

/** Ends what serves all runs. */
export async function closeSources(): Promise<void> {
  const all = [...sources.values()]
  sources.clear()
  for (const running of all) await (await running).close()
  await (await target28)?.stop()
  target28 = undefined
}
