import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, Digester } from '../../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../../oci/reference.ts'
import type { BlobSource } from '../../../images/ports.ts'

/** The bytes of one `open`. Bytes of an earlier one that was stopped count there only. */
interface OpenRange {
  readonly start: number
  readonly end: number
  /** of the blob from its first byte on; absent if the source verifies its bytes */
  readonly digester: Digester | undefined
  /** reported bytes */
  reported: number
  /** accepted or taken back: nothing more is reported */
  over: boolean
  /** the error of the source */
  failure?: unknown
}

/** The hash of the first `upTo` bytes of the blob. */
interface HashedPrefix {
  readonly digester: Digester
  readonly upTo: number
}

/**
 * Feeds the bytes of a blob from its source into the bodies of requests. Counts and reports them.
 * Hashes them if the source does not, which it does if one body takes all of them.
 */
export class BlobFeed {
  readonly #to: RepositoryName
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #call: Call
  /** bytes that the registry has accepted */
  #accepted = 0
  #hashed: HashedPrefix | undefined
  #range: OpenRange | undefined

  constructor(to: RepositoryName, d: Descriptor, from: BlobSource, call: Call) {
    this.#to = to
    this.#d = d
    this.#from = from
    this.#call = call
  }

  /** The error of the source. */
  get failure(): unknown {
    return this.#range?.failure
  }

  /**
   * Opens the bytes from `start` up to `end`, again if the registry refused them for the time being
   * (401, 429). If a body broke off, the hash and the reading go back to the start of that
   * body: bytes before `start` are hashed and not yielded.
   */
  async open(start: number, end: number): Promise<AsyncIterable<Uint8Array>> {
    this.takeBack()
    const isWhole = start === 0 && end === this.#d.size
    const prefix = isWhole ? undefined : (this.#hashed ?? this.#nothing())
    const range: OpenRange = { start, end, digester: prefix?.digester.copy(), reported: 0, over: false }
    this.#range = range
    const from = prefix?.upTo ?? start
    try {
      const bytes = this.#bytes(
        range,
        await this.#from.open(from, this.#call, isWhole ? undefined : end),
        from,
      )
      // Before the request is made, so that no connection waits for bytes that are not for it.
      return from < start ? await primed(bytes) : bytes
    } catch (error) {
      range.failure = error
      throw error
    }
  }

  /**
   * The registry has the first `upTo` bytes: a part of what was fed, or all of it before the
   * feeding ended.
   */
  accept(upTo: number): void {
    const range = this.#range
    this.#accepted = upTo
    if (range === undefined || range.over) return
    this.#report(range, upTo - range.start - range.reported)
    range.over = true
    if (upTo === range.end && range.digester !== undefined) this.#hashed = { digester: range.digester, upTo }
  }

  /** Checks the digest of the accepted blob, unless the source did. @throws `corrupt`. */
  verify(): void {
    const { digest, size } = this.#d
    const is = this.#hashed?.upTo === size ? this.#hashed.digester.copy().digest() : digest
    if (is === digest) return
    throw new DrayError('corrupt', 'the blob differs from its descriptor', {
      subject: formatAt(this.#to, { digest }),
      why: `the digest of its bytes is ${is}`,
    })
  }

  /** Takes back what was reported of a body that was not accepted. */
  takeBack(): void {
    if (this.#range === undefined || this.#range.over) return
    this.#report(this.#range, -this.#range.reported)
    this.#range.over = true
  }

  /** The registry has dropped all bytes. */
  reset(): void {
    this.takeBack()
    if (this.#accepted > 0) this.#notify(-this.#accepted)
    this.#accepted = 0
    this.#hashed = undefined
    this.#range = undefined
  }

  #nothing(): HashedPrefix {
    return { digester: new Digester(algorithmOf(this.#d.digest)), upTo: 0 }
  }

  async *#bytes(
    range: OpenRange,
    source: AsyncIterable<Uint8Array>,
    from: number,
  ): AsyncGenerator<Uint8Array, void> {
    let at = from
    try {
      for await (const chunk of source) {
        const needed = chunk.byteLength > range.end - at ? chunk.subarray(0, range.end - at) : chunk
        range.digester?.update(needed)
        const given = at < range.start ? needed.subarray(range.start - at) : needed
        at += needed.byteLength
        if (given.byteLength > 0) yield given
        this.#report(range, given.byteLength)
        if (at === range.end && range.end < this.#d.size) break
      }
    } catch (error) {
      range.failure = error
      throw error
    }
    if (at < range.end) {
      range.failure = this.#short(at)
      throw range.failure
    }
  }

  #report(range: OpenRange, bytes: number): void {
    if (range.over || bytes === 0) return
    range.reported += bytes
    this.#notify(bytes)
  }

  #notify(bytes: number): void {
    this.#call.notify({ kind: 'bytes', repository: this.#to, digest: this.#d.digest, bytes })
  }

  #short(at: number): DrayError {
    return new DrayError('corrupt', 'the source of the blob ended early', {
      subject: this.#d.digest,
      why: `${at} of ${this.#d.size} bytes arrived`,
    })
  }
}

/** Returns the same bytes once the first chunk has arrived. */
async function primed(bytes: AsyncGenerator<Uint8Array, void>): Promise<AsyncIterable<Uint8Array>> {
  const first = await bytes.next()
  return (async function* () {
    try {
      if (first.done !== true) yield first.value
      yield* bytes
    } finally {
      await bytes.return()
    }
  })()
}
