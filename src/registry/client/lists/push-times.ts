import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'

/** Pages without this key have no push times and are not parsed again. */
const key = Buffer.from('"timeUploadedMs"')

/**
 * The times at which a registry received manifests. The tag lists of Google's registries have them
 * (go-containerregistry, pkg/v1/google/list.go), so that they cost no request.
 */
export class PushTimes {
  readonly #times = new Map<string, Map<Digest, number>>()

  /** Notes the push times in a page of a tag list, if it has any. */
  note(repository: RepositoryName, page: Uint8Array): void {
    if (!Buffer.from(page.buffer, page.byteOffset, page.byteLength).includes(key)) return
    const body: unknown = JSON.parse(Buffer.from(page).toString())
    const manifests = isRecord(body) ? body['manifest'] : undefined
    if (!isRecord(manifests)) return
    const name = formatRepository(repository)
    const times = this.#times.get(name) ?? new Map<Digest, number>()
    this.#times.set(name, times)
    for (const [digest, fields] of Object.entries(manifests)) {
      const at = isRecord(fields) ? Number(fields['timeUploadedMs']) : Number.NaN
      if (isDigest(digest) && Number.isSafeInteger(at) && at > 0) times.set(digest, at)
    }
  }

  /** In milliseconds since 1970; undefined if no list of this run had it. */
  of(repository: RepositoryName, digest: Digest): number | undefined {
    return this.#times.get(formatRepository(repository))?.get(digest)
  }
}
