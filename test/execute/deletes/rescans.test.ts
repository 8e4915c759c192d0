import { describe, expect, it } from 'vitest'
import { DeleteLedger } from '../../../src/execute/deletes/delete-ledger.ts'
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
function readerOf(sketch: Sketch, readings: string[]): RepositoryReader {
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
    const name = tags.get(at.tag)
    return name === undefined ? undefined : descriptorOf(name)
  }
  return {
    store: { repository: manifestStep().repository, resolve },
    begin,
    listTags: async () => (readings.push('names'), listed()),
  } as unknown as RepositoryReader
}

/** Images `m0`, `m1`, … with a tag each to delete, and a kept image. */
function rescansOf(count: number, usedNow: readonly TagOrDigest[] = []) {
  const names = Array.from({ length: count }, (_, i) => `m${i}`)
  const sketch: Sketch = {
    tags: new Map([...names.map((name): [string, string] => [`tag-${name}`, name]), ['prod', 'kept']]),
    children: new Map(),
    unlisted: new Set(),
  }
  const steps = names.map((name) =>
    manifestStep({ id: name, target: descriptorOf(name), losesTags: [`tag-${name}`] }),
  )
  const tags = [...sketch.tags].map(([tag, name]) => ({ tag, digest: digestOf(name) }))
  const plan = { steps, tags, roots: [] } as unknown as RepositoryPlan
  const readings: string[] = []
  const ledger = new DeleteLedger(plan)
  const rescans = new Rescans(plan, ledger, readerOf(sketch, readings), usedNow, notedCall())
  const reasons = () =>
    Object.fromEntries(ledger.outcomes.map(({ step, error }) => [step, error?.why ?? error?.code]))
  const deleted = (name: string): void => {
    rescans.countDelete()
    sketch.tags.delete(`tag-${name}`)
    rescans.forget([`tag-${name}`])
  }
  return { ...sketch, rescans, readings, reasons, deleted }
}

describe('a rescan of the whole repository', () => {
  it('keeps what a new tag, a moved tag or a new index reaches, and nothing else', async () => {
    const { tags, children, rescans, reasons } = rescansOf(5)
    tags.set('mine', 'm0')
    tags.set('tag-m1', 'new')
    children.set('index', ['m2'])
    tags.set('v2', 'index')
    await rescans.all('all')
    expect(reasons()).toEqual({
      m0: 'the tag mine is on it now',
      m1: `the tag tag-m1 is on ${digestOf('new')} now`,
      m2: `registry.example.com/dev/api:v2 (${digestOf('index')}) leads to it`,
    })
  })

  it('keeps newly used images, by digest or tag', async () => {
    const { tags, rescans, reasons } = rescansOf(3, [{ digest: digestOf('m0') }, { tag: 'prod' }])
    tags.set('prod', 'm1')
    await rescans.all('all')
    expect(reasons()).toEqual({ m0: 'it is in use', m1: 'it is in use' })
  })

  it('rejects a list that lacks tags that are there', async () => {
    const { unlisted, rescans } = rescansOf(2)
    unlisted.add('prod')
    await expect(rescans.all('all')).rejects.toMatchObject({ code: 'protocol' })
  })

  it('accepts a list that lacks tags that are gone', async () => {
    const { tags, rescans, reasons } = rescansOf(2)
    tags.delete('prod')
    await rescans.all('all')
    expect(reasons()).toEqual({})
  })
})

describe('before a wave of deletes', () => {
  it('nothing is read if no delete has followed the last rescan', async () => {
    const { rescans, readings } = rescansOf(2)
    await rescans.all('all')
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all'])
  })

  it('the names are listed, and only new tags are read', async () => {
    const { tags, rescans, readings, reasons, deleted } = rescansOf(3)
    await rescans.all('all')
    deleted('m0')
    tags.set('mine', 'm1')
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all', 'names', 'mine'])
    expect(reasons()).toEqual({ m1: 'the tag mine is on it now' })
  })

  it('a tag that was deleted and is there again counts as new', async () => {
    const { tags, rescans, readings, deleted } = rescansOf(3)
    await rescans.all('all')
    deleted('m0')
    tags.set('tag-m0', 'm1')
    await rescans.beforeDeletes(1)
    expect(readings.at(-1)).toBe('tag-m0')
  })

  it('all is read again once there would be more deletes than tags, at least 16', async () => {
    const { rescans, readings, deleted } = rescansOf(20)
    await rescans.all('all')
    for (let i = 0; i < 15; i++) deleted(`m${i}`)
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all', 'names'])
    await rescans.beforeDeletes(2)
    expect(readings).toEqual(['all', 'names', 'all'])
  })

  it('all is read again after a hundred deletes, however large the repository is', async () => {
    const { rescans, readings, deleted } = rescansOf(300)
    await rescans.all('all')
    for (let i = 0; i < 100; i++) deleted(`m${i}`)
    await rescans.beforeDeletes(1)
    expect(readings).toEqual(['all', 'all'])
  })
})
