import { describe, expect, it } from 'vitest'
import { childrenFirst, type Graph, walkGraph, type WalkOptions } from '../../../src/images/graph/graph.ts'
import type { ManifestContent, SourceRepository } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

function contentOf(mediaType: string, body: object): ManifestContent {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }))
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes }
}

function imageOf(name: string, layers: readonly string[] = [name]): ManifestContent {
  const blob = (text: string, mediaType: string) => ({ mediaType, digest: digestOf(text), size: 10 })
  return contentOf(mediaTypes.manifest, {
    config: blob(`config of ${name}`, mediaTypes.config),
    layers: layers.map((layer) => blob(layer, 'application/vnd.oci.image.layer.v1.tar')),
  })
}

function indexOf(...children: readonly ManifestContent[]): ManifestContent {
  return contentOf(mediaTypes.index, { manifests: children.map(({ descriptor }) => descriptor) })
}

/** Walks the graph of the first content, in a repository with all of them. */
async function walkFirst(
  contents: readonly [ManifestContent, ...ManifestContent[]],
  options?: WalkOptions,
): Promise<{ readonly graph: Graph; readonly reads: number }> {
  let reads = 0
  const known = new Map(contents.map((one) => [one.descriptor.digest, one]))
  const findManifest = (at: { readonly digest: ManifestContent['descriptor']['digest'] }) => {
    reads += 1
    return Promise.resolve(known.get(at.digest))
  }
  const store = {
    repository: { registry: 'r.example.com', path: 'dev/api' },
    findManifest,
    manifest: async (at: Parameters<typeof findManifest>[0]) => {
      const found = await findManifest(at)
      if (found === undefined) throw new DrayError('not-found', `${at.digest} does not exist`)
      return found
    },
  } as unknown as SourceRepository
  return { graph: await walkGraph(store, contents[0].descriptor, call, options), reads }
}

describe('a graph walk', () => {
  it('reads a manifest once, however many indexes list it', async () => {
    const shared = imageOf('shared')
    const [left, right] = [indexOf(shared, imageOf('a')), indexOf(shared, imageOf('b'))]
    const { graph, reads } = await walkFirst([
      indexOf(left, right),
      left,
      right,
      shared,
      imageOf('a'),
      imageOf('b'),
    ])
    expect(graph.nodes).toHaveLength(6)
    expect(reads).toBe(6)
  })

  it('has each blob once, and counts its bytes once', async () => {
    const [a, b] = [imageOf('a', ['base', 'a']), imageOf('b', ['base', 'b'])]
    const root = indexOf(a, b)
    const { graph } = await walkFirst([root, a, b])
    expect(graph.blobs).toHaveLength(5)
    const manifests = [root, a, b].reduce((sum, { descriptor }) => sum + descriptor.size, 0)
    expect(graph.size).toBe(manifests + 5 * 10)
  })

  it('names the index, the platform and the child if a child does not exist', async () => {
    const gone = imageOf('gone')
    const platform = { os: 'linux', architecture: 'arm64' }
    const nested = contentOf(mediaTypes.index, { manifests: [{ ...gone.descriptor, platform }] })
    await expect(walkFirst([indexOf(nested), nested])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(
        `the index r.example.com/dev/api@${nested.descriptor.digest} .*linux/arm64`,
      ),
      subject: `r.example.com/dev/api@${gone.descriptor.digest}`,
      why: expect.stringContaining(gone.descriptor.digest),
    })
  })

  it('reads a child without a media type, and accepts another entry that has it', async () => {
    const child = imageOf('child')
    const { mediaType: _, ...untyped } = child.descriptor
    const root = contentOf(mediaTypes.index, { manifests: [untyped, child.descriptor] })
    const { graph } = await walkFirst([root, child])
    expect(graph.nodes.map(({ descriptor }) => descriptor)).toEqual([root.descriptor, child.descriptor])
  })

  it('fails if a child does not exist, or reports it as missing if the caller requests that', async () => {
    const [here, gone] = [imageOf('here'), imageOf('gone')]
    const contents = [indexOf(here, gone), here] as const
    await expect(walkFirst(contents)).rejects.toMatchObject({ code: 'not-found' })
    const { graph } = await walkFirst(contents, { missing: 'keep' })
    expect(graph.missing.map(({ digest }) => digest)).toEqual([gone.descriptor.digest])
    expect(graph.nodes).toHaveLength(2)
  })

  it('refuses two descriptions of the same content', async () => {
    const child = imageOf('child')
    const other = { ...child, descriptor: { ...child.descriptor, size: child.descriptor.size + 1 } }
    await expect(walkFirst([indexOf(child, other), child])).rejects.toMatchObject({ code: 'malformed' })
  })

  it('refuses indexes that are nested too deep', async () => {
    const nested: [ManifestContent, ...ManifestContent[]] = [imageOf('leaf')]
    for (let level = 0; level < 18; level++) nested.unshift(indexOf(nested[0]))
    await expect(walkFirst(nested)).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('orders children before the indexes that list them, and the root last', async () => {
    const [a, b] = [imageOf('a'), imageOf('b')]
    const inner = indexOf(a)
    const root = indexOf(inner, b)
    const { graph } = await walkFirst([root, inner, a, b])
    const waves = childrenFirst(graph).map((wave) =>
      wave.map(({ descriptor }) => descriptor.digest).toSorted(),
    )
    const digests = (...contents: readonly ManifestContent[]) =>
      contents.map(({ descriptor }) => descriptor.digest).toSorted()
    expect(waves).toEqual([digests(a, b), digests(inner), digests(root)])
  })
})
