import { describe, expect, it } from 'vitest'
import { buildUsageReport } from '../../../src/usecases/usage/build-report.ts'
import type { StoredBytes, UsageReport } from '../../../src/usecases/usage/usage-report.ts'
import { randomFrom } from '../../support/random.ts'
import {
  type BlobSketch,
  blobNamed,
  storageOf,
  usageFacts,
  usageRequest,
  type UsageSketch,
} from '../../support/usage/usage-facts.ts'

const gib = 1024 ** 3

function bytesIn({ repositories }: UsageReport, path: string): StoredBytes | undefined {
  return repositories.find(({ repository }) => repository.path === path)?.bytes
}

/** Two repositories that share `base`; `a` and `b` of web share `lib`. */
const shop: Readonly<Record<string, UsageSketch>> = {
  web: {
    images: {
      a: { blobs: { base: 100, lib: 50, a: 1 } },
      b: { blobs: { base: 100, lib: 50, b: 2 }, tags: ['b', 'latest'] },
    },
    untagged: { base: 100, lib: 50, lost: 7 },
    inventory: {},
  },
  jobs: { images: { c: { blobs: { base: 100, c: 3 } } }, inventory: {} },
}

describe('the parts of stored bytes', () => {
  it('count each blob of a repository once, in one part', () => {
    const report = buildUsageReport(usageFacts([storageOf(shop)]), usageRequest())
    expect(bytesIn(report, 'web')).toEqual({
      unique: 3,
      shared: 50,
      crossRepository: 100,
      untagged: 7,
      stored: 160,
    })
    expect(bytesIn(report, 'jobs')).toMatchObject({ unique: 3, shared: 0, crossRepository: 100, untagged: 0 })
    expect(report.totals).toMatchObject({ images: 3, tags: 4, sumOfImages: 151 + 152 + 103 })
    expect(report.totals.bytes).toEqual({
      unique: 6,
      shared: 50,
      crossRepository: 100,
      untagged: 7,
      stored: 163,
    })
  })

  it('add up to the byte in any repositories (case 1)', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed)
      const next = (end: number): number => Math.floor(random() * end)
      const pick = (): BlobSketch =>
        Object.fromEntries(
          Array.from({ length: 1 + next(4) }, () => {
            const id = next(12)
            return [`blob ${id}`, 1000 + id * 37]
          }),
        )
      const sketches = Array.from({ length: 1 + next(4) }, (_, i) => {
        const images = Array.from({ length: next(5) }, () => ({ blobs: pick() }))
        const sketch: UsageSketch = {
          images: Object.fromEntries(images.map((one, n) => [`${i}-${n}`, one])),
          untagged: next(2) === 0 ? {} : pick(),
          inventory: {},
        }
        return [`r${i}`, sketch] as const
      })
      const report = buildUsageReport(usageFacts([storageOf(Object.fromEntries(sketches))]), usageRequest())
      const everything: Record<string, number> = {}
      for (const [path, { images = {}, untagged }] of sketches) {
        const own = Object.assign(
          {},
          untagged,
          ...Object.values(images).map(({ blobs }) => blobs),
        ) as BlobSketch
        Object.assign(everything, own)
        const found = bytesIn(report, path)
        expect(found?.stored).toBe(sum(Object.values(own)))
        expect(sumOfParts(found)).toBe(found?.stored)
      }
      expect(report.totals.bytes.stored).toBe(sum(Object.values(everything)))
      expect(sumOfParts(report.totals.bytes)).toBe(report.totals.bytes.stored)
    }
  })

  it('count a layer of two registries in both (case 2)', () => {
    const one = storageOf(
      { web: { images: { a: { blobs: { layer: 100 } } } } },
      { registry: 'one.example.com' },
    )
    const two = storageOf(
      { web: { images: { a: { blobs: { layer: 100 } } } } },
      { registry: 'two.example.com' },
    )
    const report = buildUsageReport(usageFacts([one, two]), usageRequest())
    expect(report.totals.bytes).toMatchObject({ unique: 200, crossRepository: 0, stored: 200 })
  })

  it('are zero without repositories (case 3)', () => {
    const { totals, repositories } = buildUsageReport(usageFacts([]), usageRequest())
    expect(repositories).toEqual([])
    expect(totals).toMatchObject({ repositories: 0, images: 0, bytes: { stored: 0 }, growth: 'unknown' })
  })

  it('have an unknown untagged part without an inventory of untagged manifests (case 4)', () => {
    const storage = storageOf({
      plain: { images: { a: { blobs: { a: 1 } } } },
      tags: { images: { b: { blobs: { b: 2 } } }, inventory: { untagged: false } },
      whole: { images: { c: { blobs: { c: 3 } } }, inventory: {} },
    })
    const report = buildUsageReport(usageFacts([storage]), usageRequest())
    const untagged = ['plain', 'tags', 'whole'].map((path) => bytesIn(report, path)?.untagged)
    expect(untagged).toEqual(['unknown', 'unknown', 0])
    expect(report.totals.bytes.untagged).toBe('unknown')
    expect(report.notes).toEqual([
      'Harbor does not list untagged manifests.',
      'The OCI API does not list the untagged manifests of registry.example.com. For the registry of a vendor, set registries.HOST.kind in dray.yaml.',
    ])
    const vendors = new Set(['registry.example.com'])
    const { notes } = buildUsageReport(usageFacts([storage], { vendors }), usageRequest())
    expect(notes[1]).toBe('The OCI API does not list the untagged manifests of registry.example.com.')
  })

  it('are summed per repository if the registry shares no blobs between them (case 6)', () => {
    const storages = Object.entries(shop).map(([path, sketch]) => storageOf({ [path]: sketch }))
    const report = buildUsageReport(usageFacts(storages), usageRequest())
    expect(bytesIn(report, 'web')).toMatchObject({ unique: 3, shared: 150, crossRepository: 0, untagged: 7 })
    expect(report.totals.bytes.stored).toBe(160 + 103)
  })
})

describe('the cost', () => {
  it('is absent without a price (case 5)', () => {
    const report = buildUsageReport(usageFacts([storageOf(shop)]), usageRequest())
    expect(report.repositories.every((row) => !('cost' in row))).toBe(true)
    expect(report.totals).not.toHaveProperty('cost')
    expect(report.notes.join()).not.toContain('price')
  })

  it('has cross-repository bytes once, in the total', () => {
    const sizes: Readonly<Record<string, UsageSketch>> = {
      web: { images: { a: { blobs: { base: 4 * gib, a: gib } } }, inventory: {} },
      jobs: { images: { b: { blobs: { base: 4 * gib, b: 2 * gib } } }, inventory: {} },
    }
    const report = buildUsageReport(usageFacts([storageOf(sizes, { price: 0.5 })]), usageRequest())
    expect(report.repositories.map(({ image, cost }) => [image, cost])).toEqual([
      ['@prod/jobs', 1],
      ['@prod/web', 0.5],
    ])
    expect(report.totals.cost).toBe(3.5)
  })

  it('names registries without a price if others have one', () => {
    const priced = storageOf(shop, { price: 1, registry: 'one.example.com' })
    const report = buildUsageReport(
      usageFacts([priced, storageOf(shop, { registry: 'two.example.com' })]),
      usageRequest(),
    )
    expect(report.notes.join()).toContain('The cost does not include two.example.com.')
  })
})

describe('the bytes that a policy would free', () => {
  const planned: Readonly<Record<string, UsageSketch>> = {
    web: {
      images: { old: { blobs: { base: 100, old: 10 } }, new: { blobs: { base: 100, new: 20 } } },
      planned: { remaining: { base: 100, new: 20 }, deleted: { base: 100, old: 10 }, images: 1 },
    },
    jobs: {
      images: { job: { blobs: { base: 100, old: 10 } } },
      planned: { remaining: {}, deleted: { base: 100, old: 10 }, images: 1 },
    },
  }

  it('are those that nothing has which remains in any repository, once in the total', () => {
    const facts = usageFacts([storageOf(planned)], { policy: { name: 'nightly', refused: new Map() } })
    const { repositories, totals } = buildUsageReport(facts, usageRequest())
    expect(repositories.map(({ wouldFree }) => wouldFree)).toEqual([
      { bytes: 10, images: 1, manifests: 1 },
      { bytes: 10, images: 1, manifests: 1 },
    ])
    expect(totals.wouldFree).toEqual({ bytes: 10, images: 2, manifests: 2 })
  })

  it('are none in a repository that a limit refuses, whose content keeps that of others', () => {
    const error = { code: 'refused' as const, message: 'too many deletes' }
    const refused = new Map([['registry.example.com/jobs', error]])
    const facts = usageFacts([storageOf(planned)], { policy: { refused } })
    const { repositories, totals } = buildUsageReport(facts, usageRequest())
    const jobs = repositories.find(({ repository }) => repository.path === 'jobs')
    expect(jobs?.wouldFree).toEqual({ bytes: 0, images: 0, manifests: 0, refused: error })
    expect(totals.wouldFree).toEqual({ bytes: 0, images: 1, manifests: 1 })
  })

  it('are none if the run is refused', () => {
    const refusedRun = { code: 'refused' as const, message: 'too many deletes' }
    const facts = usageFacts([storageOf(planned)], { policy: { refused: new Map(), refusedRun } })
    const { totals, policy } = buildUsageReport(facts, usageRequest())
    expect([policy?.refused, totals.wouldFree?.bytes]).toEqual([refusedRun, 0])
  })
})

describe('images without pulls', () => {
  const inUse = { verdict: 'keep', why: { kind: 'inUse', text: 'in use: cluster' } } as const
  const pulled: Readonly<Record<string, UsageSketch>> = {
    web: {
      images: {
        idle: { blobs: { base: 100, idle: 10 }, pulled: 200, judged: inUse },
        unpulled: { blobs: { base: 100, unpulled: 5 }, pulled: 'never', pushed: 100 },
        fresh: { blobs: { base: 100, fresh: 1 }, pulled: 'never', pushed: 3 },
        unknown: { blobs: { unknown: 2 } },
      },
      inventory: {},
    },
    plain: { images: { other: { blobs: { other: 9 } } } },
  }
  const notPulledFor = 90 * 86_400_000

  it('count with the bytes that only they have, and the reasons that keep them', () => {
    const report = buildUsageReport(usageFacts([storageOf(pulled)]), usageRequest({ notPulledFor }))
    const web = report.repositories.find(({ repository }) => repository.path === 'web')
    const counted = { images: 2, bytes: 15, kept: { inUse: 1, protection: 0, hold: 0 }, unknown: 1 }
    expect(web?.notPulled).toEqual(counted)
    expect(report.totals.notPulled).toEqual(counted)
  })

  it('are unknown without pull times, and a note names the registry', () => {
    const report = buildUsageReport(usageFacts([storageOf(pulled)]), usageRequest({ notPulledFor }))
    const plain = report.repositories.find(({ repository }) => repository.path === 'plain')
    expect(plain?.notPulled).toBe('unknown')
    expect(plain).not.toHaveProperty('lastPulledAt')
    expect(report.notes.join()).toContain('No pull times of registry.example.com.')
  })

  it('have a day more if the vendor only knows the day', () => {
    const at = (days: number, pulledAt: 'exact' | 'day'): number | undefined => {
      const storage = storageOf({
        web: { images: { a: { blobs: { a: 1 }, pulled: days } }, inventory: { pulledAt } },
      })
      const { totals } = buildUsageReport(usageFacts([storage]), usageRequest({ notPulledFor }))
      return typeof totals.notPulled === 'object' ? totals.notPulled.images : undefined
    }
    expect([at(90.5, 'exact'), at(90.5, 'day'), at(91.5, 'day')]).toEqual([1, 0, 1])
  })

  it('are the only ones of a list of images', () => {
    const report = buildUsageReport(
      usageFacts([storageOf(pulled)]),
      usageRequest({ by: 'tag', notPulledFor }),
    )
    expect(report.images?.map(({ tags, unpulledDays, why }) => [tags[0], unpulledDays, why?.kind])).toEqual([
      ['idle', 200, 'inUse'],
      ['unpulled', 100, undefined],
    ])
    expect(report.totals.rows).toBe(2)
  })

  it('are in the bucket of their newest pull, with each blob once', () => {
    const { pulls } = buildUsageReport(usageFacts([storageOf(pulled)]), usageRequest())
    const filled = pulls?.buckets.filter(({ images }) => images > 0)
    expect(pulls?.sources).toEqual(['Harbor'])
    expect(filled).toEqual([
      { fromDays: 1, toDays: 7, images: 1, bytes: 101 },
      { fromDays: 90, toDays: 180, images: 1, bytes: 5 },
      { fromDays: 180, toDays: 365, images: 1, bytes: 10 },
    ])
    expect(pulls?.unknown).toEqual({ images: 2, bytes: 11 })
  })
})

describe('a list of images', () => {
  it('has the most unique bytes first, and at most the limit', () => {
    const request = usageRequest({ by: 'tag', limit: 2 })
    const { images, totals } = buildUsageReport(usageFacts([storageOf(shop)]), request)
    expect(images?.map(({ image, tags, bytes, size }) => ({ image, tags, bytes, size }))).toEqual([
      {
        image: '@prod/jobs',
        tags: ['c'],
        bytes: { unique: 3, shared: 0, crossRepository: 100 },
        size: 103,
      },
      {
        image: '@prod/web',
        tags: ['b', 'latest'],
        bytes: { unique: 2, shared: 50, crossRepository: 100 },
        size: 152,
      },
    ])
    expect(totals.rows).toBe(3)
  })
})

describe('a list of layers', () => {
  it('has the largest first, with the images that share them', () => {
    const request = usageRequest({ by: 'layer', limit: 2 })
    const { layers, totals } = buildUsageReport(usageFacts([storageOf(shop)]), request)
    expect(layers).toEqual([
      {
        registry: 'registry.example.com',
        digest: blobNamed('base'),
        size: 100,
        copies: 1,
        repositories: 2,
        images: 3,
        sharedBy: ['@prod/web:a', '@prod/web:b', '@prod/jobs:c'],
      },
      {
        registry: 'registry.example.com',
        digest: blobNamed('lib'),
        size: 50,
        copies: 1,
        repositories: 1,
        images: 2,
        sharedBy: ['@prod/web:a', '@prod/web:b'],
      },
    ])
    expect(totals.rows).toBe(6)
  })

  it('counts the copies of repositories that share no blobs', () => {
    const storages = Object.entries(shop).map(([path, sketch]) => storageOf({ [path]: sketch }))
    const { layers } = buildUsageReport(usageFacts(storages), usageRequest({ by: 'layer', limit: 1 }))
    expect(layers).toMatchObject([{ size: 100, copies: 2, repositories: 2, images: 3 }])
  })

  it('names ten images at most, of any number', () => {
    const images = Object.fromEntries(
      Array.from({ length: 25 }, (_, i) => [`v${i}`, { blobs: { base: 100, [`own ${i}`]: 1 } }]),
    )
    const { layers } = buildUsageReport(
      usageFacts([storageOf({ web: { images } })]),
      usageRequest({ by: 'layer', limit: 1 }),
    )
    expect([layers?.[0]?.images, layers?.[0]?.sharedBy.length]).toEqual([25, 10])
  })
})

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

function sumOfParts(bytes: StoredBytes | undefined): number | undefined {
  if (bytes === undefined || bytes.untagged === 'unknown') return undefined
  return bytes.unique + bytes.shared + bytes.crossRepository + bytes.untagged
}
