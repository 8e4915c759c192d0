import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MerkleTree } from '../../src/signing/merkle.ts'

/**
 * The leaves and roots of the tests of RFC 6962 implementations, since the reference implementation
 * of Certificate Transparency.
 */
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'))
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** RFC 6962, section 2.1, literally: split at the largest power of two below n. */
function treeHash(list: readonly Uint8Array[]): Buffer {
  const [first] = list
  if (first === undefined) return sha256()
  if (list.length === 1) return sha256(Buffer.of(0), first)
  let k = 1
  while (k * 2 < list.length) k *= 2
  return sha256(Buffer.of(1), treeHash(list.slice(0, k)), treeHash(list.slice(k)))
}

function treeOf(list: readonly Uint8Array[]): MerkleTree {
  const tree = new MerkleTree()
  for (const leaf of list) tree.add(leaf)
  return tree
}

describe('the Merkle tree', () => {
  it.each(roots.map((root, size) => [size, root] as const))(
    'of the first %i leaves of the well-known vectors has their root',
    (size, root) => {
      expect(treeOf(leaves.slice(0, size)).root().toString('hex')).toBe(root)
    },
  )

  it('has at every size the root that the recursion of RFC 6962 gives', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), (list) => {
        const tree = new MerkleTree()
        for (const [i, leaf] of list.entries()) {
          expect(tree.root()).toEqual(treeHash(list.slice(0, i)))
          tree.add(leaf)
          expect(tree.size).toBe(i + 1)
        }
        expect(tree.root()).toEqual(treeHash(list))
      }),
      { numRuns: 30 },
    )
  })

  it('has another root if a leaf is changed, removed or moved', () => {
    const distinct = Array.from({ length: 21 }, (_, i) => Buffer.from(`line ${i}`))
    const root = treeOf(distinct).root().toString('hex')
    const others = distinct.flatMap((leaf, i) => [
      distinct.with(i, Buffer.concat([leaf, Buffer.of(0)])),
      distinct.toSpliced(i, 1),
      distinct.toSpliced(i, 0, leaf),
      distinct.with(i, distinct[(i + 1) % 21] ?? leaf).with((i + 1) % 21, leaf),
    ])
    const found = new Set(others.map((list) => treeOf(list).root().toString('hex')))
    expect(found.has(root)).toBe(false)
    // No two of the changes have the same root.
    expect(found.size).toBe(others.length)
  })
})
