import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { planDeletes } from '../../../src/cli/prune/prune-inputs.ts'
import { gatherUsageReport, type GatheredReport } from '../../../src/cli/usage/gather-usage.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import type { AccessEntry } from '../../../src/embedded/access/access.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import type { UsageRequest } from '../../../src/usecases/usage/request.ts'
import type { StoredBytes, UsageReport } from '../../../src/usecases/usage/usage-report.ts'
import { notedCall } from '../../support/http-world.ts'
import { cosignSignature, type Descriptor, image, index, referrer, together } from '../../support/images.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'
import { usageRequest } from '../../support/usage/usage-facts.ts'
import { vendorWorld, type VendorWorld } from '../../support/vendors/vendor-world.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const day = 86_400_000

interface UsageRun {
  readonly home: string
  readonly context: Context
  readonly warnings: readonly string[]
  usage(
    request?: Partial<UsageRequest>,
    args?: { readonly patterns?: readonly string[]; readonly policy?: string },
  ): Promise<GatheredReport>
}

/** The parts of a manifest that name other content. */
interface StoredBody {
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
  readonly manifests?: readonly Descriptor[]
}

/** Runs of one machine with this `dray.yaml`. */
async function runWith(config: object, clock?: Clock): Promise<UsageRun> {
  const home = await tempFolder()
  await writeFile(join(home, 'dray.yaml'), JSON.stringify({ version: 1, ...config }))
  const env = { HOME: home }
  const call = notedCall()
  const contextOf = (): Context =>
    new Context({
      configFile: undefined,
      env,
      cwd: home,
      version: '0',
      ...(clock !== undefined && { clock }),
    })
  return {
    home,
    context: contextOf(),
    get warnings() {
      return call.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []))
    },
    usage: async (request = {}, { patterns = [], policy } = {}) => {
      // Each run is a process of its own.
      const context = contextOf()
      try {
        return await gatherUsageReport(
          { patterns, policy, isWhatIf: policy !== undefined, inUse: [], cache: true, auditFile: undefined },
          usageRequest(request),
          context,
          call,
        )
      } finally {
        await context.close()
      }
    },
  }
}

function prodAt(host: string, ...images: readonly string[]): object {
  return {
    environments: { prod: { registry: host, path: 'prod/{image}' } },
    images: Object.fromEntries(images.map((name) => [name, {}])),
  }
}

function methodsOf(requests: readonly AccessEntry[]): readonly string[] {
  return [...new Set(requests.map(({ method }) => method))].toSorted()
}

function bytesOf({ repositories }: UsageReport, path: string): StoredBytes | undefined {
  return repositories.find(({ repository }) => repository.path === path)?.bytes
}

/** The bytes of the blobs and manifests of these images, each once. */
function sizeOf(...contents: readonly ReturnType<typeof image>[]): number {
  const sizes = new Map<string, number>()
  for (const { blobs, manifests } of contents) {
    for (const [digest, bytes] of blobs) sizes.set(digest, bytes.byteLength)
    for (const { descriptor } of manifests) sizes.set(descriptor.digest, descriptor.size)
  }
  return [...sizes.values()].reduce((a, b) => a + b, 0)
}

describe('usage by the OCI API', () => {
  it('counts children and attached artifacts to their image, and cross-repository layers once', async () => {
    await using registry = await watchedRegistry()
    const platforms = index(['linux/amd64', 'linux/arm64'], { layers: ['base', 'api'] })
    const signed = together(platforms, cosignSignature(platforms))
    const other = image({ label: 'web', layers: ['base', 'web'] })
    await registry.oracle.push(signed, 'prod/api', '1.0.0', 'latest')
    await registry.oracle.push(other, 'prod/web', '2.0.0')
    const run = await runWith(prodAt(registry.host, 'api', 'web'))
    const { report } = await run.usage()
    const api = report.repositories.find(({ repository }) => repository.path === 'prod/api')
    expect(api).toMatchObject({ images: 1, tags: 2, manifests: 4, sumOfImages: sizeOf(signed) })
    expect(bytesOf(report, 'prod/api')).toMatchObject({
      shared: 0,
      untagged: 'unknown',
      stored: sizeOf(signed),
    })
    expect(bytesOf(report, 'prod/web')?.crossRepository).toBe(bytesOf(report, 'prod/api')?.crossRepository)
    expect(report.totals.bytes.stored).toBe(sizeOf(signed, other))
  })

  it('sends only GET and HEAD, writes no audit record, and reads manifests once', async () => {
    await using registry = await watchedRegistry()
    for (let i = 0; i < 20; i++)
      await registry.oracle.push(image({ label: `v${i}`, layers: ['base', `v${i}`] }), 'prod/api', `1.${i}.0`)
    const run = await runWith(prodAt(registry.host, 'api'))
    registry.forget()
    await run.usage()
    // The ping, the list and one GET for each tag.
    const cold = registry.requests.length
    expect(cold).toBeLessThanOrEqual(22)
    registry.forget()
    await run.usage()
    const manifests = registry.requests.filter(({ path }) => path.includes('/manifests/'))
    expect(methodsOf(registry.requests)).toEqual(['GET', 'HEAD'])
    expect(methodsOf(manifests)).toEqual(['HEAD'])
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([])
    expect(await readdir(join(run.home, '.local', 'state', 'dray'))).toEqual(['usage.jsonl'])
  })

  it('shows the rest if one registry is down (case 15)', async () => {
    await using registry = await watchedRegistry()
    await registry.oracle.push(image(), 'prod/api', '1.0.0')
    const config = {
      environments: {
        prod: { registry: registry.host, path: 'prod/{image}' },
        down: { registry: '127.0.0.1:1', path: 'prod/{image}' },
      },
      images: { api: {} },
    }
    const { report } = await (await runWith(config)).usage()
    expect(report.repositories.map(({ image: name }) => name)).toEqual(['@prod/api'])
    expect(report.unreachable).toMatchObject([{ image: '@down/api', error: { code: 'network' } }])
    expect(report.totals).toMatchObject({ repositories: 1, unreachable: 1 })
  })

  it('takes environments, patterns, repositories and the names of images', async () => {
    await using registry = await watchedRegistry()
    for (const name of ['api', 'web']) await registry.oracle.push(image(), `prod/${name}`, '1')
    await registry.oracle.push(image(), 'other/x', '1')
    const run = await runWith(prodAt(registry.host, 'api', 'web'))
    const namesOf = async (...patterns: readonly string[]): Promise<readonly string[]> =>
      (await run.usage({}, { patterns })).report.repositories.map((one) => one.image).toSorted()
    expect(await namesOf()).toEqual(['@prod/api', '@prod/web'])
    expect(await namesOf('@prod/w*')).toEqual(['@prod/web'])
    expect(await namesOf('api')).toEqual(['@prod/api'])
    expect(await namesOf(`${registry.host}/other/x`)).toEqual([`${registry.host}/other/x`])
    const { report } = await run.usage({}, { patterns: ['@prod/z*'] })
    expect(report.notes).toContain('No repository matches @prod/z*. Check the name.')
  })

  it('keeps what an earlier prune knows about referrers', async () => {
    await using registry = await watchedRegistry()
    const platforms = index(['linux/amd64'])
    await registry.oracle.push(together(platforms, referrer(platforms)), 'prod/api', 'pr-1')
    const run = await runWith({
      ...prodAt(registry.host, 'api'),
      retention: { rules: [{ name: 'previews', tags: ['pr-*'] }] },
    })
    const args = { patterns: [], policy: undefined, exclude: [], shard: undefined, inUse: [], cache: true }
    await planDeletes({ ...args, auditFile: undefined }, run.context, notedCall())
    const folder = join(run.home, '.cache', 'dray', 'repositories')
    const remembered = async (): Promise<readonly string[]> =>
      await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
    const before = await remembered()
    await run.usage()
    expect(before.join()).toContain('without')
    expect(await remembered()).toEqual(before)
  })
})

describe('what a policy would free (case 7)', () => {
  const retention = {
    protect: [{ tags: ['keep'] }],
    rules: [{ name: 'previews', tags: ['pr-*'] }],
  }

  async function pushPreviews({ oracle }: WatchedRegistry): Promise<void> {
    for (const name of ['api', 'web']) {
      for (let i = 0; i < 4; i++) {
        const layers = ['base', `shared ${i % 2}`, `own ${name} ${i}`]
        const platforms = index(['linux/amd64', 'linux/arm64'], { label: `${name} ${i}`, layers })
        const content = together(platforms, cosignSignature(platforms), referrer(platforms))
        await oracle.push(content, `prod/${name}`, i < 2 ? `pr-${i}` : `1.${i}.0`)
      }
    }
  }

  /** The sizes of all blobs that a manifest of the repositories has, and of the manifests. */
  async function storedAt({ oracle }: WatchedRegistry): Promise<number> {
    const sizes = new Map<string, number>()
    for (const path of ['prod/api', 'prod/web']) {
      const open = new Set(
        await Promise.all((await oracle.tags(path)).map((tag) => oracle.digest(path, tag))),
      )
      // A set that grows is visited to its end.
      for (const digest of open) {
        const found = digest === undefined ? undefined : await oracle.manifest(path, digest)
        if (digest === undefined || found === undefined) continue
        const { config, layers = [], manifests = [] } = JSON.parse(found.bytes.toString()) as StoredBody
        sizes.set(digest, found.bytes.byteLength)
        for (const blob of config === undefined ? layers : [config, ...layers])
          sizes.set(blob.digest, blob.size)
        for (const child of manifests) open.add(child.digest)
        for (const referring of await oracle.referrers(path, digest)) open.add(referring)
      }
    }
    return [...sizes.values()].reduce((a, b) => a + b, 0)
  }

  it('is what the prune then frees, to the byte', async () => {
    await using registry = await watchedRegistry()
    await pushPreviews(registry)
    const run = await runWith({ ...prodAt(registry.host, 'api', 'web'), retention: { nightly: retention } })
    const before = await run.usage({}, { policy: 'nightly' })
    const { wouldFree } = before.report.totals
    expect(before.plan?.repositories.map(({ steps }) => steps.length)).toEqual([10, 10])
    expect(wouldFree).toMatchObject({ images: 4, manifests: 20 })
    const stored = await storedAt(registry)
    for (const { steps, repository } of before.plan?.repositories ?? [])
      for (const step of steps)
        if (step.kind === 'deleteManifest') await registry.oracle.delete(repository.path, step.target.digest)
    expect(stored - (await storedAt(registry))).toBe(wouldFree?.bytes)
    const after = await run.usage({}, { policy: 'nightly' })
    expect(after.report.totals.wouldFree).toEqual({ bytes: 0, images: 0, manifests: 0 })
  })

  it('does not change the stored bytes, which have no artifact that only the referrers API lists', async () => {
    await using registry = await watchedRegistry()
    await pushPreviews(registry)
    const run = await runWith({ ...prodAt(registry.host, 'api', 'web'), retention: { nightly: retention } })
    const planned = await run.usage({}, { policy: 'nightly' })
    const plain = await run.usage()
    expect(planned.report.totals.bytes).toEqual(plain.report.totals.bytes)
  })

  it('is nothing in a repository that a limit refuses', async () => {
    await using registry = await watchedRegistry()
    await pushPreviews(registry)
    const limited = { ...retention, limits: { maxPercent: 10 } }
    const run = await runWith({ ...prodAt(registry.host, 'api', 'web'), retention: { nightly: limited } })
    const { report } = await run.usage({}, { policy: 'nightly' })
    const [one] = report.repositories
    expect(one?.wouldFree).toMatchObject({ bytes: 0, refused: { code: 'refused' } })
    expect(report.totals.wouldFree?.bytes).toBe(0)
  })

  it('is an error for a policy that does not exist, also without repositories', async () => {
    const run = await runWith({ ...prodAt('127.0.0.1:1', 'api'), retention: { nightly: retention } })
    const usage = run.usage({}, { patterns: ['@prod/z*'], policy: 'weekly' })
    await expect(usage).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('usage with an inventory', () => {
  async function harborRun(world: VendorWorld, more: object = {}): Promise<UsageRun> {
    const { registry } = world.registry
    const config = {
      registries: { [registry]: { kind: 'harbor', api: `http://${registry}` } },
      environments: { prod: { registry, path: 'team/{image}' } },
      images: { api: {} },
      ...more,
    }
    return await runWith(config, world.clock)
  }

  it('has untagged manifests, push times and pull times', async () => {
    const clock = leapingClock()
    const world = await vendorWorld('harbor', { clock })
    const old = image({ label: 'old', layers: ['base', 'old'] })
    const fresh = image({ label: 'new', layers: ['base', 'new'] })
    const lost = image({ label: 'lost', layers: ['base', 'lost'] })
    const [oldDigest, freshDigest] = [await world.put(old, '1.0.0'), await world.put(fresh, '2.0.0')]
    await world.put(lost)
    const { path } = world.repository
    const at = clock.now()
    world.records.set(path, { digest: oldDigest }, { pushedAt: at - 300 * day, pulledAt: at - 200 * day })
    world.records.set(path, { tag: '1.0.0' }, { pushedAt: at - 300 * day, pulledAt: at - 200 * day })
    world.records.set(path, { digest: freshDigest }, { pushedAt: at - day, pulledAt: at - day })
    world.records.set(path, { tag: '2.0.0' }, { pushedAt: at - day, pulledAt: at - day })
    const run = await harborRun(world)
    const { report } = await run.usage({ notPulledFor: 90 * day })
    const [row] = report.repositories
    expect(row).toMatchObject({ inventory: 'harbor', images: 2, manifests: 3, notPulled: { images: 1 } })
    expect(row?.bytes.untagged).toBe(sizeOf(lost, old) - sizeOf(old))
    expect(row?.bytes.stored).toBe(sizeOf(lost, old, fresh))
    expect(row?.lastPulledAt).toBe(new Date(at - day).toISOString())
    expect(row?.growth).toMatchObject({ source: 'pushTimes', bytes: sizeOf(lost, old, fresh) - sizeOf(old) })
    expect(report.pulls?.sources).toEqual(['Harbor'])
  })

  it('reads one page for 100 manifests, and each manifest once', async () => {
    const world = await vendorWorld('harbor')
    for (let i = 0; i < 30; i++) await world.put(image({ label: `v${i}` }), `1.${i}.0`)
    const run = await harborRun(world)
    await run.usage()
    const before = world.requests.length
    const { report } = await run.usage()
    const again = world.requests.slice(before).filter(({ path }) => path !== '/v2/')
    expect(report.totals.images).toBe(30)
    expect(again.map(({ method, path }) => `${method} ${path}`)).toEqual([
      expect.stringContaining('GET /api/v2.0/projects/team/repositories/api/artifacts'),
    ])
  })

  it('has the pull times from before its own requests, and a note about them (case 21)', async () => {
    const world = await vendorWorld('harbor')
    const digest = await world.put(image(), '1.0.0')
    const at = world.clock.now() - 200 * day
    for (const of of [{ digest }, { tag: '1.0.0' }])
      world.records.set(world.repository.path, of, { pushedAt: at, pulledAt: at })
    const run = await harborRun(world)
    const { report } = await run.usage({ by: 'tag' })
    expect(report.images?.[0]).toMatchObject({ unpulledDays: 200 })
    expect(report.notes.join()).toContain('Harbor can count as pulls')
    // From the cache, dray sends no GET of a manifest, and the time of its first one stays.
    const first = (await world.read()).entries.get(digest)?.pulledAt
    const second = await run.usage({ by: 'tag' })
    expect((await world.read()).entries.get(digest)?.pulledAt).toBe(first)
    expect(second.report.notes.join()).not.toContain('can count as pulls')
  })

  it('shows why unpulled images are kept, by the only policy', async () => {
    const world = await vendorWorld('harbor')
    const at = world.clock.now() - 200 * day
    for (const tag of ['used', 'protected', 'free']) {
      const digest = await world.put(image({ label: tag }), tag)
      for (const of of [{ digest }, { tag }])
        world.records.set(world.repository.path, of, { pushedAt: at, pulledAt: at })
    }
    const protect = [{ tags: ['protected'] }, { inUse: { files: ['deploy/*.yaml'] } }]
    const run = await harborRun(world, {
      retention: { protect, rules: [{ name: 'all', tags: ['x'] }] },
    })
    await mkdir(join(run.home, 'deploy'))
    await writeFile(
      join(run.home, 'deploy', 'pod.yaml'),
      `apiVersion: v1\nkind: Pod\nspec: { containers: [{ image: "${world.registry.registry}/team/api:used" }] }\n`,
    )
    const { report } = await run.usage({ by: 'tag', notPulledFor: 90 * day })
    expect(report.totals.notPulled).toMatchObject({ images: 3, kept: { inUse: 1, protection: 1, hold: 0 } })
    const reasons = report.images?.map(({ tags, why }) => [tags[0], why?.kind]).toSorted()
    expect(reasons).toEqual([
      ['free', 'unmatched'],
      ['protected', 'protection'],
      ['used', 'inUse'],
    ])
  })

  it('remembers its own requests: they are no pulls and no crawler in later runs (case 21)', async () => {
    const clock = leapingClock()
    const world = await vendorWorld('harbor', { clock })
    const pulledAt = clock.now() - 200 * day
    for (let i = 0; i < 6; i++) {
      const digest = await world.put(image({ label: `${i}` }), `t${i}`)
      for (const of of [{ digest }, { tag: `t${i}` }])
        world.records.set(world.repository.path, of, { pushedAt: pulledAt, pulledAt: pulledAt + i * day })
    }
    const rules = [{ name: 'unused', tags: ['*'], notPulledFor: '90d' }]
    const run = await harborRun(world, { retention: { nightly: { rules } } })
    const first = await run.usage({ notPulledFor: 90 * day })
    // Harbor counted them.
    const entries = [...(await world.read()).entries.values()]
    const isNew = (time: unknown): boolean => typeof time === 'number' && time > clock.now() - day
    expect(entries.filter((entry) => isNew(entry.pulledAt))).toHaveLength(6)
    const second = await run.usage({ notPulledFor: 90 * day })
    expect(second.report.totals.notPulled).toEqual(first.report.totals.notPulled)
    expect(second.report.totals.notPulled).toMatchObject({ images: 6 })
    const planned = await run.usage({}, { policy: 'nightly' })
    expect(planned.report.repositories[0]?.wouldFree).toEqual({ bytes: 0, images: 0, manifests: 0 })
  })

  it('uses the OCI API if the inventory cannot be read, with one warning', async () => {
    const world = await vendorWorld('harbor')
    await world.put(image(), '1.0.0')
    const { registry } = world.registry
    const run = await harborRun(world, {
      registries: { [registry]: { kind: 'harbor', api: 'http://127.0.0.1:1' } },
      images: { api: {}, web: {} },
    })
    const { report } = await run.usage({ notPulledFor: day })
    expect(report.repositories[0]).toMatchObject({ images: 1, bytes: { untagged: 'unknown' } })
    expect(report.unreachable).toEqual([])
    expect(run.warnings).toEqual([expect.stringContaining('cannot read the inventory of Harbor')])
  })
})
