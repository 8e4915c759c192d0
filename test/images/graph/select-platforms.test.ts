import { describe, expect, it } from 'vitest'
import { type Graph, walkGraph, type WalkOptions } from '../../../src/images/graph/graph.ts'
import { countPlatforms, platformsPresent } from '../../../src/images/graph/select-platforms.ts'
import type { ManifestContent, ManifestReader } from '../../../src/images/ports.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { formatPlatform, parsePlatformName } from '../../../src/oci/platform.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

interface Entry {
  readonly content: ManifestContent
  readonly platform?: string
  /** the manifest that this attestation describes; `none`: it does not say */
  readonly describes?: ManifestContent | 'none'
}

function contentOf(mediaType: string, body: object): ManifestContent {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }))
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength }, bytes }
}

function imageOf(name: string): ManifestContent {
  const blob = (text: string, mediaType: string) => ({ mediaType, digest: digestOf(text), size: 10 })
  return contentOf(mediaTypes.manifest, {
    config: blob(`config of ${name}`, mediaTypes.config),
    layers: [blob(name, 'application/vnd.oci.image.layer.v1.tar')],
  })
}

function entryOf({ content, platform, describes }: Entry): Descriptor {
  const annotations = {
    'vnd.docker.reference.type': 'attestation-manifest',
    ...(describes !== 'none' && { 'vnd.docker.reference.digest': describes?.descriptor.digest ?? '' }),
  }
  return {
    ...content.descriptor,
    ...(platform !== undefined && { platform: parsePlatformName(platform) }),
    ...(describes !== undefined && {
      annotations,
      platform: { os: 'unknown', architecture: 'unknown' },
    }),
  }
}

function indexOf(...entries: readonly Entry[]): ManifestContent {
  return contentOf(mediaTypes.index, { manifests: entries.map(entryOf) })
}

interface Walked {
  readonly graph: Graph
  readonly reads: ReadonlyMap<Digest, number>
}

/** Walks the first content for the platforms, in a repository with all of them. */
async function walk(
  contents: readonly [ManifestContent, ...ManifestContent[]],
  platforms: readonly string[],
  { absentAtFirst, ...options }: WalkOptions & { readonly absentAtFirst?: Digest } = {},
): Promise<Walked> {
  const reads = new Map<Digest, number>()
  const known = new Map(contents.map((one) => [one.descriptor.digest, one]))
  const store = {
    repository: { registry: 'r.example.com', path: 'dev/api' },
    findManifest: ({ digest }: Descriptor) => {
      const count = (reads.get(digest) ?? 0) + 1
      reads.set(digest, count)
      return Promise.resolve(digest === absentAtFirst && count === 1 ? undefined : known.get(digest))
    },
  } as unknown as ManifestReader
  const selected = platforms.length === 0 ? {} : { platforms: platforms.map(parsePlatformName) }
  return { graph: await walkGraph(store, contents[0], call, { ...options, ...selected }), reads }
}

function digestsOf(contents: readonly ManifestContent[]): readonly Digest[] {
  return contents.map(({ descriptor }) => descriptor.digest).toSorted()
}

function nodesOf({ nodes }: Graph): readonly Digest[] {
  return nodes.map(({ descriptor }) => descriptor.digest).toSorted()
}

const [amd64, arm64, s390x] = [imageOf('amd64'), imageOf('arm64'), imageOf('s390x')]

describe('a walk of selected platforms', () => {
  it('reads the selected children, and neither reads others nor counts their blobs', async () => {
    const root = indexOf(
      { content: amd64, platform: 'linux/amd64' },
      { content: arm64, platform: 'linux/arm64' },
      { content: s390x, platform: 'linux/s390x' },
    )
    const { graph, reads } = await walk([root, amd64, arm64, s390x], ['linux/amd64', 'linux/arm64'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, amd64, arm64]))
    expect(graph.omitted.map(({ digest }) => digest)).toEqual(digestsOf([s390x]))
    expect(graph.blobs).toHaveLength(4)
    expect(reads.has(s390x.descriptor.digest)).toBe(false)
    expect(countPlatforms(graph.nodes)).toBe(3)
  })

  it('takes arm64 and arm64/v8 for one platform, and arm/v6 for another one than arm/v7', async () => {
    const [v6, v7] = [imageOf('v6'), imageOf('v7')]
    const root = indexOf(
      { content: arm64, platform: 'linux/arm64' },
      { content: v6, platform: 'linux/arm/v6' },
      { content: v7, platform: 'linux/arm' },
    )
    const contents = [root, arm64, v6, v7] as const
    expect(nodesOf((await walk(contents, ['linux/arm64/v8'])).graph)).toEqual(digestsOf([root, arm64]))
    expect(nodesOf((await walk(contents, ['linux/arm/v7'])).graph)).toEqual(digestsOf([root, v7]))
    expect(nodesOf((await walk(contents, ['linux/arm'])).graph)).toEqual(digestsOf([root, v6, v7]))
    const exact = indexOf(
      { content: arm64, platform: 'linux/arm64/v8' },
      { content: amd64, platform: 'linux/amd64' },
    )
    expect(nodesOf((await walk([exact, arm64], ['linux/arm64'])).graph)).toEqual(digestsOf([exact, arm64]))
  })

  it('keeps a child without a platform, because a runtime could run it on any platform', async () => {
    const root = indexOf({ content: amd64 }, { content: arm64, platform: 'linux/arm64' })
    const { graph } = await walk([root, amd64], ['linux/s390x'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, amd64]))
  })

  it('keeps a digest of which one of several entries is selected', async () => {
    const root = indexOf(
      { content: amd64, platform: 'linux/386' },
      { content: amd64, platform: 'linux/amd64' },
    )
    const { graph } = await walk([root, amd64], ['linux/amd64'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, amd64]))
    expect(graph.omitted).toEqual([])
  })

  it('keeps the attestations of selected platforms only, and those that name no image', async () => {
    const [ofAmd64, ofArm64, ofNone] = [imageOf('att amd64'), imageOf('att arm64'), imageOf('att')]
    const root = indexOf(
      { content: ofArm64, describes: arm64 },
      { content: amd64, platform: 'linux/amd64' },
      { content: arm64, platform: 'linux/arm64' },
      { content: ofAmd64, describes: amd64 },
      { content: ofNone, describes: 'none' },
    )
    const { graph } = await walk([root, amd64, ofAmd64, ofNone], ['linux/amd64'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, amd64, ofAmd64, ofNone]))
    expect(countPlatforms(graph.nodes)).toBe(2)
  })

  it('enters nested indexes, and omits those without a selected platform', async () => {
    const inner = indexOf(
      { content: amd64, platform: 'linux/amd64' },
      { content: s390x, platform: 'linux/s390x' },
    )
    const other = indexOf({ content: arm64, platform: 'linux/arm64' })
    const root = indexOf({ content: inner }, { content: other })
    const { graph } = await walk([root, inner, other, amd64], ['linux/amd64'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, inner, amd64]))
    expect(graph.omitted.map(({ digest }) => digest).toSorted()).toEqual(digestsOf([other, s390x]))
  })

  it('enters a nested index of the architecture, because it may have any variant', async () => {
    const v7 = imageOf('v7')
    const inner = indexOf({ content: v7, platform: 'linux/arm/v6' })
    const root = indexOf({ content: inner, platform: 'linux/arm' })
    const { graph } = await walk([root, inner, v7], ['linux/arm/v6'])
    expect(nodesOf(graph)).toEqual(digestsOf([root, inner, v7]))
  })

  it('refuses an index with none of the platforms, and names those that it has', async () => {
    const attestation = imageOf('attestation')
    const root = indexOf(
      { content: amd64, platform: 'linux/amd64' },
      { content: attestation, describes: 'none' },
    )
    const nested = indexOf({ content: root })
    for (const contents of [
      [root, attestation],
      [nested, root, attestation],
    ] as const)
      await expect(walk(contents, ['linux/arm64', 'windows/amd64'])).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('(linux/arm64, windows/amd64)'),
        why: 'it has linux/amd64',
      })
  })

  it('selects the same children by the platforms that it found', async () => {
    const v9 = imageOf('v9')
    const root = indexOf(
      { content: arm64, platform: 'linux/arm64' },
      { content: v9, platform: 'linux/arm64/v9' },
      { content: amd64, platform: 'linux/amd64' },
    )
    const asked = ['linux/arm64/v8', 'linux/s390x', 'linux/arm64/v8'].map(parsePlatformName)
    const { graph } = await walk([root, arm64], asked.map(formatPlatform))
    const present = platformsPresent(graph.nodes, asked)
    expect(present.map(formatPlatform)).toEqual(['linux/arm64/v8'])
    expect(nodesOf((await walk([root, arm64], present.map(formatPlatform))).graph)).toEqual(nodesOf(graph))
  })
})

describe('a child that does not exist', () => {
  const root = indexOf(
    { content: amd64, platform: 'linux/amd64' },
    { content: arm64, platform: 'linux/arm64' },
  )

  it('is absent if two reads answer 404, not one', async () => {
    const { digest } = arm64.descriptor
    const { graph } = await walk([root, amd64, arm64], [], { absentAtFirst: digest })
    expect(nodesOf(graph)).toEqual(digestsOf([root, amd64, arm64]))
    const { graph: sparse, reads } = await walk([root, amd64], [], { missing: 'keep' })
    expect(sparse.missing.map((child) => child.digest)).toEqual([digest])
    expect(reads.get(digest)).toBe(2)
  })

  it('does not matter if its platform is not selected', async () => {
    const { graph } = await walk([root, amd64], ['linux/amd64'])
    expect(graph.missing).toEqual([])
    expect(graph.omitted.map(({ digest }) => digest)).toEqual([arm64.descriptor.digest])
  })

  it('is an error that names the platforms that exist', async () => {
    await expect(walk([root, amd64], [])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('linux/arm64'),
      hint: expect.stringContaining('pass --platform linux/amd64, or set platforms in the sync rule'),
    })
    const lost = walk([root], [])
    await expect(lost).rejects.toMatchObject({ code: 'not-found' })
    await expect(lost).rejects.not.toMatchObject({ hint: expect.stringContaining('--platform') })
  })
})
