import { describe, expect, it } from 'vitest'
import type { SyncSelector } from '../../../src/config/sync/sync-rule.ts'
import type { ContentStore } from '../../../src/images/cache/content-store.ts'
import type { Inventory } from '../../../src/images/inventory/inventory.ts'
import type { SourceRepository } from '../../../src/images/ports.ts'
import { readTag } from '../../../src/images/tags/tags.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { plainReading } from '../../../src/semver/version.ts'
import { type TimedSelection, selectByTime } from '../../../src/usecases/sync/select-by-time.ts'
import { imageWithConfig } from '../../support/config-image.ts'
import { type Content, image, index } from '../../support/images.ts'
import { startPruneRegistry } from '../../support/prune-registry.ts'
import { globs, syncRule } from '../../support/syncing.ts'

const now = Date.UTC(2026, 0, 31)
const created = 'org.opencontainers.image.created'

/** The start of a day in January 2026. */
function day(number: number): string {
  return `2026-01-${`${number}`.padStart(2, '0')}T00:00:00Z`
}

function built(label: string, at: string): Content {
  return imageWithConfig({ label, created: at })
}

interface Run {
  readonly entry?: Partial<SyncSelector>
  readonly isGetCounted?: boolean
  readonly inventory?: Inventory
  readonly contents?: ContentStore
}

async function select(
  images: Readonly<Record<string, Content>>,
  { entry = {}, isGetCounted = false, inventory, contents }: Run = {},
): Promise<
  TimedSelection & { tags: readonly string[]; requests: readonly string[]; warnings: readonly string[] }
> {
  const { registry, run, repository } = await startPruneRegistry()
  for (const [tag, content] of Object.entries(images))
    await registry.oracle.push(content, repository.path, tag)
  const opened = run.stores.source(repository)
  const store: SourceRepository = isGetCounted
    ? { ...opened, capability: (name) => (name === 'freeReads' ? 'no' : opened.capability(name)) }
    : opened
  registry.forget()
  const result = await selectByTime(
    {
      rule: syncRule({ include: [{ tags: globs('*'), newest: 1, ...entry }] }),
      reading: plainReading,
      tags: Object.keys(images),
      now,
    },
    {
      store,
      ...(inventory !== undefined && {
        inventories: { inventory: async () => await Promise.resolve(inventory) },
      }),
      contents,
      resolve: async (tags, call) => {
        const digests = new Map<string, Digest>()
        for (const tag of tags) {
          const digest = isGetCounted
            ? (await store.resolve({ tag }, call))?.digest
            : await readTag(store, tag, call)
          if (digest != null) digests.set(tag, digest)
        }
        return { digests, unread: new Map() }
      },
    },
    run.call,
  )
  return {
    ...result,
    tags: result.selection.tags.map(({ tag }) => tag),
    requests: registry.requests.map(({ method, path }) => `${method} ${path.split('/').at(-2)}`),
    warnings: run.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : [])),
  }
}

/** A cache in memory. */
function memoryContents(): ContentStore {
  const kept = new Map<Digest, Uint8Array>()
  return {
    get: async (digest) => await Promise.resolve(kept.get(digest)),
    put: async (digest, bytes) => {
      kept.set(digest, bytes)
      await Promise.resolve()
    },
    flush: async () => await Promise.resolve(),
  }
}

describe('the times of a rule with newest', () => {
  it('are those of configs, and of an index that of its newest platform image', async () => {
    const images = {
      old: built('old', day(1)),
      multi: index([
        image({ label: 'm', platform: 'linux/amd64', created: day(2) }),
        image({ label: 'm', platform: 'linux/arm64', created: day(9) }),
      ]),
      middle: built('middle', day(5)),
    }
    expect((await select(images)).tags).toEqual(['multi'])
  })

  it('are those of annotations before configs', async () => {
    const images = {
      a: image({ label: 'a', created: day(9), annotations: { [created]: day(1) } }),
      b: image({ label: 'b', created: day(2) }),
    }
    expect((await select(images)).tags).toEqual(['b'])
  })

  it('are unknown if an image is of 1970, of the future, or damaged: it is selected without a slot', async () => {
    const images = {
      epoch: built('epoch', '1970-01-01T00:00:00Z'),
      future: built('future', '2031-01-01T00:00:00Z'),
      damaged: imageWithConfig('no JSON'),
      none: imageWithConfig({ label: 'none' }),
      old: built('old', day(1)),
      recent: built('recent', day(2)),
    }
    const { tags, selection } = await select(images)
    expect(tags).toEqual(['epoch', 'future', 'damaged', 'none', 'recent'])
    expect(selection.tags.filter(({ isUndated }) => isUndated)).toHaveLength(4)
  })

  it('of an index are unknown if one of its images has none', async () => {
    const images = {
      multi: index([built('x', '1970-01-01T00:00:00Z'), built('y', day(8))]),
      recent: built('recent', day(9)),
      old: built('old', day(1)),
    }
    expect((await select(images)).tags).toEqual(['multi', 'recent'])
  })

  it('are not read if no entry needs them, and not if all tags fit', async () => {
    const images = { a: built('a', day(1)), b: built('b', day(2)) }
    expect((await select(images, { entry: { newest: 2 } })).requests).toEqual([])
  })

  it('come from the cache in the next run', async () => {
    const images = { a: built('a', day(1)), b: built('b', day(2)) }
    const contents = memoryContents()
    const first = await select(images, { contents, isGetCounted: true })
    const second = await select(images, { contents, isGetCounted: true })
    expect([first.requested, second.requested]).toEqual([2, 0])
    expect([first.tags, second.tags]).toEqual([['b'], ['b']])
    expect(second.requests).toEqual(['HEAD manifests', 'HEAD manifests'])
    expect(second.warnings).toEqual([])
  })

  it('need pulls if GETs count as such, and a warning first says how many', async () => {
    const images = { a: built('a', day(1)), b: built('b', day(2)) }
    const { warnings } = await select(images, { isGetCounted: true })
    expect(warnings).toEqual([
      expect.stringMatching(/needs at least 2 pulls of .* to read the times for `newest`/),
    ])
  })

  it('come from the inventory without a request to the registry', async () => {
    const images = { a: built('a', day(2)), b: built('b', day(1)) }
    const inventory: Inventory = {
      kind: 'dockerhub',
      name: 'Docker Hub',
      knows: { untagged: false, pushedAt: true, pulledAt: 'no', size: 'no', children: false, locks: false },
      deletes: { manifests: 'no', tags: 'no', lastTagDeletesManifest: false, restorable: false },
      async *entries() {
        await Promise.resolve()
        yield { digest: images.a.root.digest as Digest, tags: [{ name: 'a', pushedAt: Date.parse(day(3)) }] }
        yield { digest: images.b.root.digest as Digest, tags: [{ name: 'b', pushedAt: Date.parse(day(4)) }] }
      },
    }
    const { tags, requests, warnings } = await select(images, { inventory, isGetCounted: true })
    expect({ tags, requests, warnings }).toEqual({ tags: ['b'], requests: [], warnings: [] })
  })
})
