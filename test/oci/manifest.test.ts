import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  artifactTypeOf,
  blobsOf,
  childrenOf,
  type Manifest,
  maxManifestSize,
  parseManifest,
  parseUnverified,
} from '../../src/oci/manifest.ts'
import { bareMediaType, mediaTypes } from '../../src/oci/media-types.ts'
import { outcomeOf } from '../support/error-code.ts'
import * as images from '../support/images.ts'

const digest = `sha256:${'a'.repeat(64)}`
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, size: 3 }
const config = { mediaType: mediaTypes.config, digest: `sha256:${'b'.repeat(64)}`, size: 2 }
const child = { mediaType: mediaTypes.manifest, digest, size: 7 }
const image = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }
const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [child] }

const parse = (body: unknown, type = ''): Manifest =>
  parseManifest(Buffer.from(JSON.stringify(body)), type, 'it')
const without = (body: object, ...keys: string[]): object =>
  Object.fromEntries(Object.entries(body).filter(([key]) => !keys.includes(key)))

describe('a manifest', () => {
  it('is parsed once for the same bytes and media type', () => {
    const bytes = Buffer.from(JSON.stringify(image))
    const one = parseManifest(bytes, mediaTypes.manifest, 'it')
    expect(parseManifest(bytes, mediaTypes.manifest, 'again')).toBe(one)
    expect(parseManifest(Buffer.from(bytes), mediaTypes.manifest, 'it')).not.toBe(one)
    expect(() => parseManifest(bytes, mediaTypes.index, 'it')).toThrow(/media type/)
  })

  it('has its config and layers, or its children with their platforms', () => {
    const content = images.index(['linux/amd64', 'linux/arm64/v8'], { annotations: { a: 'b' } })
    const root = content.manifests.find((m) => m.descriptor.digest === content.root.digest)
    const parsed = parseManifest(root?.bytes ?? Buffer.of(), mediaTypes.index, 'it')
    expect(parsed).toMatchObject({ kind: 'index', annotations: { a: 'b' } })
    expect(childrenOf(parsed).map((d) => d.platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
    ])
    expect(blobsOf(parsed)).toEqual([])
    const one = parseManifest(content.manifests[0]?.bytes ?? Buffer.of(), mediaTypes.manifest, 'it')
    expect(childrenOf(one)).toEqual([])
    expect(blobsOf(one)).toHaveLength(3)
  })

  it('keeps every field of its descriptors that dray reads', () => {
    const whole = {
      ...child,
      artifactType: 'application/x',
      annotations: { a: '1' },
      urls: ['https://example.com/x'],
    }
    const platform = { os: 'windows', architecture: 'amd64', 'os.version': '10.0.1' }
    const parsed = parse({ ...index, manifests: [{ ...whole, platform, data: 'e30=' }] })
    expect(childrenOf(parsed)).toEqual([
      { ...whole, platform: { os: 'windows', architecture: 'amd64', osVersion: '10.0.1' } },
    ])
  })

  it('has entries of an index that are not manifests as blobs', () => {
    const parsed = parse({ ...index, manifests: [child, layer] })
    expect(childrenOf(parsed)).toHaveLength(1)
    expect(blobsOf(parsed)).toMatchObject([layer])
  })

  it('has its artifactType, or else the type of its config', () => {
    expect(artifactTypeOf(parse({ ...image, artifactType: 'application/sbom' }))).toBe('application/sbom')
    expect(artifactTypeOf(parse({ ...image, artifactType: '' }))).toBe(mediaTypes.config)
    expect(artifactTypeOf(parse(index))).toBeUndefined()
  })

  it.each([mediaTypes.artifact, mediaTypes.orasArtifact])(
    'of the type %s has blobs and a subject',
    (mediaType) => {
      const about = { mediaType: mediaTypes.manifest, digest: config.digest, size: 9 }
      const parsed = parse({ mediaType, artifactType: 'a/b', blobs: [layer], subject: about }, mediaType)
      expect(parsed).toMatchObject({ kind: 'artifact', mediaType, subject: { digest: config.digest } })
      expect([blobsOf(parsed), childrenOf(parsed), artifactTypeOf(parsed)]).toEqual([[layer], [], 'a/b'])
      expect(blobsOf(parse({ mediaType, blobs: null }))).toEqual([])
      expect(blobsOf(parse({ mediaType }))).toEqual([])
      for (const other of [{ layers: [] }, { config }, { manifests: [] }, { Blobs: [] }])
        expect(() => parse({ mediaType, blobs: [layer], ...other })).toThrow('it')
      expect(childrenOf(parse({ ...index, manifests: [{ ...child, mediaType }] }))).toHaveLength(1)
    },
  )

  it('without a mediaType has the Content-Type, or else the type that its fields show', () => {
    expect(parse(without(image, 'mediaType'), mediaTypes.dockerManifest).mediaType).toBe(
      mediaTypes.dockerManifest,
    )
    expect(parse(without(image, 'mediaType'), 'application/octet-stream').mediaType).toBe(mediaTypes.manifest)
    expect(parse(without(index, 'mediaType')).mediaType).toBe(mediaTypes.index)
  })

  it('accepts its own Content-Type in any case and with parameters', () => {
    expect(parse(index, `${mediaTypes.index.toUpperCase()}; charset=utf-8`).mediaType).toBe(mediaTypes.index)
    expect(bareMediaType(' A/B ;c=d')).toBe('a/b')
  })

  // CVE-2021-41190, and attempts to evade its check.
  it.each([
    ['manifests and layers', { ...image, manifests: [child] }],
    ['manifests and config', { ...without(image, 'layers'), manifests: [child] }],
    ['null manifests beside layers', { ...image, manifests: null }],
    ['an index that is called a manifest', { ...index, mediaType: mediaTypes.manifest }],
    ['a manifest that is called an index', { ...image, mediaType: mediaTypes.index }],
    ['fields in another case', { ...image, Layers: [child] }],
    ['an index hidden in another case', { ...image, Manifests: [child] }],
    ['a descriptor with two digests', { ...image, config: { ...config, Digest: digest } }],
  ])('that could be read as two images is refused: %s', (_, body) => {
    expect(() => parse(body)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('with a key twice is refused, in any spelling', () => {
    const text = `{"layers":[],${JSON.stringify(image).slice(1)}`
    for (const bytes of [text, text.replace('"layers"', String.raw`"\u006cayers"`)]) {
      expect(() => parseManifest(Buffer.from(bytes), '', 'it')).toThrow(/twice/)
    }
  })

  it('with another type than its Content-Type is refused, and the error names both', () => {
    expect(() => parse(image, mediaTypes.index)).toThrow(/manifest\.v1\+json.*index\.v1\+json/)
    expect(() => parse(image, mediaTypes.dockerManifest)).toThrow(
      `has the media type ${mediaTypes.manifest} in its body, and ${mediaTypes.dockerManifest} in its descriptor or Content-Type`,
    )
    expect(() => parse(without(index, 'mediaType'), mediaTypes.manifest)).toThrow(/has "manifests"/)
  })

  it.each([
    ['by number', { schemaVersion: 1, fsLayers: [], history: [] }, ''],
    ['by its Content-Type', { name: 'x' }, 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    ['by its own type', { mediaType: 'application/vnd.docker.distribution.manifest.v1+json' }, ''],
  ])('of schema 1 is refused with a hint: %s', (_, body, type) => {
    expect(() => parse(body, type)).toThrow(
      expect.objectContaining({ code: 'unsupported', hint: expect.stringContaining('Push the image again') }),
    )
  })

  it.each([
    ['no object', []],
    ['no config', without(image, 'config')],
    ['layers that are no list', { ...image, layers: {} }],
    ['a mediaType that is no string', { ...image, mediaType: 1 }],
    ['a layer without a size', { ...image, layers: [without(layer, 'size')] }],
    ['a negative size', { ...image, layers: [{ ...layer, size: -1 }] }],
    ['half a byte', { ...image, layers: [{ ...layer, size: 1.5 }] }],
    ['a size that no number holds', { ...image, layers: [{ ...layer, size: 2 ** 53 }] }],
    ['a size as text', { ...image, layers: [{ ...layer, size: '3' }] }],
    ['a digest that is a path', { ...image, layers: [{ ...layer, digest: 'sha256:../../etc/passwd' }] }],
    ['annotations that are no strings', { ...image, annotations: { a: 1 } }],
    ['urls that are not a list', { ...image, layers: [{ ...layer, urls: 'https://x' }] }],
    ['a platform that is no object', { ...index, manifests: [{ ...child, platform: 'linux' }] }],
    ['a subject that is no descriptor', { ...image, subject: digest }],
  ])('with %s is malformed, and the error names the place', (_, body) => {
    expect(() => parse(body)).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringMatching(/^it/) }),
    )
  })

  it('of an unknown type, or with a digest that cannot be checked, is unsupported', () => {
    const md5 = { ...layer, digest: 'md5:d41d8cd98f00b204e9800998ecf8427e' }
    expect(() => parse({ ...image, mediaType: 'text/html' })).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    )
    expect(() => parse({ ...image, layers: [md5] })).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('it.layers[0]') }),
    )
  })

  it.each([
    ['layers', 'absent', without(image, 'layers')],
    ['layers', 'null', { ...image, layers: null }],
    ['manifests', 'null', { ...index, manifests: null }],
    ['manifests', 'absent', without(index, 'manifests')],
    ['manifests', 'absent, with a type by its Content-Type', { schemaVersion: 2 }],
  ])('has no %s if they are %s', (name, _, body) => {
    const parsed = parse(body, name === 'layers' ? mediaTypes.manifest : mediaTypes.index)
    const list =
      parsed.kind === 'index' ? parsed.manifests : parsed.kind === 'manifest' ? parsed.layers : parsed.blobs
    expect(list).toEqual([])
    expect(parsed.mediaType).toBe(name === 'layers' ? mediaTypes.manifest : mediaTypes.index)
  })

  it('has to have the field in a list that no digest verifies', () => {
    const list = (body: object): Manifest =>
      parseUnverified(Buffer.from(JSON.stringify(body)), mediaTypes.index, 'it')
    expect(list({ ...index, manifests: null })).toMatchObject({ manifests: [] })
    expect(() => list(without(index, 'manifests'))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it.each([
    ['no field at all', {}],
    ['a config', { ...without(index, 'manifests'), config }],
    ['layers', { ...without(index, 'manifests'), layers: null }],
  ])('is no empty index if it is served as an index and has %s', (_, body) => {
    expect(() => parse(body, mediaTypes.index)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it.each([
    ['annotations', { ...image, annotations: null }],
    ['a subject', { ...image, subject: null }],
    ['an artifactType', { ...image, artifactType: null }],
    ['annotations of a layer', { ...image, layers: [{ ...layer, annotations: null }] }],
    ['urls of a layer', { ...image, layers: [{ ...layer, urls: null }] }],
    ['data of a layer', { ...image, layers: [{ ...layer, data: null }] }],
    ['a platform of a layer', { ...image, layers: [{ ...layer, platform: null }] }],
    ['an artifactType of a layer', { ...image, layers: [{ ...layer, artifactType: '' }] }],
    ['another field', { ...image, other: null }],
  ])('with null or an empty text for %s is like one without', (_, body) => {
    expect(parse(body)).toEqual(parse(image))
  })

  it('has an empty text for an annotation that is null', () => {
    const annotations = { a: null, b: 'c' }
    const parsed = parse({ ...image, annotations, layers: [{ ...layer, annotations }] })
    expect(parsed.annotations).toEqual({ a: '', b: 'c' })
    expect(blobsOf(parsed)[1]?.annotations).toEqual({ a: '', b: 'c' })
  })

  it.each([[null], ['']])('has the type of its Content-Type if its own is %j', (mediaType) => {
    expect(parse({ ...image, mediaType }, mediaTypes.dockerManifest).mediaType).toBe(
      mediaTypes.dockerManifest,
    )
  })

  it.each([
    ['null', null],
    ['an empty text', ''],
    ['absent', undefined],
  ])('has blobs without a type, and entries without a type as manifests, if it is %s', (_, mediaType) => {
    const parsed = parse({ ...image, config: { ...config, mediaType }, layers: [{ ...layer, mediaType }] })
    expect(blobsOf(parsed)).toEqual([
      { ...config, mediaType: '' },
      { ...layer, mediaType: '' },
    ])
    expect(artifactTypeOf(parsed)).toBeUndefined()
    expect(childrenOf(parse({ ...index, manifests: [{ ...child, mediaType }] }))).toEqual([
      { ...child, mediaType: '' },
    ])
  })

  it.each([
    ['a config that is null', { ...image, config: null }],
    ['a layer that is null', { ...image, layers: [null] }],
    ['an entry that is null', { ...index, manifests: [null] }],
    ['a size that is null', { ...image, layers: [{ ...layer, size: null }] }],
    ['a digest that is null', { ...image, layers: [{ ...layer, digest: null }] }],
    ['a mediaType of a layer that is no string', { ...image, layers: [{ ...layer, mediaType: 1 }] }],
  ])('with %s is malformed, because nothing can be read by it', (_, body) => {
    expect(() => parse(body)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('is refused for its size before it is parsed, and for the number of its entries', () => {
    // Zeros are not JSON. Any other error shows that they were not parsed.
    expect(() => parseManifest(new Uint8Array(maxManifestSize + 1), '', 'it')).toThrow(/larger than/)
    expect(() => parse({ ...index, manifests: Array.from({ length: 20_001 }, () => 0) })).toThrow(
      /more than 20000/,
    )
  })

  it('from any bytes and any JSON is parsed or is a DrayError', () => {
    const keys = fc.constantFrom(
      'schemaVersion',
      'mediaType',
      'manifests',
      'layers',
      'config',
      'subject',
      'annotations',
    )
    const values = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(mediaTypes.index, mediaTypes.manifest, 1, 2, [child], [layer], config),
    )
    const bodies = fc.dictionary(keys, values).map((body) => Buffer.from(JSON.stringify(body)))
    const types = fc.oneof(fc.string(), fc.constantFrom(...Object.values(mediaTypes)))
    fc.assert(
      fc.property(fc.oneof(bodies, fc.uint8Array()), types, (bytes, type) => {
        const outcome = outcomeOf(() => {
          const { kind, mediaType } = parseManifest(bytes, type, 'it')
          expect(kind).toBe(
            /index|list/.test(mediaType) ? 'index' : /artifact/.test(mediaType) ? 'artifact' : 'manifest',
          )
        })
        expect(outcome).toMatch(/^(fine|malformed|unsupported)$/)
      }),
      { numRuns: 1000 },
    )
  })
})
