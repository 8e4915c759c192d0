import { hash } from 'node:crypto'

const leafPrefix = Buffer.of(0x00)
const nodePrefix = Buffer.of(0x01)

/**
 * The Merkle tree hash of RFC 6962 (section 2.1) with SHA-256, for a growing list. Keeps one hash
 * for each complete subtree: at most as many as the size has bits.
 */
export class MerkleTree {
  /** roots of the complete subtrees, the largest and leftmost first */
  readonly #subtrees: Buffer[] = []
  #size = 0

  /** Adds a leaf by its bytes. */
  add(leaf: Uint8Array): void {
    let node = leafHash(leaf)
    // Each 1 at the end of the binary size is a subtree that this leaf completes.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = nodeHash(this.#subtrees.pop() ?? node, node)
    }
    this.#subtrees.push(node)
    this.#size += 1
  }

  get size(): number {
    return this.#size
  }

  /** The root of the leaves so far, 32 bytes. */
  root(): Buffer {
    const [last, ...others] = this.#subtrees.toReversed()
    if (last === undefined) return hash('sha256', '', 'buffer')
    return others.reduce((right, left) => nodeHash(left, right), last)
  }
}

function leafHash(bytes: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([leafPrefix, bytes]), 'buffer')
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer')
}
