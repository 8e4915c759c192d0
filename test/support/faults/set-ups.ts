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

/** The content of a promotion and its registries. */
export interface SetUp {
  readonly name: string
  readonly profile: ProfileName
  /** whether both repositories are in one registry */
  readonly within: boolean
  readonly guarded: boolean
  /** the image under the tag at the destination, before the promotion moves it */
  readonly old: Content | undefined
  readonly content: Content
  /** Debian's docker-registry instead of the embedded one; its upload sessions are not counted */
  readonly real?: true
  readonly uploads?: UploadLimits
  /** a sync by a rule instead of a promotion */
  readonly syncs?: true
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

/** The same content by `dray sync`. */
export const syncSetUps: readonly SetUp[] = [
  { ...base, name: 'sync, within one registry', within: true, old, content: plain, syncs: true },
  { ...base, name: 'sync, between registries', old, content: plain, syncs: true },
  { ...base, name: 'sync, index with evidence', content: withEvidence(), syncs: true },
]

/** Only for the sweep, because each run takes longer. */
export const realSetUps: readonly SetUp[] = [
  { ...base, name: 'docker-registry, between registries', real: true, old, content: plain },
  { ...base, name: 'docker-registry, index with evidence', real: true, content: withEvidence() },
]

/** The registries of one run, with their content. */
export interface Registries {
  readonly from: string
  readonly to: string
  /** reads the destination without a proxy */
  readonly oracle: Oracle
  /** how often the destination accepted each blob and each manifest that was pushed by digest */
  readonly sent: () => ReadonlyMap<string, number>
  /** ids of the upload sessions that are open at the destination */
  readonly openUploads: () => readonly string[]
  close(): Promise<void>
}

/** The source of each set-up. All runs share it, because they only read it. */
const sources = new Map<string, Promise<Pick<RunningRegistry, 'registry' | 'close'>>>()

async function sourceOf(setUp: SetUp): Promise<RunningRegistry> {
  const started = startRegistry({ profile: setUp.profile })
  const running = await started
  await new Oracle(running.registry).push(setUp.content, source, tag)
  return running
}

let target28: Promise<DockerRegistry> | undefined

/**
 * One real registry is the destination of all runs. Its repositories are deleted before each run.
 */
async function startRealRegistries(setUp: SetUp): Promise<Registries> {
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

export async function startRegistries(setUp: SetUp): Promise<Registries> {
  if (setUp.real === true) return await startRealRegistries(setUp)
  const open = new Set<string>()
  const storage = trackSessions(memoryStorage(), open)
  const sent = new Map<string, number>()
  const fill = async (host: string): Promise<void> => {
    const oracle = new Oracle(host)
    if (setUp.within) await oracle.push(setUp.content, source, tag)
    if (setUp.old !== undefined) await oracle.push(setUp.old, target, tag)
  }
  const unguarded = await startRegistry({ storage, profile: setUp.profile })
  await fill(unguarded.registry)
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
    // The other server, which requires no credentials.
    oracle: new Oracle(unguarded.registry),
    sent: () => sent,
    openUploads: () => [...open],
    close: async () => {
      await Promise.all([running.close(), unguarded.close()])
    },
  }
}

/** Returns a storage that keeps the ids of open upload sessions in `open`. */
function trackSessions(storage: RegistryStorage, open: Set<string>): RegistryStorage {
  return override(storage, {
    openWriter: async (id) => {
      const writer = await storage.openWriter(id)
      open.add(id)
      return override(writer, {
        discard: () => {
          open.delete(id)
          return writer.discard()
        },
      })
    },
  })
}

/** Returns the object with some methods replaced. */
function override<T extends object>(object: T, own: Partial<T>): T {
  return new Proxy(object, {
    get: (_, name) => {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(object, name)
      return typeof value === 'function' ? (value.bind(object) as unknown) : value
    },
  })
}

/** Stops the registries that all runs share. */
export async function closeSources(): Promise<void> {
  const all = [...sources.values()]
  sources.clear()
  for (const running of all) await (await running).close()
  await (await target28)?.stop()
  target28 = undefined
}
