import type { Clock } from '../clock.ts'
import { algorithmOf, type Digest, type DigestAlgorithm, Digester, digestOf } from '../oci/digest.ts'
import { refusal } from './errors.ts'
import type { BlobWriter, RegistryStorage } from './storage.ts'
import { Turns } from './turns.ts'

/** After this long without a request an upload is dropped: "the server SHOULD eventually timeout unfinished uploads". */
const maxIdleMs = 24 * 60 * 60 * 1000

/** An upload session: bytes so far and their hash. */
export interface Upload {
  readonly id: string
  readonly repository: string
  /** bytes that are there */
  readonly size: number
}

interface Session extends Upload {
  readonly writer: BlobWriter
  readonly digester: Digester
  readonly algorithm: DigestAlgorithm
  touchedAt: number
}

/** The upload sessions of one registry. They end with the process; what was committed stays. */
export class Uploads {
  readonly #storage: RegistryStorage
  readonly #clock: Clock
  readonly #newId: () => string
  readonly #sessions = new Map<string, Session>()
  readonly #turns = new Turns()

  constructor(storage: RegistryStorage, clock: Clock, newId: () => string) {
    this.#storage = storage
    this.#clock = clock
    this.#newId = newId
  }

  async open(repository: string, algorithm: DigestAlgorithm): Promise<Upload> {
    await this.#dropIdle()
    const id = this.#newId()
    const writer = await this.#storage.openWriter(id)
    const session: Session = {
      id,
      repository,
      writer,
      digester: new Digester(algorithm),
      algorithm,
      touchedAt: this.#clock.now(),
      get size() {
        return writer.size
      },
    }
    this.#sessions.set(id, session)
    return session
  }

  /** @throws a refusal `BLOB_UPLOAD_UNKNOWN`, also for a session of another repository. */
  find(repository: string, id: string): Upload {
    return this.#session(repository, id)
  }

  /**
   * Appends a body. What came before a client broke off stays, and `size` tells how much it is.
   * @param check is called when it is this request's turn, with the size so far; it throws where the chunk does not fit
   */
  append(upload: Upload, body: AsyncIterable<Uint8Array>, check: (size: number) => void): Promise<void> {
    return this.#inTurn(upload, async (session) => {
      check(session.size)
      for await (const chunk of body) {
        session.digester.update(chunk)
        await session.writer.append(chunk)
      }
      session.touchedAt = this.#clock.now()
    })
  }

  /** Closes the session: a blob of the repository, or, where the bytes are not the digest's, nothing. @throws a refusal `DIGEST_INVALID`. */
  finish(upload: Upload, digest: Digest): Promise<void> {
    return this.#inTurn(upload, async (session) => {
      this.#sessions.delete(session.id)
      try {
        const found = await digestAs(session, algorithmOf(digest))
        if (found !== digest) throw refusal('DIGEST_INVALID', `the upload is ${found}, not ${digest}`)
        await session.writer.commit(session.repository, digest)
      } finally {
        await session.writer.discard()
      }
    })
  }

  cancel(upload: Upload): Promise<void> {
    return this.#inTurn(upload, (session) => {
      this.#sessions.delete(session.id)
      return session.writer.discard()
    })
  }

  /** Drops all sessions. */
  async close(): Promise<void> {
    const all = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all(all.map((session) => session.writer.discard()))
  }

  #session(repository: string, id: string): Session {
    const session = this.#sessions.get(id)
    if (session?.repository !== repository) throw refusal('BLOB_UPLOAD_UNKNOWN', 'there is no such upload')
    return session
  }

  #inTurn(upload: Upload, act: (session: Session) => Promise<void>): Promise<void> {
    return this.#turns.run(upload.id, async () => act(this.#session(upload.repository, upload.id)))
  }

  async #dropIdle(): Promise<void> {
    const before = this.#clock.now() - maxIdleMs
    for (const session of this.#sessions.values()) {
      if (session.touchedAt >= before) continue
      this.#sessions.delete(session.id)
      await session.writer.discard()
    }
  }
}

/** The digest of the whole upload; hashed once more where the client ends with another algorithm than it began with. */
async function digestAs(session: Session, algorithm: DigestAlgorithm): Promise<Digest> {
  if (session.size === 0) return digestOf('', algorithm)
  if (algorithm === session.algorithm) return session.digester.digest()
  const digester = new Digester(algorithm)
  for await (const chunk of session.writer.read()) digester.update(chunk)
  return digester.digest()
}
