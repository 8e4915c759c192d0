import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { OncePerKey } from '../../../images/parallel.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import { type Attached, AttachedReader } from './attached.ts'

/** The attached artifacts of a source repository, read once for all destinations. */
export class SourceEvidence {
  readonly #reader: AttachedReader
  readonly #read = new OncePerKey<Attached>()

  constructor(store: SourceRepository, tags: readonly string[]) {
    this.#reader = new AttachedReader(store, tags)
  }

  get store(): SourceRepository {
    return this.#reader.store
  }

  /** @throws what `AttachedReader.read` throws. */
  async of(subject: Digest, call: Call): Promise<Attached> {
    const { result } = await this.#read.run(subject, call, () => this.#reader.read(subject, call))
    return result
  }
}
