import { describe, expect, it } from 'vitest'
import { type Descriptor, parseDescriptor } from '../../../../src/oci/descriptor.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { fallbackTag } from '../../../../src/oci/evidence-tags.ts'
import type { RegistryClientOptions } from '../../../../src/registry/client/client.ts'
import { image, referrer, types } from '../../../support/images.ts'
import { leapingClock } from '../../../support/manual-clock.ts'
import { newCall, type ScriptedAnswer, scripted, storeAt } from '../world.ts'

const content = image()
const subject = parseDescriptor(content.root, 'root').digest
const entryOf = (payload: string): Descriptor =>
  parseDescriptor({ ...referrer(content, { payload }).root, artifactType: 'a/b' }, 'entry')
const [one, two, three] = [entryOf('one'), entryOf('two'), entryOf('three')]

interface ListServer {
  readonly registry: string
  /** undefined: there is no such tag */
  entries: readonly Descriptor[] | undefined
  /** digests whose manifests are gone */
  readonly deleted: Set<string>
  /** is called after each request of dray for the list, with its number among those of its kind */
  after: (request: 'GET' | 'PUT', count: number) => void
  readonly counts: { GET: number; PUT: number }
}

/** A registry without the referrers API that has the list of one subject. */
async function listServer(entries?: readonly Descriptor[]): Promise<ListServer> {
  const list: ListServer = {
    registry: '',
    entries,
    deleted: new Set(),
    after: () => undefined,
    counts: { GET: 0, PUT: 0 },
  }
  const { registry } = await scripted(({ method, path, body }): ScriptedAnswer => {
    const digest = path.slice(path.lastIndexOf('/') + 1)
    if (method === 'HEAD') {
      if (list.deleted.has(digest)) return { status: 404 }
      return {
        status: 200,
        headers: { 'docker-content-digest': digest, 'content-length': '9', 'content-type': types.manifest },
      }
    }
    const answer = method === 'PUT' ? put(list, body) : get(list)
    const request = method === 'PUT' ? 'PUT' : 'GET'
    list.after(request, ++list.counts[request])
    return answer
  })
  return Object.assign(list, { registry })
}

function get({ entries }: ListServer): ScriptedAnswer {
  if (entries === undefined) return { status: 404 }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: entries })
  return { status: 200, headers: { 'content-type': types.index }, body }
}

function put(list: ListServer, body: Buffer): ScriptedAnswer {
  list.entries = (JSON.parse(body.toString()) as { manifests: Descriptor[] }).manifests
  return { status: 201, headers: { 'docker-content-digest': digestOf(body) } }
}

const digestsOf = (entries: readonly Descriptor[] | undefined) => entries?.map(({ digest }) => digest).sort()

/** Adds referrers and confirms that they are listed, like one run. */
async function addAndConfirm(
  { registry }: Pick<ListServer, 'registry'>,
  referrers: readonly Descriptor[],
  options: Partial<RegistryClientOptions> = {},
): Promise<readonly string[]> {
  const store = storeAt(registry, options)
  const listing = await store.addToFallbackTag(subject, referrers, newCall())
  return await store.confirmFallbackTag(subject, referrers, listing, newCall())
}

describe('the list of referrers at the end of a run', () => {
  it('has 50 referrers after one write, and is read once more', async () => {
    const all = Array.from({ length: 50 }, (_, i) => entryOf(String(i)))
    const list = await listServer([two])
    expect(await addAndConfirm(list, all)).toEqual([])
    expect(list.counts).toEqual({ GET: 3, PUT: 1 })
    expect(digestsOf(list.entries)).toEqual(digestsOf([two, ...all]))
  })

  it.each([1, 3])('is repaired if another client overwrites it %i times after it was read', async (times) => {
    const list = await listServer()
    let lost = 0
    list.after = (request) => {
      const isConfirmed = request === 'GET' && list.entries?.some(({ digest }) => digest === one.digest)
      if (isConfirmed === true && lost++ < times) list.entries = [two]
    }
    expect(await addAndConfirm(list, [one])).toEqual([])
    expect(digestsOf(list.entries)).toEqual(digestsOf([one, two]))
    expect(list.counts.PUT).toBe(1 + times)
  })

  it('lacks the referrers that it returns if another client overwrites it without end', async () => {
    const list = await listServer()
    list.after = (request) => {
      if (request === 'GET' && list.entries !== undefined) list.entries = [two]
    }
    expect(await addAndConfirm(list, [one, three])).toEqual([one.digest, three.digest])
    expect(list.counts.PUT).toBe(9)
  })

  it('is read again until it no longer changes, at most twice more', async () => {
    const list = await listServer()
    list.after = (request, count) => {
      if (request === 'GET') list.entries = [...(list.entries ?? []), entryOf(`other ${count}`)]
    }
    expect(await addAndConfirm(list, [one])).toEqual([])
    expect(list.counts).toEqual({ GET: 6, PUT: 1 })
  })

  it('is repaired with the entries of other runs, unless their manifests are gone', async () => {
    const list = await listServer([two, three])
    list.deleted.add(three.digest)
    list.after = (request, count) => {
      if (request === 'GET' && count === 2) list.entries = [one]
    }
    expect(await addAndConfirm(list, [one])).toEqual([])
    expect(digestsOf(list.entries)).toEqual(digestsOf([one, two]))
  })

  it('keeps its entries if the read before the write answers 404 by mistake', async () => {
    const list = await listServer()
    list.after = (request, count) => {
      if (request === 'GET' && count === 1) list.entries = [two]
    }
    expect(await addAndConfirm(list, [one])).toEqual([])
    expect(digestsOf(list.entries)).toEqual(digestsOf([one, two]))
  })

  it('is read once before the write if an earlier read of the run answered 404', async () => {
    const list = await listServer()
    const store = storeAt(list.registry)
    expect(await store.findManifest({ tag: fallbackTag(subject) }, newCall())).toBeUndefined()
    await store.addToFallbackTag(subject, [one], newCall())
    expect(list.counts).toEqual({ GET: 3, PUT: 1 })
  })

  it('is read again after a random pause, which doubles with each loss', async () => {
    const list = await listServer()
    let lost = 0
    list.after = (request) => {
      const isConfirmed = request === 'GET' && list.entries?.some(({ digest }) => digest === one.digest)
      if (isConfirmed === true && lost++ < 2) list.entries = []
    }
    for (const [random, pauses] of [
      [0, [125, 250, 500]],
      [0.5, [188, 375, 750]],
    ] as const) {
      lost = 0
      list.entries = undefined
      const clock = leapingClock()
      expect(await addAndConfirm(list, [one], { clock, random: () => random })).toEqual([])
      expect(clock.naps).toEqual(pauses)
    }
  })

  it('has the referrers of two runs that read it before either wrote it', async () => {
    const list = await listServer()
    // the writes arrive in turns, each after the other run's read
    let stale: readonly Descriptor[] | undefined
    list.after = (request, count) => {
      if (request === 'PUT' && count === 1) stale = list.entries
      // the second write does not have the first one's entry, and is not read back by it
      if (request === 'PUT' && count === 2) list.entries = list.entries?.filter((e) => !stale?.includes(e))
    }
    const missing = await Promise.all([addAndConfirm(list, [one]), addAndConfirm(list, [two])])
    expect(missing).toEqual([[], []])
    expect(digestsOf(list.entries)).toEqual(digestsOf([one, two]))
  })
})
