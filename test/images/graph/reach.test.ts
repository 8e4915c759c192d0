import { describe, expect, it } from 'vitest'
import { Reach } from '../../../src/images/graph/reach.ts'
import type { RepositoryGraph } from '../../../src/images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../../src/images/graph/repository-node.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'

interface Sketch {
  readonly children?: readonly string[]
  readonly subject?: string
}

const names = new Map<Digest, string>()

function named(name: string): Digest {
  const digest = digestOf(name)
  names.set(digest, name)
  return digest
}

function reachOf(
  manifests: Readonly<Record<string, Sketch>>,
  tags: Readonly<Record<string, string | null>> = {},
): Reach {
  const nodes = Object.entries(manifests).map(([name, { children = [], subject }]): RepositoryNode => ({
    descriptor: { mediaType: mediaTypes.index, digest: named(name), size: 1 },
    kind: 'index',
    children: children.map((child) => ({ digest: named(child), isAttestation: false })),
    blobs: [],
    ...(subject !== undefined && { subject: named(subject) }),
  }))
  const graph: RepositoryGraph = {
    repository: { registry: 'r.example.com', path: 'dev/api' },
    tags: new Map(Object.entries(tags).map(([tag, name]) => [tag, name === null ? null : named(name)])),
    nodes: new Map(nodes.map((node) => [node.descriptor.digest, node])),
    missing: new Set(),
  }
  return new Reach(graph)
}

function evidenceTag(name: string, suffix = ''): string {
  return `${named(name).replace(':', '-')}${suffix}`
}

function namesOf(digests: Iterable<Digest>): readonly string[] {
  return [...digests].map((digest) => names.get(digest) ?? '?').toSorted()
}

describe('reachability', () => {
  it('leads from an index to its children, also to those that do not exist', () => {
    const reach = reachOf({ index: { children: ['amd64', 'gone'] }, amd64: {} })
    expect(namesOf(reach.from(named('index')))).toEqual(['amd64', 'gone'])
    expect(reach.from(named('amd64'))).toEqual([])
  })

  it('leads from a subject to its referrers, and not back', () => {
    const reach = reachOf({ image: {}, signature: { subject: 'image' } })
    expect(namesOf(reach.from(named('image')))).toEqual(['signature'])
    expect(reach.from(named('signature'))).toEqual([])
  })

  it.each(['', '.sig', '.att', '.sbom'])(
    'leads from a subject to what its tag sha256-…%s is on',
    (suffix) => {
      const reach = reachOf(
        { image: {}, other: {}, evidence: {} },
        { [evidenceTag('image', suffix)]: 'evidence' },
      )
      expect(namesOf(reach.from(named('image')))).toEqual(['evidence'])
      expect(reach.from(named('other'))).toEqual([])
      expect(namesOf(reach.subjectsOf(evidenceTag('image', suffix)))).toEqual(['image'])
    },
  )

  it('does not take an image tag, or an evidence tag without a manifest, for an edge', () => {
    const reach = reachOf({ image: {} }, { latest: 'image', [evidenceTag('image', '.sig')]: null })
    expect(reach.from(named('image'))).toEqual([])
  })

  it('knows no subject of an evidence tag whose subject was not read', () => {
    expect(reachOf({ image: {} }).subjectsOf(evidenceTag('gone', '.sig'))).toEqual([])
  })

  it('collects everything below the roots, through all levels', () => {
    const reach = reachOf(
      {
        outer: { children: ['inner'] },
        inner: { children: ['amd64'] },
        amd64: {},
        signature: { subject: 'amd64' },
        other: {},
      },
      { [evidenceTag('signature', '.att')]: 'attestation' },
    )
    expect(namesOf(reach.all([named('outer')]))).toEqual([
      'amd64',
      'attestation',
      'inner',
      'outer',
      'signature',
    ])
  })

  it('ends in a cycle of evidence tags', () => {
    const reach = reachOf({ a: {}, b: {} }, { [evidenceTag('a')]: 'b', [evidenceTag('b')]: 'a' })
    expect(namesOf(reach.all([named('a')]))).toEqual(['a', 'b'])
  })

  it('neither follows nor returns excluded digests', () => {
    const reach = reachOf({
      index: { children: ['kept', 'own'] },
      kept: { children: ['below'] },
      own: {},
      below: {},
    })
    expect(namesOf(reach.all([named('index')], new Set([named('kept')])))).toEqual(['index', 'own'])
  })

  it('follows a chain that is longer than the stack is deep', () => {
    const length = 20_000
    const chain = Object.fromEntries(
      Array.from({ length }, (_, i) => [`m${i}`, i === 0 ? {} : { subject: `m${i - 1}` }]),
    )
    expect(reachOf(chain).all([named('m0')]).size).toBe(length)
  })
})
