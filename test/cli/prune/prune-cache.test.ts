import { describe, expect, it } from 'vitest'
import { pruneCache } from '../../../src/cli/prune/prune-cache.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const repository = { registry: 'r.example.com', path: 'dev/api' }
const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')]
const nothing = {
  get: async () => await Promise.resolve(undefined),
  put: async () => await Promise.resolve(),
  flush: async () => await Promise.resolve(),
}

function cacheWith(value?: unknown) {
  const kept = new Map<string, unknown>([['r.example.com/dev/api', value]])
  return pruneCache(nothing, {
    get: async (key) => await Promise.resolve(kept.get(key)),
    put: async (key, given) => {
      await Promise.resolve()
      kept.set(key, JSON.parse(JSON.stringify(given)))
    },
  })
}

describe('the cached reading of a repository', () => {
  it('is returned to the next run', async () => {
    const cache = cacheWith()
    const reading = {
      tags: new Map([
        ['pr-1', a],
        ['main', b],
      ]),
      indexReferrers: new Map([
        [a, []],
        [b, [c]],
      ]),
    }
    await cache.remember(repository, reading)
    expect(await cache.last(repository)).toEqual(reading)
  })

  it.each([
    undefined,
    null,
    'text',
    {},
    { tags: [], without: [], having: {} },
    { tags: {}, without: {}, having: {} },
    { tags: {}, without: [], having: [] },
  ])('is undefined for %j', async (value) => {
    expect(await cacheWith(value).last(repository)).toBeUndefined()
  })

  it('omits invalid tags and digests', async () => {
    const cache = cacheWith({
      tags: { 'pr-1': a, '../x': b, main: 'sha256:short' },
      without: [a, 7, 'no digest'],
      having: { [b]: [c, null], nothing: [a] },
    })
    const last = await cache.last(repository)
    expect(last?.tags).toEqual(new Map([['pr-1', a]]))
    expect(last?.indexReferrers).toEqual(
      new Map([
        [a, []],
        [b, [c]],
      ]),
    )
  })
})
