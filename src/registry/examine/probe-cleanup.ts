import type { Call } from '../../lib/call.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import type { TagOrDigest } from '../../oci/reference.ts'
import { hasBlob } from '../client/blobs/blobs.ts'
import type { RepositoryClient } from '../client/client.ts'
import { deleteContent } from '../client/manifests/deletion.ts'
import { resolveManifest } from '../client/manifests/manifests.ts'
import { cancelSession, type Session } from '../client/blobs/upload-session.ts'

/** Milliseconds that the whole cleanup may take. */
const cleanupMs = 15_000

/** The content that a probe created and has to delete again, the newest last. */
export class ProbeCleanup {
  readonly manifests: Digest[] = []
  readonly tags: string[] = []
  readonly blobs: Digest[] = []
  readonly sessions: Session[] = []
  readonly #client: RepositoryClient

  constructor(client: RepositoryClient) {
    this.#client = client
  }

  /**
   * Deletes all of it, also if the call is aborted. Returns the content that it could not delete.
   */
  async run({ notify }: Call): Promise<readonly string[]> {
    const call: Call = { signal: AbortSignal.timeout(cleanupMs), notify }
    const purpose = this.#client.describe('clean up', '', 'delete')
    for (const session of this.sessions) await cancelSession(this.#client, session, purpose, call)
    const remaining: string[] = []
    for (const tag of this.tags) if (!(await this.#deletes({ tag }, call))) remaining.push(tag)
    for (const digest of this.manifests.toReversed())
      if (!(await this.#deletes({ digest }, call))) remaining.push(digest)
    for (const digest of this.blobs) await this.#deleteBlob(digest, call)
    remaining.push(...this.blobs)
    // A registry that deletes no tags deletes them with their manifest.
    const isGone = await Promise.all(remaining.map((name) => this.#isGone(name, call)))
    return remaining.filter((_, i) => isGone[i] !== true)
  }

  async #deletes(at: TagOrDigest, call: Call): Promise<boolean> {
    try {
      await deleteContent(this.#client, at, call)
      return true
    } catch {
      return false
    }
  }

  /** Few registries delete single blobs. Unreferenced ones go with the next garbage collection. */
  async #deleteBlob(digest: Digest, call: Call): Promise<void> {
    try {
      const purpose = this.#client.describe('delete the blob', `@${digest}`, 'delete')
      const url = this.#client.url(`blobs/${digest}`)
      await this.#client.sendAndDiscard({ method: 'DELETE', url, expect: () => true, purpose }, call)
    } catch {
      // The check below reports it.
    }
  }

  async #isGone(name: string, call: Call): Promise<boolean> {
    try {
      if (!name.includes(':')) return (await resolveManifest(this.#client, { tag: name }, call)) === undefined
      const digest = parseDigest(name)
      return this.blobs.includes(digest)
        ? !(await hasBlob(this.#client, { digest }, call))
        : (await resolveManifest(this.#client, { digest }, call)) === undefined
    } catch {
      return false
    }
  }
}
