import { createHash, hash as hashOnce, type Hash } from 'node:crypto'
import { DrayError } from '../lib/errors.ts'

declare const brand: unique symbol

/**
 * A parsed digest: `sha256:` or `sha512:` and lower-case hex of the right length (image-spec,
 * descriptor.md, Digests).
 */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly [brand]: 'Digest' }
export type DigestAlgorithm = 'sha256' | 'sha512'

const hexLength = { sha256: 64, sha512: 128 } as const
const grammar = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/

/**
 * @throws `malformed` for text that is no digest; `unsupported` for an algorithm other than sha256
 * and sha512.
 */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(':')
  const algorithm = text.slice(0, colon)
  const encoded = text.slice(colon + 1)
  if (algorithm !== 'sha256' && algorithm !== 'sha512') {
    if (text.length <= 1024 && grammar.test(text)) {
      throw new DrayError('unsupported', `digest algorithm ${JSON.stringify(algorithm)} is not supported`, {
        subject: text,
        hint: 'Use a sha256 or sha512 digest.',
      })
    }
    throw malformed(text)
  }
  if (encoded.length !== hexLength[algorithm] || !/^[a-f0-9]+$/.test(encoded)) throw malformed(text)
  return text as Digest
}

export function isDigest(text: string): text is Digest {
  return /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/.test(text)
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512'
}

/** Returns the hex digits behind the colon. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Hashes bytes at once. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hashOnce(algorithm, bytes, 'hex')}` as Digest
}

/** Hashes bytes as they pass. */
export class Digester {
  readonly #algorithm: DigestAlgorithm
  readonly #hash: Hash
  #size = 0

  constructor(algorithm: DigestAlgorithm, from?: Digester) {
    this.#algorithm = algorithm
    this.#hash = from === undefined ? createHash(algorithm) : from.#hash.copy()
    this.#size = from?.size ?? 0
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#size += chunk.byteLength
  }

  /** bytes seen so far */
  get size(): number {
    return this.#size
  }

  /** Returns a hash that continues from here: bytes that were sent may have to be sent again. */
  copy(): Digester {
    return new Digester(this.#algorithm, this)
  }

  /** Ends the hash. Call it once. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest('hex')}` as Digest
  }
}

function malformed(text: string): DrayError {
  return new DrayError('malformed', `${JSON.stringify(text.slice(0, 200))} is not a digest`, {
    hint: 'Write a digest as sha256: and 64 lower-case hex digits.',
  })
}
