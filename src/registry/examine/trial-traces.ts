import type { Call } from '../../lib/call.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import type { TagOrDigest } from '../../oci/reference.ts'
import type { RepositoryClient } from '../client/client.ts'
import { deleteContent } from '../client/manifests/deletion.ts'
import { resolveManifest } from '../client/manifests/manifests.ts'
import { cancelSession, type Session } from '../client/blobs/upload-session.ts'

/** Milliseconds that all of the taking away may take. */
const removalMs = 15_000

/** What a trial of a registry made and has to go again, the newest last. */
export class TrialTraces {
  readonly manifests: Digest[] = []
  readonly tags: string[] = []
  readonly blobs: Digest[] = []
  readonly sessions: Session[] = []
  readonly #client: RepositoryClient

  constructor(client: RepositoryClient) {
    this.#client = client
  }

  /** Takes all of it away, as far as it goes, also where the call was aborted; gives what could not be taken away. */
  async remove({ notify }: Call): Promise<readonly string[]> {
    const call: Call = { signal: AbortSignal.timeout(removalMs), notify }
    const attempt = this.#client.attempt('clean up', '', 'delete')
    for (const session of this.sessions) await cancelSession(this.#client, session, attempt, call)
    const left: string[] = []
    for (const tag of this.tags) if (!(await this.#isRemoved({ tag }, call))) left.push(tag)
    for (const digest of this.manifests.toReversed())
      if (!(await this.#isRemoved({ digest }, call))) left.push(digest)
    for (const digest of this.blobs) await this.#removeBlob(digest, call)
    left.push(...this.blobs)
    // a tag goes with its manifest where it does not go alone
    const gone = await Promise.all(left.map((name) => this.#isGone(name, call)))
    return left.filter((_, i) => gone[i] !== true)
  }

  async #isRemoved(at: TagOrDigest, call: Call): Promise<boolean> {
    try {
      await deleteContent(this.#client, at, call)
      return true
    } catch {
      return false
    }
  }

  /** Few registries delete blobs by themselves; what nothing names goes with their next clean-up. */
  async #removeBlob(digest: Digest, call: Call): Promise<void> {
    try {
      const attempt = this.#client.attempt('delete the blob', `@${digest}`, 'delete')
      const url = this.#client.url(`blobs/${digest}`)
      await this.#client.sendAndDiscard({ method: 'DELETE', url, expect: () => true, attempt }, call)
    } catch {
      // it is looked for below
    }
  }

  async #isGone(name: string, call: Call): Promise<boolean> {
    try {
      if (this.blobs.some((digest) => digest === name)) {
        const attempt = this.#client.attempt('look for the blob', `@${name}`, 'read')
        const url = this.#client.url(`blobs/${name}`)
        const exchange = { method: 'HEAD', url, expect: [200, 404], attempt } as const
        return (await this.#client.sendAndDiscard(exchange, call)).status === 404
      }
      const at = name.includes(':') ? { digest: parseDigest(name) } : { tag: name }
      return (await resolveManifest(this.#client, at, call)) === undefined
    } catch {
      return false
    }
  }
}
