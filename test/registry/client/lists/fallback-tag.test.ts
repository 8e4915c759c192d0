import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Descriptor, parseDescriptor } from '../../../../src/oci/descriptor.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { fallbackTag } from '../../../../src/oci/evidence-tags.ts'
import { indexBytes } from '../../../../src/registry/client/lists/fallback-index.ts'
import { type Content, image, referrer, together, types } from '../../../support/images.ts'
import { embedded, newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const content = image()
const one = referrer(content, { payload: 'one', annotations: { who: 'me' } })
const two = referrer(content, { payload: 'two' })
const subject = parseDescriptor(content.root, 'root').digest
const tag = fallbackTag(subject)
const path = 'team/api'

function entryOf(evidence: Content): Descriptor {
  return parseDescriptor(
    { ...evidence.root, artifactType: 'application/spdx+json', annotations: { who: 'me' } },
    'entry',
  )
}

/** The manifests without an index that lists them. */
function unlisted(...contents: Content[]): Content {
  const all = together(content, ...contents)
  return { ...all, manifests: all.manifests.map(({ descriptor, bytes }) => ({ descriptor, bytes })) }
}

describe('the fallback tag', () => {
  it('gets entries one after another with artifactType and annotations', async () => {
    const registry = await embedded({ profile: 'docker-registry-2.8' })
    await registry.push(unlisted(one, two), path, '1')
    const store = storeAt(registry.registry)
    const added = await Promise.all(
      [one, two].map((e) => store.addToFallbackTag(subject, [entryOf(e)], newCall())),
    )
    expect(added.map(({ result }) => result)).toEqual(['added', 'added'])
    expect(await registry.oracle.referrersByTag(path, subject)).toEqual(
      [one.root.digest, two.root.digest].sort(),
    )
    const index = JSON.parse(String((await registry.oracle.manifest(path, tag))?.bytes)) as {
      manifests: unknown[]
    }
    expect(index.manifests).toContainEqual(entryOf(one))
    expect(await store.addToFallbackTag(subject, [entryOf(one)], newCall())).toMatchObject({
      result: 'unchanged',
    })
  })

  it('keeps the entries of others, including unknown fields', async () => {
    const registry = await embedded({ profile: 'docker-registry-2.8' })
    await registry.push(unlisted(one, two), path, '1')
    const old = { ...two.root, artifactType: 'x/y', 'org.example.new': { a: 1 } }
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: types.index, annotations: { a: 'b' }, manifests: [old] }),
    )
    await registry.oracle.putManifest(path, tag, {
      bytes,
      descriptor: { mediaType: types.index, digest: digestOf(bytes), size: bytes.length },
    })
    await storeAt(registry.registry).addToFallbackTag(subject, [entryOf(one)], newCall())
    const index = JSON.parse(String((await registry.oracle.manifest(path, tag))?.bytes)) as Record<
      string,
      unknown
    >
    expect(index['annotations']).toEqual({ a: 'b' })
    expect(index['manifests']).toContainEqual(old)
  })

  it('is the same bytes for the same entries in any order', () => {
    const entries = fc.uniqueArray(fc.record({ digest: fc.string(), b: fc.string(), a: fc.integer() }), {
      selector: (e) => e.digest,
    })
    fc.assert(
      fc.property(entries, (list) => {
        const turned = list.map(({ digest, b, a }) => ({ a, b, digest })).toReversed()
        expect(Buffer.from(indexBytes(turned))).toEqual(Buffer.from(indexBytes(list)))
      }),
    )
  })

  it('is read and merged again if another writer interferes', async () => {
    const entries: unknown[] = []
    let puts = 0
    const bytesOf = () => JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: entries })
    const { registry } = await scripted(({ method, body }): ScriptedAnswer => {
      if (method !== 'PUT') {
        return entries.length === 0
          ? { status: 404 }
          : { status: 200, headers: { 'content-type': types.index }, body: bytesOf() }
      }
      puts++
      // Another client overwrites the first write at once.
      entries.splice(
        0,
        entries.length,
        ...(puts === 1 ? [two.root] : (JSON.parse(body.toString()) as { manifests: unknown[] }).manifests),
      )
      return { status: 201, headers: { 'docker-content-digest': digestOf(body) } }
    })
    const listing = await storeAt(registry).addToFallbackTag(subject, [entryOf(one)], newCall())
    expect(listing).toMatchObject({ result: 'added', missing: [] })
    expect(entries).toHaveLength(2)
    expect(puts).toBe(2)
  })

  it.each(['add', 'remove the last'] as const)(
    'keeps an entry that another writer adds while the request to %s waits for Retry-After',
    async (what) => {
      let entries: unknown[] | undefined = what === 'add' ? undefined : [one.root]
      let waits = true
      const { registry } = await scripted(({ method, body }): ScriptedAnswer => {
        if (method === 'GET') {
          return entries === undefined
            ? { status: 404 }
            : {
                status: 200,
                headers: { 'content-type': types.index },
                body: JSON.stringify({ manifests: entries }),
              }
        }
        if (waits) {
          waits = false
          entries = [...(entries ?? []), two.root]
          return { status: 429, headers: { 'retry-after': '5' } }
        }
        if (method === 'DELETE') entries = undefined
        else entries = (JSON.parse(body.toString()) as { manifests: unknown[] }).manifests
        return { status: method === 'PUT' ? 201 : 202, headers: { 'docker-content-digest': digestOf(body) } }
      })
      const store = storeAt(registry)
      const changed =
        what === 'add'
          ? store.addToFallbackTag(subject, [entryOf(one)], newCall()).then(({ result }) => result)
          : store.removeFromFallbackTag(subject, entryOf(one).digest, newCall())
      expect(await changed).toBe(what === 'add' ? 'added' : 'removed')
      const digests = entries?.map((entry) => (entry as Descriptor).digest)
      expect(digests?.toSorted()).toEqual(
        [two.root.digest, ...(what === 'add' ? [one.root.digest] : [])].toSorted(),
      )
    },
  )

  it('lacks the referrers that it returns if others overwrite it without end', async () => {
    const { registry, heard } = await scripted(({ method, body }) =>
      method === 'PUT'
        ? { status: 201, headers: { 'docker-content-digest': digestOf(body) } }
        : {
            status: 200,
            headers: { 'content-type': types.index },
            body: JSON.stringify({ manifests: [two.root] }),
          },
    )
    const { missing } = await storeAt(registry).addToFallbackTag(subject, [entryOf(one)], newCall())
    expect(missing).toEqual([one.root.digest])
    expect(heard.length).toBeLessThan(40)
  })

  it('that is on the image itself, as at GitLab, is an error', async () => {
    const registry = await embedded({ profile: 'docker-registry-2.8' })
    await registry.push(unlisted(one), path, tag)
    await expect(
      storeAt(registry.registry).addToFallbackTag(subject, [entryOf(one)], newCall()),
    ).rejects.toMatchObject({
      code: 'unsupported',
      subject: `${registry.registry}/${path}:${tag}`,
      why: expect.stringContaining('GitLab'),
    })
  })

  it('drops entries whose manifests are gone if the registry refuses the index otherwise', async () => {
    const registry = await embedded({ profile: 'docker-registry-2.8' })
    await registry.push(together(content, two), path, '1')
    await registry.push(unlisted(one), path)
    await registry.oracle.delete(path, two.root.digest)
    const store = storeAt(registry.registry)
    expect(await store.addToFallbackTag(subject, [entryOf(one)], newCall())).toMatchObject({ missing: [] })
    expect(await registry.oracle.referrersByTag(path, subject)).toEqual([one.root.digest])
  })

  it.each([
    ['is deleted with its last entry', 'oci-1.1', undefined],
    ['is empty if the registry cannot delete tags', 'docker-registry-2.8', []],
  ] as const)('%s (%s)', async (_, profile, left) => {
    const registry = await embedded({ profile, abilities: { referrers: false } })
    await registry.push(together(content, one, two), path, '1')
    const store = storeAt(registry.registry)
    const [a, b] = [entryOf(one).digest, entryOf(two).digest]
    expect(await store.removeFromFallbackTag(subject, a, newCall())).toBe('removed')
    expect(await registry.oracle.referrersByTag(path, subject)).toEqual([b])
    expect(await store.removeFromFallbackTag(subject, a, newCall())).toBe('unchanged')
    expect(await store.removeFromFallbackTag(subject, b, newCall())).toBe('removed')
    expect(await registry.oracle.referrersByTag(path, subject)).toEqual(left)
  })
})
