import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest, Digester } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { BlobSource } from '../store/store.ts'

/** What one `open` has given. Bytes that still come out of an earlier one, which was given up, count there and nowhere else. */
interface Flow {
  /** bytes that it is to give */
  readonly size: number
  /** of what was accepted and what is on its way besides */
  readonly digester: Digester | undefined
  /** bytes told of */
  told: number
  /** accepted or taken back: nothing more is told of it */
  over: boolean
  /** what the source threw */
  failure?: unknown
}

/**
 * The bytes of a blob on their way from its source into the bodies of requests: counted, told of, and hashed
 * where the source does not do that.
 */
export class BlobFeed {
  readonly #to: RepositoryName
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #call: Call
  /** of what the registry has accepted */
  #accepted: Digester | undefined
  #flow: Flow | undefined

  /**
   * With a `digester` what is fed from several opens is hashed as one; a source that is read whole verifies
   * itself.
   */
  constructor(to: RepositoryName, d: Descriptor, from: BlobSource, call: Call, digester?: Digester) {
    this.#to = to
    this.#d = d
    this.#from = from
    this.#call = call
    this.#accepted = digester
  }

  /** What the source threw, if it did. */
  get failure(): unknown {
    return this.#flow?.failure
  }

  /**
   * The bytes from `start` up to `end`; again where the registry refused them for the time being (401, 429).
   */
  async open(start: number, end: number): Promise<AsyncIterable<Uint8Array>> {
    this.takeBack()
    const flow: Flow = { size: end - start, digester: this.#accepted?.copy(), told: 0, over: false }
    this.#flow = flow
    try {
      return this.#bytes(flow, await this.#from.open(start, this.#call), start, end)
    } catch (error) {
      flow.failure = error
      throw error
    }
  }

  /** The registry has what was fed, be it that its answer was quicker than the end of the feeding. */
  accept(): void {
    const flow = this.#flow
    if (flow === undefined) return
    this.#accepted = flow.digester
    this.#tell(flow, flow.size - flow.told)
    flow.over = true
  }

  /** The digest of all that was accepted, where it is hashed here; call once. */
  digest(): Digest | undefined {
    return this.#accepted?.digest()
  }

  /** Takes back what was told of a body that was not accepted. */
  takeBack(): void {
    if (this.#flow === undefined) return
    this.#tell(this.#flow, -this.#flow.told)
    this.#flow.over = true
  }

  async *#bytes(
    flow: Flow,
    source: AsyncIterable<Uint8Array>,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void> {
    let at = start
    try {
      for await (const chunk of source) {
        const wanted = chunk.byteLength > end - at ? chunk.subarray(0, end - at) : chunk
        at += wanted.byteLength
        flow.digester?.update(wanted)
        yield wanted
        this.#tell(flow, wanted.byteLength)
        if (at === end && end < this.#d.size) break
      }
    } catch (error) {
      flow.failure = error
      throw error
    }
    if (at < end) {
      flow.failure = this.#short(at)
      throw flow.failure
    }
  }

  #tell(flow: Flow, bytes: number): void {
    if (flow.over || bytes === 0) return
    flow.told += bytes
    this.#call.notify({ kind: 'bytes', repository: this.#to, digest: this.#d.digest, bytes })
  }

  #short(at: number): DrayError {
    return new DrayError('corrupt', 'the source of the blob ended early', {
      subject: this.#d.digest,
      why: `${at} of ${this.#d.size} bytes arrived`,
    })
  }
}
