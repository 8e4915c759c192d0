import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, type Digest, Digester } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { BlobSource } from '../../../images/ports.ts'

/** What one `open` has given. Bytes that still come out of an earlier one, which was given up, count there and nowhere else. */
interface Flow {
  readonly start: number
  readonly end: number
  /** of the blob from its first byte on; absent where the source verifies what it gives */
  readonly digester: Digester | undefined
  /** bytes told of */
  told: number
  /** accepted or taken back: nothing more is told of it */
  over: boolean
  /** what the source threw */
  failure?: unknown
}

/** The hash of the first `upTo` bytes of the blob. */
interface Prefix {
  readonly digester: Digester
  readonly upTo: number
}

/**
 * The bytes of a blob on their way from its source into the bodies of requests: counted, told of, and hashed where the source does not do that,
 * which it does where one body takes all of them.
 */
export class BlobFeed {
  readonly #to: RepositoryName
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #call: Call
  /** bytes that the registry has accepted */
  #accepted = 0
  #hashed: Prefix | undefined
  #flow: Flow | undefined

  constructor(to: RepositoryName, d: Descriptor, from: BlobSource, call: Call) {
    this.#to = to
    this.#d = d
    this.#from = from
    this.#call = call
  }

  /** What the source threw, if it did. */
  get failure(): unknown {
    return this.#flow?.failure
  }

  /**
   * The bytes from `start` up to `end`; again where the registry refused them for the time being (401, 429). Where a body broke in its middle, the hash
   * goes back to where that body began, and so does the reading: bytes before `start` are hashed and not given.
   */
  async open(start: number, end: number): Promise<AsyncIterable<Uint8Array>> {
    this.takeBack()
    const isWhole = start === 0 && end === this.#d.size
    const prefix = isWhole ? undefined : (this.#hashed ?? this.#nothing())
    const flow: Flow = { start, end, digester: prefix?.digester.copy(), told: 0, over: false }
    this.#flow = flow
    const from = prefix?.upTo ?? start
    try {
      const bytes = this.#bytes(
        flow,
        await this.#from.open(from, this.#call, isWhole ? undefined : end),
        from,
      )
      // before the request is made: no connection waits for bytes that are not for it
      return from < start ? await primed(bytes) : bytes
    } catch (error) {
      flow.failure = error
      throw error
    }
  }

  /** The registry has the first `upTo` bytes: all that was fed, be it that its answer was quicker than the end of the feeding, or a part of it. */
  accept(upTo: number): void {
    const flow = this.#flow
    this.#accepted = upTo
    if (flow === undefined || flow.over) return
    this.#tell(flow, upTo - flow.start - flow.told)
    flow.over = true
    if (upTo === flow.end && flow.digester !== undefined) this.#hashed = { digester: flow.digester, upTo }
  }

  /** The digest of the blob once all of it was accepted; undefined where the source verified it. */
  digest(): Digest | undefined {
    return this.#hashed?.upTo === this.#d.size ? this.#hashed.digester.copy().digest() : undefined
  }

  /** Takes back what was told of a body that was not accepted. */
  takeBack(): void {
    if (this.#flow === undefined || this.#flow.over) return
    this.#tell(this.#flow, -this.#flow.told)
    this.#flow.over = true
  }

  /** The registry has nothing any more. */
  reset(): void {
    this.takeBack()
    if (this.#accepted > 0) this.#notify(-this.#accepted)
    this.#accepted = 0
    this.#hashed = undefined
    this.#flow = undefined
  }

  #nothing(): Prefix {
    return { digester: new Digester(algorithmOf(this.#d.digest)), upTo: 0 }
  }

  async *#bytes(
    flow: Flow,
    source: AsyncIterable<Uint8Array>,
    from: number,
  ): AsyncGenerator<Uint8Array, void> {
    let at = from
    try {
      for await (const chunk of source) {
        const wanted = chunk.byteLength > flow.end - at ? chunk.subarray(0, flow.end - at) : chunk
        flow.digester?.update(wanted)
        const given = at < flow.start ? wanted.subarray(flow.start - at) : wanted
        at += wanted.byteLength
        if (given.byteLength > 0) yield given
        this.#tell(flow, given.byteLength)
        if (at === flow.end && flow.end < this.#d.size) break
      }
    } catch (error) {
      flow.failure = error
      throw error
    }
    if (at < flow.end) {
      flow.failure = this.#short(at)
      throw flow.failure
    }
  }

  #tell(flow: Flow, bytes: number): void {
    if (flow.over || bytes === 0) return
    flow.told += bytes
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

/** The same, once its first chunk is there. */
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
