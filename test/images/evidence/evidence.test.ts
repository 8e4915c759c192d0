import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseDigest } from '../../../src/oci/digest.ts'
import { fallbackTag } from '../../../src/oci/evidence-tags.ts'
import { EvidenceSearch } from '../../../src/images/evidence/evidence.ts'
import { listAllReferrers } from '../../../src/images/evidence/referrers.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { type Fault, faultyProxy, type Injury } from '../../support/faulty-proxy.ts'
import {
  type Content,
  cosignSignature,
  image,
  index,
  manifestOf,
  referrer,
  together,
  types,
} from '../../support/images.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { type Bench, bench, promote, repository } from '../../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

let staging: WatchedRegistry
let run: Bench
beforeEach(async () => {
  staging = await watchedRegistry()
  run = await bench()
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await staging[Symbol.asyncDispose]()
})

const multi = index(['amd64', 'arm64'], { layers: 1 })
const [amd64, arm64] = multi.manifests
const from = () => repository(staging, 'staging/api')

/** The root of `content` with other fields of its manifest. */
function rewritten(content: Content, fields: Readonly<Record<string, unknown>>): Content {
  const old = content.manifests.find(({ descriptor }) => descriptor.digest === content.root.digest)
  const body = JSON.parse(Buffer.from(old?.bytes ?? '').toString()) as Record<string, unknown>
  const manifest = manifestOf(content.root.mediaType, { ...body, ...fields })
  return {
    root: manifest.descriptor,
    blobs: content.blobs,
    manifests: [...content.manifests.filter((one) => one !== old), manifest],
  }
}

describe('promoted evidence', () => {
  const sbom = referrer(multi)
  const nested = index([multi, image({ label: 'beside it' })])
  const grandchild = amd64?.descriptor ?? multi.root
  it.each<[string, Content]>([
    ['is complete if it is an index', together(multi, referrer(multi, { index: true }))],
    [
      'is complete if it is attached to an artifact manifest',
      (() => {
        const signature = referrer(multi, { as: types.artifact })
        return together(multi, signature, referrer(signature), referrer(multi, { as: types.orasArtifact }))
      })(),
    ],
    ['is complete if it belongs to an index in an index', together(nested, referrer(multi))],
    [
      'is complete if it belongs to an image in an index in an index, by tag',
      together(nested, cosignSignature(grandchild, { suffix: 'att' })),
    ],
    [
      'is complete if it belongs to a child, by tag and by subject',
      together(
        multi,
        cosignSignature(arm64?.descriptor ?? multi.root),
        referrer(arm64?.descriptor ?? multi.root),
      ),
    ],
    [
      'is complete if it belongs to evidence of evidence, by tag',
      together(multi, sbom, referrer(sbom), cosignSignature(sbom, { suffix: 'sbom' })),
    ],
    [
      'is complete if it belongs to the manifest under a cosign tag',
      (() => {
        const signature = cosignSignature(multi)
        return together(multi, signature, referrer(signature))
      })(),
    ],
    [
      'is complete if it lists the image itself as a child',
      (() => {
        const list = index([multi], { annotations: { all: 'of it' } })
        const about = rewritten(list, { subject: multi.root, artifactType: 'application/x.list' })
        const manifests = about.manifests.map((one) =>
          one.descriptor === about.root ? { ...one, subject: multi.root.digest } : one,
        )
        return together(multi, { ...about, manifests })
      })(),
    ],
  ])('%s, with the referrers API and without it', async (_, content) => {
    await staging.oracle.push(content, 'staging/api', '1.4.2')
    for (const abilities of [{}, { referrers: false }]) {
      await using prod = await watchedRegistry({ profile: 'oci-1.1', abilities })
      const done = await promote(run, { from: from(), to: [repository(prod, 'prod/api')] })
      expect(done.placements).toMatchObject([{ status: 'promoted', errors: [] }])
      expect(await prod.oracle.differences('prod/api', content, '1.4.2')).toEqual([])
      const again = await promote(run, { from: from(), to: [repository(prod, 'prod/api')] })
      expect(again.placements).toMatchObject([{ status: 'unchanged' }])
    }
  })

  it('includes the entry of the image if the image has a subject itself', async () => {
    const content = together(sbom, referrer(sbom))
    await staging.oracle.push(multi, 'staging/api')
    await staging.oracle.push(content, 'staging/api', '1.4.2')
    await using prod = await watchedRegistry('docker-registry-2.8')
    await promote(run, { from: from(), to: [repository(prod, 'prod/api')] })
    expect(await prod.oracle.differences('prod/api', content, '1.4.2')).toEqual([])
    const listed = await prod.oracle.manifest('prod/api', fallbackTag(parseDigest(multi.root.digest)))
    expect(Buffer.from(listed?.bytes ?? '').toString()).toContain(sbom.root.digest)
  })
})

describe('a failed list of tags', () => {
  it.each([401, 403, 404, 405])('(%i) loses no evidence', async (status) => {
    const content = together(multi, cosignSignature(arm64?.descriptor ?? multi.root))
    await staging.oracle.push(content, 'staging/api', '1.4.2')
    const fault: Fault = { at: { path: /tags\/list/ }, times: Infinity, injury: { kind: 'answer', status } }
    await using proxy = await faultyProxy(staging.host, fault)
    await using prod = await watchedRegistry()
    const done = await promote(run, {
      from: repository(proxy, 'staging/api'),
      to: [repository(prod, 'prod/api')],
    })
    expect(done.placements).toMatchObject([{ status: 'promoted', evidenceCopied: 1 }])
    expect(await prod.oracle.differences('prod/api', content, '1.4.2')).toEqual([])
  })
})

it('all evidence is found although a bit of the list of referrers is flipped', async () => {
  const content = together(multi, cosignSignature(multi), referrer(multi))
  const places = Array.from({ length: 12 }, (_, i) => (i + 0.5) / 12)
  await staging.oracle.push(content, 'staging/api', '1.4.2')
  await using patient = await bench({ clock: leapingClock() })
  for (const at of places) {
    await using proxy = await faultyProxy(staging.host, {
      at: { path: /referrers\// },
      injury: { kind: 'flip', of: 'answer', at },
    })
    await using prod = await watchedRegistry()
    await promote(patient, { from: repository(proxy, 'staging/api'), to: [repository(prod, 'prod/api')] })
    expect(await prod.oracle.differences('prod/api', content, '1.4.2')).toEqual([])
  }
})

it('a child with a sha512 digest is copied, although cosign has no tag for it', async () => {
  const child = image({ layers: 1 })
  const [manifest] = child.manifests
  if (manifest === undefined) throw new Error('an image has a manifest')
  const digest = `sha512:${createHash('sha512').update(manifest.bytes).digest('hex')}`
  const descriptor = { ...manifest.descriptor, digest }
  const root = manifestOf(types.index, { manifests: [descriptor] })
  const content = {
    root: root.descriptor,
    blobs: child.blobs,
    manifests: [{ ...manifest, descriptor }, root],
  }
  await staging.oracle.push(content, 'staging/api', '1.4.2')
  const unlisted: Fault = { at: { path: /tags\/list/ }, injury: { kind: 'answer', status: 403 } }
  const tooLong: Fault = { at: { path: /\/sha512-\w{128}\.\w+$/ }, injury: { kind: 'answer', status: 400 } }
  await using proxy = await faultyProxy(staging.host, unlisted, tooLong)
  await using prod = await watchedRegistry()
  const done = await promote(run, {
    from: repository(proxy, 'staging/api'),
    to: [repository(prod, 'prod/api')],
  })
  expect(done.placements).toMatchObject([{ status: 'promoted', errors: [] }])
  expect(await prod.oracle.digest('prod/api', '1.4.2')).toBe(root.descriptor.digest)
})

describe('an answer like a missing API, after referrers of another manifest were listed,', () => {
  const other = amd64?.descriptor.digest ?? ''
  const content = together(multi, referrer(multi), cosignSignature(multi))
  const answers: readonly [string, Injury][] = [404, 400, 405, 406, 501].map((status) => [
    String(status),
    { kind: 'answer', status },
  ])
  const page = { 'content-type': 'text/html' }
  const all: readonly [string, Injury][] = [
    ...answers,
    ['a web page', { kind: 'answer', status: 200, headers: page, body: '<html>' }],
    ['{}', { kind: 'answer', status: 200, body: '{}' }],
  ]

  it.each(all)('is an error in every reader (%s)', async (_, injury) => {
    await staging.oracle.push(content, 'staging/api', '1.4.2')
    await using proxy = await faultyProxy(staging.host, {
      at: { path: new RegExp(`/referrers/${other}`) },
      times: Infinity,
      injury,
    })
    const at = repository(proxy, 'staging/api')
    const open = (): SourceRepository => run.freshStores().source(at)
    const hidden = { code: 'protocol', message: expect.stringContaining(`@${other}`) }
    const subjects = [multi.root.digest, other].map(parseDigest)

    const search = new EvidenceSearch(open(), { dangling: 'fail' })
    await expect(search.find(subjects, run.call)).rejects.toMatchObject(hidden)
    const skipping = new EvidenceSearch(open(), { dangling: 'skip' })
    await skipping.find(subjects, run.call)
    expect(skipping.found).toHaveLength(2)
    const reader = new RepositoryReader(open())
    await expect(reader.read({ roots: [], referrers: 'all' }, run.call)).rejects.toMatchObject(hidden)
    const store = open()
    await listAllReferrers(store, parseDigest(multi.root.digest), run.call)
    await expect(listAllReferrers(store, parseDigest(other), run.call)).rejects.toMatchObject(hidden)
  })
})

it('a listed artifact of an unknown media type is an error that names the type', async () => {
  const type = 'application/vnd.example.manifest.v7+json'
  await staging.oracle.push(multi, 'staging/api', '1.4.2')
  const entry = { mediaType: type, digest: `sha256:${'7'.repeat(64)}`, size: 7, artifactType: 'a/b' }
  await using proxy = await faultyProxy(staging.host, {
    at: { path: /referrers\// },
    times: Infinity,
    injury: {
      kind: 'answer',
      status: 200,
      headers: { 'content-type': types.index },
      body: { schemaVersion: 2, mediaType: types.index, manifests: [entry] },
    },
  })
  const store = run.freshStores().source(repository(proxy, 'staging/api'))
  const find = (dangling: 'fail' | 'skip') =>
    new EvidenceSearch(store, { dangling }).find([parseDigest(multi.root.digest)], run.call)
  await expect(find('fail')).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('a/b'),
    why: expect.stringContaining(type),
    hint: expect.stringContaining('--no-evidence'),
  })
  await find('skip')
  expect(run.events).toContainEqual(expect.objectContaining({ text: expect.stringContaining(type) }))
})
