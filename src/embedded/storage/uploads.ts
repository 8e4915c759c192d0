import type { Clock } from '../../lib/clock.ts'
import { algorithmOf, type Digest, type DigestAlgorithm, Digester, digestOf } from '../../oci/digest.ts'
import { isDrayError } from '../../lib/errors.ts'
import { refusal, type RegistryFailureCode } from '../errors.ts'
import { defaultLimits, type ServerLimits } from '../access/limits.ts'
import type { OpenBlob, RegistryStorage } from './storage.ts'
import { Turns } from '../turns.ts'

/** An upload session: its bytes so far. */
export interface UploadSession {
  readonly id: string
  readonly repository: string
  /** bytes so far */
  readonly size: number
}

interface OpenSession extends UploadSession {
  readonly writer: OpenBlob
  readonly digester: Digester
  readonly algorithm: DigestAlgorithm
  touchedAt: number
  /** requests that work on it or wait for it */
  requests: number
}

type OpenUploadLimits = Pick<ServerLimits, 'uploads' | 'uploadIdleMs' | 'blobBytes'>

/** The upload sessions of one registry. They end with the process; committed blobs stay. */
export class Uploads {
  readonly #storage: RegistryStorage
  readonly #clock: Clock
  readonly #newId: () => string
  readonly #limits: OpenUploadLimits
  readonly #sessions = new Map<string, OpenSession>()
  readonly #turns = new Turns()
  /** sessions that are being opened */
  #opening = 0

  constructor(
    storage: RegistryStorage,
    clock: Clock,
    newId: () => string,
    limits: OpenUploadLimits = defaultLimits,
  ) {
    this.#storage = storage
    this.#clock = clock
    this.#newId = newId
    this.#limits = limits
  }

  /**
   * Opens a session. If there are too many, drops the one that has been idle the longest. @throws a
   * refusal `TOOMANYREQUESTS` if none is idle.
   */
  async open(repository: string, algorithm: DigestAlgorithm): Promise<UploadSession> {
    this.#opening++
    try {
      await this.#dropIdle()
      if (this.#sessions.size + this.#opening > this.#limits.uploads && !(await this.#dropOldestIdle())) {
        throw refusal('TOOMANYREQUESTS', `${this.#limits.uploads} uploads are in progress`)
      }
      return await this.#open(repository, algorithm)
    } finally {
      this.#opening--
    }
  }

  async #open(repository: string, algorithm: DigestAlgorithm): Promise<UploadSession> {
    const id = this.#newId()
    const writer = await this.#storage.openWriter(id)
    const session: OpenSession = {
      id,
      repository,
      writer,
      digester: new Digester(algorithm),
      algorithm,
      touchedAt: this.#clock.now(),
      requests: 0,
      get size() {
        return writer.size
      },
    }
    this.#sessions.set(id, session)
    return session
  }

  /** @throws a refusal `BLOB_UPLOAD_UNKNOWN`, also for a session of another repository. */
  find(repository: string, id: string): UploadSession {
    return this.#session(repository, id)
  }

  /**
   * Appends a body. If the client disconnects, the bytes so far stay. A body that is larger than a
   * blob may be, or than the storage, ends the session.
   * @param declared bytes of the body, if the client declared them
   * @param check called with the size so far when it is this request's turn; throws if the chunk
   * does not fit
   */
  append(
    upload: UploadSession,
    body: AsyncIterable<Uint8Array>,
    declared: number | undefined,
    check: (size: number) => void,
  ): Promise<void> {
    return this.#inTurn(upload, async (session) => {
      check(session.size)
      try {
        this.#checkSize(session.size + (declared ?? 0))
        for await (const chunk of body) {
          this.#checkSize(session.size + chunk.byteLength)
          await this.#write(session, chunk)
          session.digester.update(chunk)
        }
      } catch (error) {
        if (isDrayError(error) && error.registryCode !== undefined) await this.#drop(session)
        throw error
      }
    })
  }

  /** Closes the session and commits the blob. @throws a refusal `DIGEST_INVALID`. */
  finish(upload: UploadSession, digest: Digest): Promise<void> {
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

  /** Drops sessions that were idle for too long, and the files of abandoned ones. */
  async removeAbandoned(): Promise<void> {
    await this.#dropIdle()
    await this.#storage.removeAbandoned(this.#clock.now() - this.#limits.uploadIdleMs)
  }

  /** Ends a session and drops its bytes. A session that has ended is no error. */
  async cancel(upload: UploadSession): Promise<void> {
    if (!this.#sessions.has(upload.id)) return
    await this.#inTurn(upload, (session) => this.#drop(session))
  }

  async close(): Promise<void> {
    const all = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all(all.map((session) => session.writer.discard()))
  }

  #session(repository: string, id: string): OpenSession {
    const session = this.#sessions.get(id)
    if (session?.repository !== repository) throw refusal('BLOB_UPLOAD_UNKNOWN', 'the upload does not exist')
    return session
  }

  async #inTurn(upload: UploadSession, act: (session: OpenSession) => Promise<void>): Promise<void> {
    const session = this.#session(upload.repository, upload.id)
    session.requests++
    try {
      await this.#turns.run(upload.id, () => act(this.#session(upload.repository, upload.id)))
    } finally {
      session.requests--
      session.touchedAt = this.#clock.now()
    }
  }

  #checkSize(size: number): void {
    const { blobBytes } = this.#limits
    if (size > blobBytes) throw refusal('SIZE_INVALID', `a blob can have at most ${blobBytes} bytes`, 413)
  }

  /** Writes a chunk. If the storage is full, drops idle sessions. */
  async #write(session: OpenSession, chunk: Uint8Array): Promise<void> {
    for (;;) {
      try {
        await session.writer.append(chunk)
        return
      } catch (error) {
        const isFull =
          isDrayError(error) && error.registryCode === ('STORAGE_FULL' satisfies RegistryFailureCode)
        if (!isFull || !(await this.#dropOldestIdle())) throw error
      }
    }
  }

  async #drop(session: OpenSession): Promise<void> {
    this.#sessions.delete(session.id)
    await session.writer.discard()
  }

  /** Drops the session that has been idle the longest; false if there is none. */
  async #dropOldestIdle(): Promise<boolean> {
    let oldest: OpenSession | undefined
    for (const session of this.#sessions.values()) {
      if (session.requests > 0) continue
      if (oldest === undefined || session.touchedAt < oldest.touchedAt) oldest = session
    }
    if (oldest !== undefined) await this.#drop(oldest)
    return oldest !== undefined
  }

  async #dropIdle(): Promise<void> {
    const before = this.#clock.now() - this.#limits.uploadIdleMs
    for (const session of this.#sessions.values()) {
      if (session.requests === 0 && session.touchedAt < before) await this.#drop(session)
    }
  }
}

/** The digest of the upload, hashed again if the client ends with another algorithm. */
async function digestAs(session: OpenSession, algorithm: DigestAlgorithm): Promise<Digest> {
  if (session.size === 0) return digestOf('', algorithm)
  if (algorithm === session.algorithm) return session.digester.digest()
  const digester = new Digester(algorithm)
  for await (const chunk of session.writer.read()) digester.update(chunk)
  return digester.digest()
}
