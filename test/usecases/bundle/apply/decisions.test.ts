import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../../src/oci/digest.ts'
import type { BundleDocument, BundleReceipt } from '../../../../src/plan/bundle/bundle-document.ts'
import { checkSequence } from '../../../../src/usecases/bundle/apply/check-sequence.ts'
import { nextReceipt } from '../../../../src/usecases/bundle/apply/next-receipt.ts'

const destination = 'mirror.internal/hub'
const [one, two, old] = [digestOf('one'), digestOf('two'), digestOf('old')]
const mediaType = 'application/vnd.oci.image.manifest.v1+json'
const root = (digest: typeof one, ...tags: readonly string[]): BundleDocument['roots'][number] => ({
  repository: 'a',
  root: { mediaType, digest, size: 3 },
  tags,
  source: 'docker.io/library/a',
})
const content = (digest: typeof one): BundleDocument['carries'][number] => ({
  digest,
  size: 3,
  kind: 'manifest',
  repository: 'a',
})
const idOf = (sequence: number): string => digestOf(`bundle ${sequence}`)

function bundle(sequence: number, parts: Partial<BundleDocument> = {}): BundleDocument {
  return {
    schema: 'dray.bundle/1',
    id: idOf(sequence),
    sequence,
    ...(sequence > 1 && {
      base: { id: idOf(sequence - 1), sequence: sequence - 1, by: 'receipt' as const },
    }),
    roots: [],
    carries: [],
    expects: [],
    deletes: [],
    ...parts,
  }
}

function receiptOf(sequence: number, parts: Partial<BundleReceipt> = {}): BundleReceipt {
  return {
    schema: 'dray.receipt/1',
    bundle: { id: idOf(sequence), sequence },
    destination,
    roots: [],
    present: [],
    ...parts,
  }
}

describe('checkSequence', () => {
  it.each([
    ['the next increment', 6, receiptOf(5)],
    ['the same bundle again', 5, receiptOf(5)],
    ['a full bundle after another one', 1, receiptOf(1)],
    ['an increment without a receipt', 6, undefined],
  ])('accepts %s', (_what, sequence, receipt) => {
    expect(() => checkSequence(bundle(sequence), receipt, destination, false)).not.toThrow()
  })

  it('accepts a full bundle after increments with --allow-older', () => {
    expect(() => checkSequence(bundle(1), receiptOf(5), destination, true)).not.toThrow()
  })

  it.each([
    ['a gap of one', 7, receiptOf(5), `${destination} lacks bundle 6`],
    ['a gap of two', 8, receiptOf(5), `${destination} lacks bundles 6, 7`],
    ['an older increment', 5, receiptOf(7), `bundle 5 does not follow bundle 7 of ${destination}`],
    ['a full bundle after increments', 1, receiptOf(5), 'the full bundle can be older than bundle 5'],
    ['a receipt of another place', 6, receiptOf(5, { destination: 'x.internal' }), 'the receipt is not of'],
    [
      'another bundle of the same sequence',
      6,
      receiptOf(5, { bundle: { id: digestOf('fork'), sequence: 5 } }),
      'bundle 6 does not follow bundle 5',
    ],
  ])('refuses %s', (_what, sequence, receipt, message) => {
    expect(() => checkSequence(bundle(sequence), receipt, destination, false)).toThrow(
      expect.objectContaining({ code: 'refused', message: expect.stringContaining(message) }),
    )
  })
})

describe('nextReceipt', () => {
  const before = receiptOf(1, {
    roots: [root(one, 'latest', '1'), root(old, 'old')],
    present: [content(one), content(old)],
  })

  it('of an increment has the content of earlier bundles, and each tag on its last image', () => {
    const document = bundle(2, { roots: [root(two, 'latest')], carries: [content(two)] })
    const { roots, present, bundle: named } = nextReceipt(document, { before, destination })
    expect(named).toEqual({ id: idOf(2), sequence: 2 })
    expect(roots).toEqual([root(one, '1'), root(old, 'old'), root(two, 'latest')])
    expect(present).toHaveLength(3)
  })

  it('is the same after a second run', () => {
    const document = bundle(2, { roots: [root(one, 'latest')], expects: [content(one)] })
    const first = nextReceipt(document, { before, destination })
    expect(nextReceipt(document, { before: first, destination })).toEqual(first)
  })

  it('of a full bundle has only its content', () => {
    const document = bundle(1, { id: digestOf('full'), roots: [root(two, '2')], carries: [content(two)] })
    const { roots, present } = nextReceipt(document, { before, destination })
    expect([roots, present]).toEqual([[root(two, '2')], [content(two)]])
  })
})
