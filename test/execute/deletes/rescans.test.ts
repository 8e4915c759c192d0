import { systemClock } from '../../../src/lib/clock.ts'
import { describe, expect, it } from 'vitest'
import { DeleteLedger } from '../../../src/execute/deletes/delete-ledger.ts'
import { PendingDeletes } from '../../../src/execute/deletes/live-set.ts'
import { Rescans } from '../../../src/execute/deletes/rescans.ts'
import type { RepositoryGraph } from '../../../src/images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { TagOrDigest } from '../../../src/oci/reference.ts'
import type { RepositoryPlan } from '../../../src/plan/prune/prune-plan.ts'
import { manifestStep } from '../../support/delete-steps.ts'
import { notedCall } from '../../support/http-world.ts'

const mediaType = 'application/vnd.oci.image.index.v1+json'
const descriptorOf = (name: string) => ({ mediaType, digest: digestOf(name), size: 1 })

/** A repository in memory: its tags, and the children of its manifests. */
interface Sketch {
  readonly tags: Map<string, string>
  readonly children: Map<string, readonly string[]>
  /** tags that the list of the registry lacks */
  readonly unlisted: Set<string>
}

/** Reads the sketch, and records the requests. */
function readerOf(sketch: Sketch, readings: string[], resolved: string[]): RepositoryReader {
  const { tags, children, unlisted } = sketch
  const listed = (): string[] => [...tags.keys()].filter((tag) => !unlisted.has(tag))
  const begin = () => {
    const graph = {
      repository: manifestStep().repository,
      tags: new Map<string, Digest | null>(),
      nodes: new Map(),
      missing: new Set(),
    }
    const addDigest = (name: string): void => {
      const below = children.get(name) ?? []
      const node = { descriptor: descriptorOf(name), kind: 'index', children: below.map(descriptorOf) }
      graph.nodes.set(digestOf(name), { ...node, blobs: [] })
      below.forEach(addDigest)
    }
    const add = (names: readonly string[]): void => {
      for (const tag of names) {
        const name = tags.get(tag)
        graph.tags.set(tag, name === undefined ? null : digestOf(name))
        if (name !== undefined) addDigest(name)
      }
    }
    return {
      graph: graph as unknown as RepositoryGraph,
      addAllTags: async () => (readings.push('all'), add(listed())),
      addTags: async (names: readonly string[]) => (readings.push(...names), add(names)),
      addDigests: async () => undefined,
      addReferrers: async () => undefined,
    }
  }
  const resolve = async (at: { readonly tag: string }) => {
    resolved.push(at.tag)
    const name = tags.get(at.tag)
    return name === undefined ? undefined : descriptorOf(name)
  }
  return {
    store: { repository: manifestStep().repository, resolve },
    begin,
    listTags: async () => (readings.push('names'), listed()),
  } as unknown as RepositoryReader
}

/** Images `m0`, `m1`, … with a tag each to delete, and kept images. */
function rescansOf(
  count: number,
  { usedNow = [], kept = 1 }: { readonly usedNow?: readonly TagOrDigest[]; readonly kept?: number } = {},
) {
  const names = Array.from({ length: count }, (_, i) => `m${i}`)
  const more = Array.from({ length: kept - 1 }, (_, i): [string, string] => [`kept-${i}`, 'kept'])
  const sketch: Sketch = {
    tags: new Map([
      ...names.map((name): [string, string] => [`tag-${name}`, name]),
      ['prod', 'kept'],
      ...more,
    ]),
    children: new Map(),
    unlisted: new Set(),
  }
  const steps = names.map((name) =>
    manifestStep({ id: name, target: descriptorOf(name), losesTags: [`tag-${name}`] }),
  )
  const tags = [...sketch.tags].map(([tag, name]) => ({ tag, digest: digestOf(name) }))
  const plan = { steps, tags, roots: [] } as unknown as RepositoryPlan
  const readings: string[] = []
  const resolved: string[] = []
  const ledger = new DeleteLedger(plan)
  const deletes = new PendingDeletes(steps, (step) => ledger.isPending(step))
  const reader = readerOf(sketch, readings, resolved)
  const rescans = new Rescans({ plan, ledger, deletes, clock: systemClock, reader, usedNow }, notedCall())
  const reasons = () =>
    Object.fromEntries(ledger.outcomes.map(({ step, error }) => [step, error?.why ?? error?.code]))
  const deleted = (name: string): void => {
    rescans.countDelete()
    sketch.tags.delete(`tag-${name}`)
    rescans.forget([`tag-${name}`])
  }
  return { ...sketch, rescans, readings, resolved, reasons, deleted }
}

describe('a rescan of the whole repository', () => {
  it('keeps what a new tag, a moved tag or a new index reaches, and nothing else', async () => {
    const { tags, children, rescans, reasons } = rescansOf(5)
    tags.set('mine', 'm0')
    tags.set('tag-m1', 'new')
    children.set('index', ['m2'])
    tags.set('v2', 'index')
    await rescans.all()
    expect(reasons()).toEqual({
      m0: 'the tag mine points to it now',
      m1: `the tag tag-m1 points to ${digestOf('new')} now`,
      m2: `registry.example.com/dev/api:v2 (${digestOf('index')}) leads to it`,
    })
  })

  it('keeps newly used images, by digest or tag', async () => {
    const { tags, rescans, reasons } = rescansOf(3, {
      usedNow: [{ digest: digestOf('m0') }, { tag: 'prod' }],
    })
    tags.set('prod', 'm1')
    await rescans.all()
    expect(reasons()).toEqual({ m0: 'it is in use', m1: 'it is in use' })
  })

  it('rejects a list that lacks tags that are there', async () => {
    const { unlisted, rescans } = rescansOf(2)
    unlisted.add('prod')
    await expect(rescans.all()).rejects.toMatchObject({ code: 'protocol' })
  })

  it('accepts a list that lacks tags that are gone', async () => {
    const { tags, rescans, reasons } = rescansOf(2)
    tags.delete('prod')
    await rescans.all()
    expect(reasons()).toEqual({})
  })
})

describe('before a wave of deletes', () => {
  it('nothing is read if no delete has followed the last rescan', async () => {
    const { rescans, readings } = rescansOf(2)
    await rescans.all()
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all'])
  })

  it('the names are listed, and only new tags are read', async () => {
    const { tags, rescans, readings, reasons, deleted } = rescansOf(3)
    await rescans.all()
    deleted('m0')
    tags.set('mine', 'm1')
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all', 'names', 'mine'])
    expect(reasons()).toEqual({ m1: 'the tag mine points to it now' })
  })

  it('a tag that was deleted and is there again counts as new', async () => {
    const { tags, rescans, readings, deleted } = rescansOf(3)
    await rescans.all()
    deleted('m0')
    tags.set('tag-m0', 'm1')
    await rescans.beforeDeletes(1)
    expect(readings.at(-1)).toBe('tag-m0')
  })

  it('a kept tag is checked again, and what it was moved to is kept', async () => {
    const { tags, rescans, readings, reasons, deleted } = rescansOf(20)
    await rescans.all()
    deleted('m0')
    tags.set('prod', 'm5')
    await rescans.beforeDeletes(16)
    expect(readings).toEqual(['all', 'names', 'prod'])
    expect(reasons()).toEqual({ m5: 'the tag prod points to it now' })
  })

  it('each kept tag is checked as often as every other, at most one for four deletes', async () => {
    const { rescans, resolved, deleted } = rescansOf(170, { kept: 20 })
    await rescans.all()
    for (let i = 0; i < 160; i += 16) {
      for (let j = i; j < i + 16; j++) deleted(`m${j}`)
      await rescans.beforeDeletes(16)
    }
    const counts = Map.groupBy(
      resolved.filter((tag) => !tag.startsWith('tag-')),
      (tag) => tag,
    )
    expect([...counts.values()].map((those) => those.length)).toEqual(Array.from({ length: 20 }, () => 2))
  })

  it('of the tags to delete the last are checked, which would stay unchecked for the longest time', async () => {
    const { tags, rescans, resolved, reasons, deleted } = rescansOf(40)
    await rescans.all()
    deleted('m0')
    tags.set('tag-m39', 'm7')
    await rescans.beforeDeletes(16)
    expect(resolved).toEqual(['prod', 'tag-m39', 'tag-m38'])
    expect(reasons()).toMatchObject({ m7: 'the tag tag-m39 points to it now' })
  })

  it('a kept tag that is gone and is there again counts as new', async () => {
    const { tags, rescans, reasons, deleted } = rescansOf(20)
    await rescans.all()
    deleted('m0')
    tags.delete('prod')
    await rescans.beforeDeletes(16)
    deleted('m1')
    tags.set('prod', 'm2')
    await rescans.beforeDeletes(1)
    expect(reasons()).toEqual({ m2: 'the tag prod points to it now' })
  })

  it('a list that lacks a tag that is there is rejected', async () => {
    const { unlisted, rescans, deleted } = rescansOf(2)
    await rescans.all()
    deleted('m0')
    unlisted.add('prod')
    await expect(rescans.beforeDeletes(1)).rejects.toMatchObject({ code: 'protocol' })
  })

  it('a list of several pages is read again once the deletes have paid for it, eight for each page', async () => {
    const { tags, rescans, readings, reasons, deleted } = rescansOf(200, { kept: 4000 })
    await rescans.all()
    tags.set('mine', 'm199')
    for (let i = 0; i < 96; i += 16) {
      for (let j = i; j < i + 16; j++) deleted(`m${j}`)
      await rescans.beforeDeletes(16)
    }
    // One list is free. Afterwards, 80 deletes pay for its five pages, of which six have the first.
    expect(readings.filter((one) => one === 'names')).toHaveLength(3)
    expect(reasons()).toEqual({ m199: 'the tag mine points to it now' })
  })
})

describe('before the first delete, after a slow reading', () => {
  it('the names are listed and all kept tags checked, no other', async () => {
    const { tags, rescans, readings, resolved, reasons } = rescansOf(20, { kept: 3 })
    tags.set('kept-1', 'm4')
    await rescans.allKept()
    await rescans.beforeDeletes(1)
    expect(resolved.toSorted()).toEqual(['kept-0', 'kept-1', 'prod'])
    expect(readings).toEqual(['names', 'kept-1'])
    expect(reasons()).toEqual({ m4: 'the tag kept-1 points to it now' })
  })
})
