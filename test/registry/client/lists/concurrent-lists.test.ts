import { describe, expect, it } from 'vitest'
import { type Descriptor, parseDescriptor } from '../../../../src/oci/descriptor.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { openRepositories } from '../../../../src/registry/open-repositories.ts'
import type { Fetch, RegistryResponse } from '../../../../src/registry/http/fetch.ts'
import { image, referrer, types } from '../../../support/images.ts'
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts'
import { randomFrom } from '../../../support/random.ts'
import { newCall } from '../world.ts'

const content = image()
const subject = parseDescriptor(content.root, 'root').digest
const entryOf = (payload: string): Descriptor =>
  parseDescriptor({ ...referrer(content, { payload }).root, artifactType: 'a/b' }, 'entry')
/** docker-registry 2.8 answers 404 to reads of a tag that is being moved. */
const moveMs = 3

interface SlowList {
  readonly fetch: Fetch
  entries: readonly Descriptor[]
  puts: number
}

/**
 * A registry in memory that has one list and applies each request somewhere within its random
 * duration of simulated time. One in twenty takes four times as long.
 */
function slowList(meanMs: number, clock: ManualClock, random: () => number): SlowList {
  const list: SlowList = {
    entries: [entryOf('from long ago')],
    puts: 0,
    fetch: async ({ method, url, body }, { signal }) => {
      const duration = meanMs * (0.3 + 1.4 * random()) * (random() < 0.05 ? 4 : 1)
      const applied = duration * random()
      await clock.sleep(applied, signal)
      const answer = apply(method, body?.kind === 'bytes' ? body.bytes : new Uint8Array())
      await clock.sleep(duration - applied, signal)
      return responseOf(url, ...answer)
    },
  }
  let movedAt = -moveMs
  const apply = (method: string, body: Uint8Array): readonly [number, string, string] => {
    if (method === 'HEAD') return [200, content.root.digest, '']
    if (method === 'PUT') {
      list.entries = (JSON.parse(Buffer.from(body).toString()) as { manifests: Descriptor[] }).manifests
      list.puts++
      movedAt = clock.now()
      return [201, digestOf(body), '']
    }
    if (clock.now() < movedAt + moveMs) return [404, '', '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}']
    const text = JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests: list.entries })
    return [200, digestOf(text), text]
  }
  return list
}

function responseOf(url: URL, status: number, digest: string, text: string): RegistryResponse {
  const bytes = Buffer.from(text)
  const headers = new Map([['content-type', status === 404 ? 'application/json' : types.index]])
  if (digest !== '') headers.set('docker-content-digest', digest)
  const body = (async function* () {
    yield bytes
  })()
  return { status, headers, url, body, bytes: async () => bytes, discard: async () => undefined }
}

/** Wakes the sleepers of the clock until the work has ended. */
async function runOn<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  const ended = work.then(() => true)
  for (let hasEnded = false; !hasEnded;)
    hasEnded = await Promise.race([ended, clock.advance(5).then(() => false)])
  return await work
}

describe.each([2, 8, 24])('the list of %i runs that share no lock', (runs) => {
  it.each([
    [1, 20],
    [2, 100],
    [3, 300],
  ])('is complete in the end, with what it had before (seed %i, %i ms)', async (seed, meanMs) => {
    const [clock, random] = [manualClock(), randomFrom(seed)]
    const list = slowList(meanMs, clock, random)
    const began = clock.now()
    const own = Array.from({ length: runs }, (_, i) => entryOf(`of run ${i}`))
    const work = own.map(async (entry): Promise<readonly string[]> => {
      const store = openRepositories({
        fetch: list.fetch,
        origin: () => new URL('https://registry.test'),
        clock,
        random,
      }).target({ registry: 'registry.test', path: 'team/api' })
      await clock.sleep(random() * meanMs * runs, newCall().signal)
      const listing = await store.addToFallbackTag(subject, [entry], newCall())
      return await store.confirmFallbackTag(subject, [entry], listing, newCall())
    })
    const missing = await runOn(clock, Promise.all(work))
    expect(missing.flat()).toEqual([])
    const digests = list.entries.map(({ digest }) => digest).sort()
    expect(digests).toEqual([entryOf('from long ago'), ...own].map(({ digest }) => digest).sort())
    expect(list.puts).toBeLessThanOrEqual(8 * runs)
    expect(clock.now() - began).toBeLessThan(60_000)
  })
})
