import { describe, expect, it } from 'vitest'
import type { TargetRepository } from '../../../src/images/ports.ts'
import { parseDescriptor } from '../../../src/oci/descriptor.ts'
import { digestOf, parseDigest } from '../../../src/oci/digest.ts'
import { fallbackTag } from '../../../src/oci/evidence-tags.ts'
import type { Content } from '../../support/images.ts'
import { blobOf, bytesSource, collect, newCall } from '../client/world.ts'
import { contents } from './contents.ts'
import { resultOrCode, path, profileNames, workplaceAt } from './workplace.ts'

/**
 * Pushes content in the order of the specification: blobs, manifests, the tag, lists of referrers.
 * Returns the referrers that no list shows, because the registry takes the tag of the list for its
 * subject.
 */
async function push(store: TargetRepository, content: Content, tag: string): Promise<string[]> {
  const unlisted: string[] = []
  for (const [digest, bytes] of content.blobs) {
    const d = { ...blobOf(bytes), digest: parseDigest(digest) }
    expect(await store.putBlob(d, bytesSource(bytes), newCall())).toMatch(/^(?:uploaded|present)$/)
  }
  for (const { descriptor, bytes, subject } of content.manifests) {
    const d = parseDescriptor(descriptor, 'the manifest')
    const tags = descriptor.digest === content.root.digest ? [tag] : []
    const { tagged, subjectListed } = await store.putManifest(d, bytes, tags, newCall())
    expect(tagged).toEqual(tags)
    if (subject === undefined || subjectListed) continue
    const of = parseDigest(subject)
    const isTaken = (await store.resolve({ tag: fallbackTag(of) }, newCall()))?.digest === of
    const listing = await resultOrCode(store.addToFallbackTag(of, [d], newCall()))
    expect(typeof listing === 'string' ? listing : listing.missing).toEqual(isTaken ? 'unsupported' : [])
    if (isTaken) unlisted.push(`${d.digest}: is not listed as a referrer of ${subject}`)
  }
  return unlisted
}

async function pull(store: TargetRepository, content: Content, tag: string): Promise<void> {
  const { digest, size, mediaType } = content.root
  expect(await store.resolve({ tag }, newCall())).toEqual({ digest, size, mediaType })
  for (const { descriptor, bytes } of content.manifests) {
    const at = descriptor.digest === digest ? { tag } : { digest: parseDigest(descriptor.digest) }
    expect(Buffer.from((await store.manifest(at, newCall())).bytes).equals(bytes)).toBe(true)
  }
  for (const [blob, bytes] of content.blobs) {
    const d = { ...blobOf(bytes), digest: parseDigest(blob) }
    expect(await store.hasBlob(d, newCall())).toBe(true)
    expect((await collect(await store.blob(d, 0, newCall()))).equals(bytes)).toBe(true)
  }
}

describe.each(profileNames)('at %s', (profile) => {
  it('every kind of content is pushed completely, and pulled with the same bytes', async () => {
    const { open, oracle, abilities } = await workplaceAt(profile)
    for (const [kind, content] of Object.entries(contents)) {
      const unlisted = await push(open(), content, '1.0')
      expect(await oracle.differences(path, content, '1.0'), kind).toEqual(unlisted)
      expect(abilities.fallbackTag === 'like others' ? unlisted : []).toEqual([])
      await pull(open(), content, '1.0')
    }
  })

  it('a blob is uploaded in one request or in chunks, once', async () => {
    const { open, oracle } = await workplaceAt(profile)
    const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => i % 253))
    const d = blobOf(bytes)
    for (const [at, wholeUpTo] of [['whole', 100_000] as const, ['chunks', 1000] as const]) {
      const store = open(at, { wholeUpTo, chunk: 6000 })
      expect(await store.putBlob(d, bytesSource(bytes), newCall())).toBe('uploaded')
      expect((await oracle.get(`/v2/${at}/blobs/${d.digest}`)).body.equals(bytes)).toBe(true)
      expect(await store.putBlob(d, bytesSource(bytes), newCall())).toBe('present')
      expect(await collect(await store.blob(d, 15_000, newCall()))).toEqual(bytes.subarray(15_000))
    }
  })

  it('a blob of another repository is mounted, and one that is missing there is uploaded', async () => {
    const { registry, open, oracle, abilities } = await workplaceAt(profile)
    const bytes = Buffer.from('mounted')
    await oracle.pushBlob('from', digestOf(bytes), bytes)
    const mountFrom = (at: string, content: Buffer) => ({
      ...bytesSource(content),
      repository: { registry, path: at },
    })
    const how = await open().putBlob(blobOf(bytes), mountFrom('from', bytes), newCall())
    expect(how).toBe(abilities.mount ? 'mounted' : 'uploaded')
    const missing = Buffer.from('missing')
    expect(await open().putBlob(blobOf(missing), mountFrom('from', missing), newCall())).toBe('uploaded')
    for (const content of [bytes, missing])
      expect((await oracle.get(`/v2/${path}/blobs/${digestOf(content)}`)).body.equals(content)).toBe(true)
  })

  it('bytes with another digest are refused, and nothing is stored', async () => {
    const { open, oracle } = await workplaceAt(profile)
    const d = { ...blobOf('other bytes'), digest: digestOf('the blob') }
    const pushed = open().putBlob(d, bytesSource(Buffer.from('other bytes')), newCall())
    await expect(pushed).rejects.toMatchObject({ code: 'corrupt' })
    expect((await oracle.get(`/v2/${path}/blobs/${d.digest}`)).status).toBe(404)
  })

  it('content that does not exist is absent, and no error', async () => {
    const { open } = await workplaceAt(profile)
    const digest = digestOf('absent')
    for (const at of [{ tag: 'absent' }, { digest }]) {
      expect(await open().resolve(at, newCall())).toBeUndefined()
      expect(await open().findManifest(at, newCall())).toBeUndefined()
    }
    expect(await open().hasBlob(blobOf('absent'), newCall())).toBe(false)
    await expect(open().blob(blobOf('absent'), 0, newCall())).rejects.toMatchObject({ code: 'not-found' })
  })
})
