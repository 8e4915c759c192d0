/**
 * Prunes many manifests and prints the memory meanwhile: `node --expose-gc
 * scripts/prune-memory.ts DELETES REPOSITORIES [text|json]`. The registry is in memory and makes
 * its manifests on demand. The audit log and the saved plan are on disk.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { carryOut } from '../src/cli/changes/carry-out.ts'
import type { ChangePorts } from '../src/cli/changes/operation.ts'
import { pruneOperation } from '../src/cli/prune/prune-operation.ts'
import { planDeletes } from '../src/cli/prune/prune-inputs.ts'
import { Context } from '../src/cli/wiring/context.ts'
import type { Call } from '../src/lib/call.ts'
import type { Descriptor } from '../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../src/oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../src/oci/reference.ts'
import type { ManifestContent, TargetRepository } from '../src/images/ports.ts'
import { plainStyle } from '../src/render/text/style.ts'

/** Each image is an index of two platforms with a signature. */
const kinds = ['index', 'amd64', 'arm64', 'signature'] as const
type Kind = (typeof kinds)[number]
const oci = 'application/vnd.oci.image'
const host = 'registry.example.com'

/** How often the memory is printed during the deletes. */
const printedTimes = 20

class ImageRepository {
  readonly repository: RepositoryName
  /** the index of each image */
  readonly #indexes: readonly Descriptor[]
  /** the number of each manifest that is not deleted */
  readonly #numbers = new Map<Digest, number>()

  constructor(path: string, images: number) {
    this.repository = { registry: host, path }
    this.#indexes = Array.from({ length: images }, (_, image) => this.#contentOf(image, 'index').descriptor)
    for (let image = 0; image < images; image++)
      for (const kind of kinds)
        this.#numbers.set(this.#contentOf(image, kind).descriptor.digest, image * 4 + kinds.indexOf(kind))
  }

  get store(): TargetRepository {
    const find = (at: TagOrDigest): ManifestContent | undefined => this.#find(at)
    const names = (): readonly string[] =>
      this.#indexes.flatMap(({ digest }, image) => (this.#numbers.has(digest) ? [`pr-${image}`] : []))
    return {
      repository: this.repository,
      capability: () => 'yes',
      clockDifference: () => 0,
      async *tags() {
        yield* names()
      },
      async *tagPages() {
        yield names()
      },
      resolve: async (at: TagOrDigest) => {
        if ('digest' in at) return find(at)?.descriptor
        const index = this.#indexes[Number(at.tag.slice('pr-'.length))]
        return index !== undefined && this.#numbers.has(index.digest) ? index : undefined
      },
      findManifest: async (at: TagOrDigest) => find(at),
      referrers: async (subject: Digest) => {
        const number = this.#numbers.get(subject)
        if (number === undefined || number % 4 !== 0) return []
        return [this.#contentOf(number / 4, 'signature').descriptor]
      },
      deleteManifest: async (digest: Digest) => (this.#numbers.delete(digest) ? 'deleted' : 'absent'),
    } as unknown as TargetRepository
  }

  #find(at: TagOrDigest): ManifestContent | undefined {
    if ('tag' in at) {
      const content = this.#contentOf(Number(at.tag.slice('pr-'.length)), 'index')
      return this.#numbers.has(content.descriptor.digest) ? content : undefined
    }
    const number = this.#numbers.get(at.digest)
    const kind = number === undefined ? undefined : kinds[number % 4]
    return number === undefined || kind === undefined
      ? undefined
      : this.#contentOf(Math.floor(number / 4), kind)
  }

  #contentOf(image: number, kind: Kind): ManifestContent {
    const blob = { mediaType: `${oci}.layer.v1.tar`, digest: digestOf(`${image} ${kind}`), size: 1000 }
    const manifest = {
      schemaVersion: 2,
      mediaType: `${oci}.manifest.v1+json`,
      config: { ...blob, mediaType: `${oci}.config.v1+json` },
      layers: [blob],
      annotations: { 'org.opencontainers.image.created': '2020-01-01T00:00:00Z', image: `${image} ${kind}` },
    }
    const descriptorOf = (one: Kind): object => this.#contentOf(image, one).descriptor
    const value =
      kind === 'index'
        ? {
            schemaVersion: 2,
            mediaType: `${oci}.index.v1+json`,
            manifests: [descriptorOf('amd64'), descriptorOf('arm64')],
          }
        : kind === 'signature'
          ? { ...manifest, subject: descriptorOf('index') }
          : manifest
    const bytes = Buffer.from(JSON.stringify(value))
    return {
      descriptor: { mediaType: value.mediaType, digest: digestOf(bytes), size: bytes.byteLength },
      bytes,
    }
  }
}

function printMemory(when: string): void {
  global.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`
  const peak = megabytes(process.resourceUsage().maxRSS * 1024)
  console.log(`${when}: heap ${megabytes(heapUsed)}, RSS ${megabytes(rss)}, peak RSS ${peak}`)
}

async function main(deletes: number, count: number, output: string): Promise<void> {
  const cwd = await mkdtemp(join(tmpdir(), 'dray-prune-memory-'))
  const names = Array.from({ length: count }, (_, i) => `r${i}`)
  const images = deletes / kinds.length / count
  const repositories = new Map(
    names.map((name) => [`dev/${name}`, new ImageRepository(`dev/${name}`, images)]),
  )
  const stores = new Map([...repositories].map(([path, one]) => [path, one.store]))
  const config = {
    version: 1,
    environments: { dev: { registry: host, path: 'dev/{image}' } },
    images: Object.fromEntries(names.map((name) => [name, {}])),
    retention: { rules: [{ name: 'previews', tags: ['pr-*'], olderThan: '30d' }] },
  }
  await writeFile(join(cwd, 'dray.yaml'), JSON.stringify(config))
  const context = new Context({ configFile: undefined, env: { HOME: cwd }, cwd, version: '0' })
  const store = ({ path }: RepositoryName): TargetRepository | undefined => stores.get(path)
  const opened = async (): Promise<object> => ({ source: store, target: store })
  Object.assign(context, {
    stores: opened,
    uncachedStores: opened,
    expectRepositories: async () => undefined,
  })
  printMemory('before the plan')
  const done = new Map<string, number>()
  let next = deletes / printedTimes
  const call: Call = {
    signal: new AbortController().signal,
    notify: (event) => {
      if (event.kind !== 'deleted') return
      done.set(event.repository.path, event.done)
      const sum = [...done.values()].reduce((total, one) => total + one, 0)
      if (sum < next) return
      next += deletes / printedTimes
      printMemory(`${sum} deleted`)
    },
  }
  const args = {
    patterns: [],
    policy: undefined,
    exclude: [],
    shard: undefined,
    inUse: [],
    cache: false,
    auditFile: undefined,
  }
  const change = await planDeletes(args, context, call)
  printMemory('planned')
  const startedAt = Date.now()
  let printed = 0
  const ports = {
    flags: { 'dry-run': false, yes: true },
    context,
    call,
    reading: call,
    stop: new AbortController().signal,
    terminal: {
      errorPage: { style: plainStyle, width: undefined },
      say: () => undefined,
      warn: (text: string) => console.log(text),
      finish: (document: object, text: (page: { style: typeof plainStyle; width: undefined }) => string) => {
        printMemory(`pruned in ${Date.now() - startedAt} ms`)
        printed =
          output === 'json'
            ? JSON.stringify(document, undefined, 2).length
            : text({ style: plainStyle, width: undefined }).length
      },
    },
  } as unknown as ChangePorts
  await carryOut(pruneOperation, change, ports)
  printMemory(`printed ${printed} characters`)
  await context.close()
  await rm(cwd, { recursive: true })
}

const [deletes, count, output = 'text'] = process.argv.slice(2)
if (deletes === undefined || count === undefined)
  throw new Error('usage: node --expose-gc scripts/prune-memory.ts DELETES REPOSITORIES [text|json]')
await main(Number(deletes), Number(count), output)
