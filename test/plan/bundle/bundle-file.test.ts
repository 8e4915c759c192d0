import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'
import type { BundleDocument } from '../../../src/plan/bundle/bundle-document.ts'
import {
  formatBundleDocument,
  parseBundleDocument,
  withBundleId,
} from '../../../src/plan/bundle/bundle-file.ts'
import { layoutIndexOf } from '../../../src/plan/bundle/layout-index.ts'
import { formatNeed, formatReceipt, parseNeed, parseReceipt } from '../../../src/plan/bundle/receipt.ts'

const repository = 'library/alpine'
const root = { mediaType: mediaTypes.manifest, digest: digestOf('root'), size: 100 }
const signature = { mediaType: mediaTypes.manifest, digest: digestOf('signature'), size: 50 }
const manifest = { digest: root.digest, size: 100, kind: 'manifest', repository } as const
const signatureManifest = { ...manifest, digest: signature.digest, size: 50 }
const blob = { digest: digestOf('blob'), size: 7, kind: 'blob', repository } as const
const source = 'docker.io/library/alpine'
const image = { repository, root, tags: ['3.20', 'latest'], source }
const attached = { subject: root.digest, via: 'tag', tag: 'sha256-a.sig' } as const
const rest = {
  sequence: 1,
  roots: [image, { repository, root: signature, tags: [], source, attached }],
  carries: [manifest, signatureManifest, blob],
  expects: [],
  deletes: [],
} as const
const full = withBundleId(rest)
const increment = withBundleId({
  ...rest,
  sequence: 2,
  base: { id: full.id, sequence: 1, by: 'receipt' },
  carries: [signatureManifest],
  expects: [manifest, blob],
  deletes: [{ repository, tag: '3.19', digest: digestOf('old'), rule: 'hub' }],
  createdAt: '2026-01-02T03:04:05.000Z',
})

/** Changes a document and computes its id again, as an attacker does. */
function withChanges(document: BundleDocument, changes: Readonly<Record<string, unknown>>): Uint8Array {
  const { id: _, ...others } = { ...document, ...changes }
  return Buffer.from(canonicalJson({ ...others, id: digestOf(canonicalJson(others)) }))
}

const parse = (bytes: Uint8Array): BundleDocument => parseBundleDocument(bytes, 'b.tar')

describe('parseBundleDocument', () => {
  it.each([full, increment])('reads what formatBundleDocument writes', (document) => {
    expect(parse(formatBundleDocument(document))).toEqual(document)
  })

  it('has an id that is the hash of the rest', () => {
    const { id, ...others } = full
    expect(id).toBe(digestOf(canonicalJson(others)))
  })

  it('refuses a document with any flipped bit', () => {
    const bytes = Buffer.from(formatBundleDocument(increment))
    for (let at = 0; at < bytes.byteLength; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      expect(() => parse(damaged)).toThrow(DrayError)
    }
  })

  it.each(['\n', ' ', '{}'])('refuses other text after it: %j', (end) => {
    const bytes = Buffer.concat([formatBundleDocument(full), Buffer.from(end)])
    expect(() => parse(bytes)).toThrow(DrayError)
  })

  it('refuses readable JSON of the same value', () => {
    expect(() => parse(Buffer.from(JSON.stringify(full, undefined, 2)))).toThrow(/not a bundle document/)
  })

  it('names the schema of another version', () => {
    const bytes = withChanges(full, { schema: 'dray.bundle/2' })
    expect(() => parse(bytes)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['an unknown key', { more: 1 }],
    ['a sequence of zero', { sequence: 0 }],
    ['a first bundle of sequence 2', { sequence: 2 }],
    ['a first bundle that expects content', { carries: [manifest, signatureManifest], expects: [blob] }],
    ['a first bundle that deletes a tag', { deletes: increment.deletes }],
    ['a sequence that does not follow its base', { base: { ...increment.base, sequence: 5 } }],
    ['content twice', { carries: [manifest, signatureManifest, blob, blob] }],
    ['a manifest after a blob', { carries: [manifest, blob, signatureManifest] }],
    ['an image without its manifest', { carries: [signatureManifest, blob] }],
    ['an image whose manifest is a blob', { carries: [signatureManifest, { ...manifest, kind: 'blob' }] }],
    ['two sizes of a manifest', { carries: [{ ...manifest, size: 99 }, signatureManifest] }],
    ['an attached artifact without its image', { roots: [rest.roots[1]], carries: [signatureManifest] }],
    ['an attached artifact with tags', { roots: [image, { ...rest.roots[1], tags: ['a'] }] }],
    [
      'an attached artifact without the tag that it is under',
      { roots: [image, { ...rest.roots[1], attached: { subject: root.digest, via: 'tag' } }] },
    ],
    ['a tag twice', { roots: [image, image] }],
    ['an invalid tag', { roots: [{ ...image, tags: ['../a'] }] }],
    ['a path out of the destination', { roots: [{ ...image, repository: '../a' }] }],
    ['an absolute path', { roots: [{ ...image, repository: '/a' }] }],
    ['an upper-case path', { roots: [{ ...image, repository: 'A' }] }],
    ['a source of two lines', { roots: [{ ...image, source: 'a\nb' }] }],
    ['a platform that is none', { roots: [{ ...image, platforms: ['amd64'] }] }],
    ['no platforms', { roots: [{ ...image, platforms: [] }] }],
    ['a negative size', { carries: [manifest, signatureManifest, { ...blob, size: -1 }] }],
    ['sizes that are too large', { carries: [manifest, signatureManifest, { ...blob, size: 2 ** 53 - 1 }] }],
    ['a digest in upper case', { carries: [{ ...manifest, digest: root.digest.toUpperCase() }] }],
    ['a time that is none', { createdAt: 'yesterday' }],
  ])('refuses %s, also with a correct id', (_what, changes) => {
    expect(() => parse(withChanges(full, changes))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('refuses a tag that it writes and deletes', () => {
    const deletes = [{ repository, tag: '3.20', digest: digestOf('old'), rule: 'hub' }]
    expect(() => parse(withChanges(increment, { deletes }))).toThrow(
      expect.objectContaining({ why: `it writes and deletes the tag ${repository}:3.20` }),
    )
  })

  it('accepts one tag in two repositories', () => {
    const other = { ...image, repository: 'library/node' }
    expect(parse(withChanges(full, { roots: [...full.roots, other] })).roots).toHaveLength(3)
  })
})

describe('layoutIndexOf', () => {
  const namesOf = (document: BundleDocument): unknown =>
    JSON.parse(layoutIndexOf(document)).manifests.map(
      (entry: { annotations?: Record<string, string> }) =>
        entry.annotations?.['org.opencontainers.image.ref.name'],
    )

  it('names entries by their tags', () => {
    expect(namesOf(full)).toEqual(['3.20', 'latest', 'sha256-a.sig'])
  })

  it('names entries with their repository if there are several', () => {
    const other = { ...image, repository: 'library/node', tags: ['3.20'] }
    expect(namesOf({ ...full, roots: [image, other] })).toEqual([
      'library/alpine:3.20',
      'library/alpine:latest',
      'library/node:3.20',
    ])
  })

  it('lists content without a tag once, without a name', () => {
    const untagged = { ...image, tags: [] }
    const roots = [untagged, { ...untagged, repository: 'library/node' }]
    expect(namesOf({ ...full, roots })).toEqual([undefined])
  })

  it('does not list what the bundle does not carry', () => {
    expect(namesOf(increment)).toEqual(['sha256-a.sig'])
  })
})

describe('receipts and lists of needed content', () => {
  const bundle = { id: full.id, sequence: 1 }
  const receipt = {
    schema: 'dray.receipt/1',
    bundle,
    destination: 'mirror.internal/hub',
    roots: full.roots,
    present: full.carries,
    auditHead: { seq: 3, hash: digestOf('record') },
  } as const
  const need = { schema: 'dray.need/1', bundle, missing: [blob] } as const

  it('are read as they were written', () => {
    expect(parseReceipt(Buffer.from(formatReceipt(receipt)), 'r.json')).toEqual(receipt)
    expect(parseNeed(Buffer.from(formatNeed(need)), 'need.json')).toEqual(need)
  })

  it.each([
    ['an unknown key', { ...receipt, more: 1 }],
    ['a schema of another document', { ...receipt, schema: 'dray.need/1' }],
    ['a sequence of zero', { ...receipt, bundle: { ...bundle, sequence: 0 } }],
    ['content that is no manifest and no blob', { ...receipt, present: [{ ...blob, kind: 'tag' }] }],
  ])('a receipt with %s is refused', (_what, value) => {
    const file = { ...value, hash: digestOf(canonicalJson(value)) }
    const bytes = Buffer.from(`${canonicalJson(file)}\n`)
    expect(() => parseReceipt(bytes, 'r.json')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('a receipt that was edited by hand is refused', () => {
    const text = formatReceipt(receipt).replace('mirror.internal/hub', 'mirror.internal/hob')
    expect(() => parseReceipt(Buffer.from(text), 'r.json')).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'the receipt r.json was changed after it was written',
      }),
    )
  })

  it('the signature of a receipt is given to the check with what it covers', () => {
    const seen: unknown[] = []
    const bytes = Buffer.from(formatReceipt(receipt, { payloadType: 'x' }))
    parseReceipt(bytes, 'r.json', (canonical, given) => seen.push(JSON.parse(canonical), given))
    expect(seen).toEqual([receipt, { payloadType: 'x' }])
  })
})
