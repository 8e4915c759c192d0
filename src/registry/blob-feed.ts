import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest, Digester } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { BlobSource } from '../store/store.ts'

/**
 * The bytes of a blob on their way from its source into the bodies of requests: counted, told of, and hashed
 * where the source does not do that.
 */
export class BlobFeed {
  readonly #to: RepositoryName
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #call: Call
  /** of what the registry has accepted, and of what is on its way there besides */
  #accepted: Digester | undefined
  #running: Digester | undefined
  #failure: unknown
  /** bytes told of since the last `open` */
  #told = 0

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
    return this.#failure
  }

  /**
   * The bytes from `start` up to `end`; again where the registry refused them for the time being (401, 429).
   */
  async open(start: number, end: number): Promise<AsyncIterable<Uint8Array>> {
    this.takeBack()
    this.#failure = undefined
    this.#running = this.#accepted?.copy()
    try {
      return this.#bytes(await this.#from.open(start, this.#call), start, end)
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  /** The registry has what was fed. */
  accept(): void {
    this.#accepted = this.#running
    this.#told = 0
  }

  /** The digest of all that was accepted, where it is hashed here; call once. */
  digest(): Digest | undefined {
    return this.#accepted?.digest()
  }

  /** Takes back what was told of a body that was not accepted. */
  takeBack(): void {
    if (this.#told > 0) this.#tell(-this.#told)
    this.#told = 0
  }

  async *#bytes(
    source: AsyncIterable<Uint8Array>,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void> {
    let at = start
    try {
      for await (const chunk of source) {
        const wanted = chunk.byteLength > end - at ? chunk.subarray(0, end - at) : chunk
        at += wanted.byteLength
        this.#running?.update(wanted)
        yield wanted
        this.#told += wanted.byteLength
        this.#tell(wanted.byteLength)
        if (at === end && end < this.#d.size) break
      }
    } catch (error) {
      this.#failure = error
      throw error
    }
    if (at < end) throw this.#short(at)
  }

  #tell(bytes: number): void {
    this.#call.notify({ kind: 'bytes', repository: this.#to, digest: this.#d.digest, bytes })
  }

  #short(at: number): DrayError {
    const error = new DrayError('corrupt', 'the source of the blob ended early', {
      subject: this.#d.digest,
      why: `${at} of ${this.#d.size} bytes arrived`,
    })
    this.#failure = error
    return error
  }
}
