import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { orderDeletes, type OrderedDelete } from '../../../src/usecases/prune/delete-order.ts'
import { Reach } from '../../../src/images/graph/reach.ts'
import type { RepositoryGraph } from '../../../src/images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../../src/images/graph/repository-node.ts'
import { countOperations } from '../../support/count-operations.ts'

interface Sketch {
  readonly children?: readonly string[]
  readonly subject?: string
  /** the name of the manifest under the fallback tag of this manifest */
  readonly fallback?: string
}

type Manifests = Readonly<Record<string, Sketch>>

function graphOf(manifests: Manifests): RepositoryGraph {
  const nodes = Object.entries(manifests).map(([name, { children = [], subject }]) => {
    const node: RepositoryNode = {
      descriptor: { mediaType: mediaTypes.index, digest: digestOf(name), size: 1 },
      kind: 'index',
      children: children.map((child) => ({
        mediaType: mediaTypes.manifest,
        digest: digestOf(child),
        size: 1,
      })),
      blobs: [],
      ...(subject !== undefined && { subject: digestOf(subject) }),
    } as unknown as RepositoryNode
    return [node.descriptor.digest, node] as const
  })
  const tags = Object.entries(manifests).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[digestOf(name).replace(':', '-'), digestOf(fallback)] as const],
  )
  return {
    repository: { registry: 'r.example.com', path: 'dev/api' },
    tags: new Map(tags),
    nodes: new Map(nodes),
    missing: new Set(),
  }
}

function orderOf(
  manifests: Manifests,
): readonly { readonly name: string; readonly after: readonly string[] }[] {
  const names = new Map(Object.keys(manifests).map((name): [Digest, string] => [digestOf(name), name]))
  const nameOf = (digest: Digest): string => names.get(digest) ?? '?'
  return orderedDeletesOf(manifests).map(({ digest, after }) => ({
    name: nameOf(digest),
    after: after.map(nameOf),
  }))
}

function orderedDeletesOf(manifests: Manifests): readonly OrderedDelete[] {
  const graph = graphOf(manifests)
  return orderDeletes(graph, new Reach(graph), new Set(graph.nodes.keys()))
}

describe('the order of deletes', () => {
  it('puts an index before its children and a subject before its referrers', () => {
    const order = orderOf({
      signature: { subject: 'image' },
      image: {},
      index: { children: ['image'] },
    })
    expect(order).toEqual([
      { name: 'index', after: [] },
      { name: 'image', after: ['index'] },
      { name: 'signature', after: ['image'] },
    ])
  })

  it('breaks a cycle of fallback tags, and puts what the cycle reaches after it', () => {
    const order = orderOf({
      behind: { subject: 'a' },
      a: { fallback: 'b' },
      b: { fallback: 'a' },
    })
    expect(order).toEqual([
      { name: 'a', after: [] },
      { name: 'behind', after: ['a'] },
      { name: 'b', after: ['a'] },
    ])
  })

  it('breaks a cycle before the cycles that it reaches', () => {
    const order = orderOf({
      c: { fallback: 'd' },
      d: { fallback: 'c' },
      a: { fallback: 'b' },
      b: { fallback: 'a', children: ['c'] },
    })
    expect(order.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
    expect(order[2]?.after).toEqual(['b'])
  })

  it('does not break a cycle at a child of an index that is deleted later', () => {
    const order = orderOf({
      child: { fallback: 'index' },
      index: { children: ['child'] },
    })
    expect(order).toEqual([
      { name: 'index', after: [] },
      { name: 'child', after: ['index'] },
    ])
  })

  it('puts a whole cycle after everything that reaches one of its manifests', () => {
    const order = orderOf({
      b: { fallback: 'a' },
      a: { fallback: 'b' },
      index: { children: ['a'] },
    })
    expect(order).toEqual([
      { name: 'index', after: [] },
      { name: 'b', after: ['index'] },
      { name: 'a', after: ['index', 'b'] },
    ])
  })
})

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i)

const shapes: readonly (readonly [name: string, of: (count: number) => Manifests])[] = [
  [
    'a chain of referrers',
    (count) =>
      Object.fromEntries(range(count).map((i) => [`m${i}`, i === 0 ? {} : { subject: `m${i - 1}` }])),
  ],
  [
    'a chain of referrers, the last first',
    (count) =>
      Object.fromEntries(
        range(count)
          .toReversed()
          .map((i) => [`m${i}`, i === 0 ? {} : { subject: `m${i - 1}` }]),
      ),
  ],
  [
    'one index of all others',
    (count) => ({
      index: { children: range(count).map((i) => `m${i}`) },
      ...Object.fromEntries(range(count).map((i) => [`m${i}`, {}])),
    }),
  ],
  [
    'one image with all others attached',
    (count) => ({
      image: {},
      ...Object.fromEntries(range(count).map((i) => [`m${i}`, { subject: 'image' }])),
    }),
  ],
  [
    'many cycles of two',
    (count) =>
      Object.fromEntries(range(count).map((i) => [`m${i}`, { fallback: `m${i % 2 === 0 ? i + 1 : i - 1}` }])),
  ],
  [
    'one cycle of all',
    (count) => Object.fromEntries(range(count).map((i) => [`m${i}`, { fallback: `m${(i + 1) % count}` }])),
  ],
  [
    'a ladder of cycles that share manifests',
    (count) =>
      Object.fromEntries(
        range(count).map((i) => [
          `m${i}`,
          {
            ...(i + 1 < count && { fallback: `m${i + 1}` }),
            ...(i + 1 < count && { subject: `m${i + 1}` }),
          },
        ]),
      ),
  ],
]

describe('the work of ordering twice as many deletes is at most twice as much', () => {
  it.each(shapes)('%s', (_, shapeOf) => {
    const operations = (count: number): number => {
      const graph = graphOf(shapeOf(count))
      const reach = new Reach(graph)
      const garbage = new Set(graph.nodes.keys())
      let order: readonly OrderedDelete[] = []
      const counted = countOperations(() => {
        order = orderDeletes(graph, reach, garbage)
      })
      expect(order).toHaveLength(garbage.size)
      return counted
    }
    expect(operations(800) / operations(400)).toBeLessThan(2.1)
  })
})
