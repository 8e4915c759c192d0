import { readFile } from 'node:fs/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import { childrenOf, parseManifest } from '../../src/oci/manifest.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import { buildxIndex } from '../support/buildx.ts'
import { dockerRegistry, startDockerRegistry } from '../support/docker-registry.ts'
import {
  artifact,
  type Content,
  cosignSignature,
  image,
  index,
  referrer,
  together,
} from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { type Bench, bench, executePlan, planOf, promote, repository } from '../support/promotion.ts'
import { type RegistryKind, type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const relaxed: RegistryKind = { abilities: { sparseIndexes: 'accepted' } }
const six = ['amd64', 'arm64', 's390x', 'ppc64le', 'riscv64', 'arm']

interface Scene {
  readonly source: WatchedRegistry
  readonly mirror: WatchedRegistry
  readonly run: Bench
  readonly from: RepositoryName
  readonly to: RepositoryName
}

async function scene(kind: RegistryKind = relaxed): Promise<Scene> {
  const [source, mirror, run] = [await watchedRegistry(), await watchedRegistry(kind), await bench()]
  onTestFinished(async () => {
    for (const one of [run, source, mirror]) await one[Symbol.asyncDispose]()
  })
  return {
    source,
    mirror,
    run,
    from: repository(source, 'hub/api'),
    to: repository(mirror, 'mirror/api'),
  }
}

/** The digests of a content that the repository answers with the identical bytes. */
async function presentIn(oracle: Oracle, path: string, content: Content): Promise<readonly string[]> {
  const found = await Promise.all(
    content.manifests.map(async ({ descriptor: { digest } }) => {
      const manifest = await oracle.manifest(path, digest)
      return manifest === undefined ? [] : [digest]
    }),
  )
  return found.flat()
}

const puts = ({ requests }: WatchedRegistry): readonly string[] =>
  requests
    .filter(({ method, path }) => method === 'PUT' && path.includes('/manifests/'))
    .map(({ path }) => path)

async function recordsOf(run: Bench): Promise<readonly AuditRecord[]> {
  const lines = (await readFile(run.auditFile, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as AuditRecord)
}

const childDigests = (content: Content): readonly string[] => {
  const root = content.manifests.find(({ descriptor }) => descriptor.digest === content.root.digest)
  if (root === undefined) throw new Error('the content has no root')
  return childrenOf(parseManifest(root.bytes, content.root.mediaType, 'root')).map(({ digest }) => digest)
}

describe('selected platforms of an index', () => {
  it('are copied with the unchanged index, and the others are not', async () => {
    const { source, mirror, run, from, to } = await scene()
    const api = index(six)
    await source.oracle.push(api, 'hub/api', '1.4.2')
    source.forget()
    const done = await promote(run, { from, to: [to], platforms: ['linux/arm64', 'linux/amd64'] })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    expect(done.plan.placements).toMatchObject([
      { platforms: ['linux/arm64', 'linux/amd64'], ofPlatforms: 6 },
    ])
    const [amd64, arm64] = childDigests(api)
    const present = await presentIn(mirror.oracle, 'mirror/api', api)
    expect(present.toSorted()).toEqual([amd64, arm64, api.root.digest].map(String).toSorted())
    expect(await mirror.oracle.digest('mirror/api', '1.4.2')).toBe(api.root.digest)
    const omitted = childDigests(api).slice(2)
    expect(source.requests.filter(({ path }) => omitted.some((digest) => path.includes(digest)))).toEqual([])
  })

  it('are named in the audit records of the copy and of its tags', async () => {
    const { source, run, from, to } = await scene()
    await source.oracle.push(index(six), 'hub/api', '1.4.2')
    await promote(run, { from, to: [to], platforms: ['linux/amd64', 'windows/amd64'] })
    const outcomes = (await recordsOf(run)).filter(({ phase }) => phase === 'outcome')
    expect(outcomes).toMatchObject([
      { step: { kind: 'copy', platforms: ['linux/amd64'] }, sparse: { platforms: ['linux/amd64'] } },
      { step: { kind: 'tag' }, sparse: { platforms: ['linux/amd64'] } },
    ])
  })

  it('are all platforms of a smaller index, which is then copied as without a selection', async () => {
    const { source, run, from, to } = await scene('oci-1.1')
    await source.oracle.push(index(['amd64', 'arm64']), 'hub/api', '1.4.2')
    const done = await promote(run, { from, to: [to], platforms: ['linux/amd64', 'linux/arm64/v8'] })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    expect(done.plan.placements[0]).not.toHaveProperty('platforms')
    expect(done.plan.steps.some((step) => 'platforms' in step)).toBe(false)
    expect((await recordsOf(run)).some((record) => 'sparse' in record)).toBe(false)
  })

  it('have nested indexes and only their own attestations', async () => {
    const { source, mirror, run, from, to } = await scene()
    const inner = buildxIndex(['amd64', 'arm64'])
    const other = index(['s390x'])
    const api = index([inner, other])
    await source.oracle.push(api, 'hub/api', '1.4.2')
    const done = await promote(run, { from, to: [to], platforms: ['linux/arm64'] })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    const [, arm64, , ofArm64] = childDigests(inner)
    const present = await presentIn(mirror.oracle, 'mirror/api', api)
    expect(present.toSorted()).toEqual(
      [api.root.digest, inner.root.digest, arm64, ofArm64].map(String).toSorted(),
    )
  })

  it('keep signatures of the index and of selected children, not of others', async () => {
    const { source, mirror, run, from, to } = await scene()
    const [amd64, arm64] = [image({ platform: 'amd64' }), image({ platform: 'arm64' })]
    const both = index([amd64, arm64])
    const ofIndex = cosignSignature(both)
    const ofAmd64 = referrer(amd64)
    const ofArm64 = referrer(arm64)
    await source.oracle.push(together(both, ofIndex, ofAmd64, ofArm64), 'hub/api', '1.4.2')
    const done = await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    const whole = async (content: Content) =>
      (await presentIn(mirror.oracle, 'mirror/api', content)).length > 0
    expect(await whole(ofIndex)).toBe(true)
    expect(await whole(ofAmd64)).toBe(true)
    expect(await whole(ofArm64)).toBe(false)
  })

  it('refuse an image of another platform by its config, and an index without them', async () => {
    const { source, run, from, to } = await scene()
    await source.oracle.push(image({ platform: 'arm64' }), 'hub/api', 'single')
    await source.oracle.push(index(['arm64', 's390x']), 'hub/api', 'both')
    const selected = { from, to: [to], platforms: ['linux/amd64'] }
    const done = await promote(
      run,
      { ...selected, at: { tag: 'single' } },
      { ...selected, at: { tag: 'both' } },
    )
    expect(done.refusals).toMatchObject([
      { error: { code: 'refused', why: 'it has linux/arm64' } },
      { error: { code: 'refused', why: 'it has linux/arm64, linux/s390x' } },
    ])
    expect(done.steps).toEqual([])
  })

  it('include an image of their platform, and an artifact without a platform', async () => {
    const { source, run, from, to } = await scene()
    await source.oracle.push(image({ platform: 'amd64' }), 'hub/api', 'single')
    await source.oracle.push(artifact('helm'), 'hub/api', 'chart')
    const selected = { from, to: [to], platforms: ['linux/amd64'] }
    const done = await promote(
      run,
      { ...selected, at: { tag: 'single' } },
      { ...selected, at: { tag: 'chart' } },
    )
    expect(done.placements).toMatchObject([{ status: 'promoted' }, { status: 'promoted' }])
  })
})

describe('a sparse index', () => {
  it('is the source of its own platforms only', async () => {
    const { source, mirror, run, from, to } = await scene()
    await source.oracle.push(index(['amd64', 'arm64']), 'hub/api', '1.4.2')
    await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    const next = repository(mirror, 'next/api')
    const refused = await promote(run, { from: to, to: [next] })
    expect(refused.refusals).toMatchObject([
      { error: { code: 'not-found', hint: expect.stringContaining('--platform linux/amd64') } },
    ])
    const done = await promote(run, { from: to, to: [next], platforms: ['linux/amd64'] })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
  })

  it('is completed by a later copy of all platforms, and by one of more platforms', async () => {
    const { source, mirror, run, from, to } = await scene()
    const api = index(six)
    await source.oracle.push(api, 'hub/api', '1.4.2')
    const present = async () => (await presentIn(mirror.oracle, 'mirror/api', api)).length
    await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    expect(await present()).toBe(2)
    const widened = ['linux/amd64', 'linux/arm64']
    expect((await promote(run, { from, to: [to], platforms: widened })).steps).toHaveLength(1)
    expect(await present()).toBe(3)
    expect((await promote(run, { from, to: [to], platforms: widened })).steps).toEqual([])
    await promote(run, { from, to: [to], mayBeSparse: true })
    expect(await present()).toBe(7)
    expect((await promote(run, { from, to: [to], mayBeSparse: true })).steps).toEqual([])
  })

  it('is completed by a saved plan too', async () => {
    const { source, mirror, run, from, to } = await scene()
    const api = index(['amd64', 'arm64'])
    await source.oracle.push(api, 'hub/api', '1.4.2')
    const plan = await planOf(run, { from, to: [to] })
    await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    await executePlan(run, plan, { isSaved: true })
    expect(await presentIn(mirror.oracle, 'mirror/api', api)).toHaveLength(3)
  })

  it('is not changed by a promotion of all platforms that does not expect one', async () => {
    const { source, mirror, run, from, to } = await scene()
    await source.oracle.push(index(six), 'hub/api', '1.4.2')
    await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    mirror.forget()
    expect((await promote(run, { from, to: [to] })).steps).toEqual([])
    // the tag and the lists of attached artifacts
    expect(mirror.requests.filter(({ path }) => path.includes('/manifests/sha256:'))).toEqual([])
  })
})

describe('a registry that refuses sparse indexes', () => {
  const refusedBy = (code: string) => ({
    code: 'refused',
    message: expect.stringContaining('does not accept an index without all of its platforms'),
    hint: expect.stringContaining('remove `platforms` from the sync rule for this destination'),
    registryCode: code,
  })

  it.each([
    ['oci-1.1', 'MANIFEST_BLOB_UNKNOWN'],
    ['zot-2.1', 'MANIFEST_INVALID'],
  ] as const)('is asked once, and no tag is written (%s)', async (profile, code) => {
    const { source, mirror, run, from, to } = await scene(profile)
    await source.oracle.push(index(['amd64', 'arm64']), 'hub/api', '1.4.2')
    const done = await promote(run, { from, to: [to], platforms: ['linux/amd64'] })
    expect(done.steps).toMatchObject([
      { result: 'failed', error: refusedBy(code) },
      { result: 'notAttempted' },
    ])
    expect(puts(mirror)).toHaveLength(2)
    expect(await mirror.oracle.digest('mirror/api', '1.4.2')).toBeUndefined()
  })

  it('is asked once for all images of a run, and gets the other images', async () => {
    const { source, mirror, run, from } = await scene('oci-1.1')
    const tags = Array.from({ length: 8 }, (_, i) => `1.${i}.0`)
    const indexes = tags.map((label) => index(['amd64', 'arm64'], { label }))
    for (const [i, tag] of tags.entries()) await source.oracle.push(indexes[i] ?? index([]), 'hub/api', tag)
    await source.oracle.push(image(), 'hub/api', 'single')
    const promotions = [...tags, 'single'].map((tag, i) => ({
      from,
      at: { tag },
      to: [repository(mirror, `mirror/api-${i}`)],
      platforms: ['linux/amd64'],
    }))
    const done = await promote(run, ...promotions)
    expect(done.placements.map(({ status }) => status)).toEqual([...tags.map(() => 'failed'), 'promoted'])
    const roots = new Set(indexes.map(({ root }) => root.digest))
    const attempts = puts(mirror).filter((path) => [...roots].some((digest) => path.endsWith(digest)))
    expect(attempts).toHaveLength(1)
    mirror.forget()
    const again = await promote(run, ...promotions.slice(0, 2))
    expect(again.placements.map(({ status }) => status)).toEqual(['failed', 'failed'])
    expect(mirror.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
  })

  it.skipIf(!dockerRegistry.available)(`can be docker-registry 2.8${dockerRegistry.note}`, async () => {
    const { source, run, from } = await scene()
    const real = await startDockerRegistry()
    onTestFinished(() => real.stop())
    await source.oracle.push(index(['amd64', 'arm64']), 'hub/api', '1.4.2')
    await real.clearLog()
    const to = [{ registry: real.host, path: 'mirror/api' }]
    const done = await promote(run, { from, to, platforms: ['linux/amd64'] })
    expect(done.steps[0]).toMatchObject({ result: 'failed', error: refusedBy('MANIFEST_BLOB_UNKNOWN') })
    const log = await real.log()
    expect(log.filter(({ method, status }) => method === 'PUT' && status === 400)).toHaveLength(1)
    expect(await new Oracle(real.url).digest('mirror/api', '1.4.2')).toBeUndefined()
    const whole = await promote(run, { from, to })
    expect(whole.placements).toMatchObject([{ status: 'promoted' }])
  })
})
