import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { isDrayError } from '../../lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { hintUnlessDisk } from '../../lib/files/io-error.ts'
import { withLock } from '../../lib/files/lock.ts'
import { fieldName, parseAuthFile, parseObject, readAuthBytes } from './auth-file.ts'
import { helperFor } from './auth-file-source.ts'
import { type Credential, helperPair } from '../credential.ts'
import { eraseWithHelper, type HelperOptions, storeWithHelper } from './helper.ts'
import { helperServer, keysFor, parseKey, registryKey } from './registry-keys.ts'

export interface CredentialFile {
  /** In docker's or podman's format. It need not exist. */
  readonly file: string
  readonly helpers: HelperOptions
  readonly clock?: Clock
}

export interface StoredCredential {
  readonly file: string
  /** the helper that has them; without it, the file has them unencrypted */
  readonly helper?: string
}

/**
 * Stores the credentials of a registry where docker and podman find them: with the helper that the
 * file names for it, otherwise in the file, for its owner alone (mode 0600). The rest of the file
 * does not change. A lock lets one writer in at a time.
 * @throws `config` for a file or helper that cannot be used; `io`, `timeout`, the signal's reason.
 */
export async function keepCredential(
  place: CredentialFile,
  registry: string,
  credential: Credential,
  call: Call,
): Promise<StoredCredential> {
  return await change(place, call, async (content) => {
    const key = registryKey(registry)
    const server = helperServer(key)
    const helper = helperFor(content.parsed, key)
    if (helper === undefined) {
      content.setEntry(server, entryOf(credential))
      return { file: content.file }
    }
    await storeWithHelper({ name: helper, server }, credential, place.helpers, call)
    // Without a secret, the entry is docker's list of logins.
    content.setEntry(server, {})
    return { file: content.file, helper }
  })
}

/**
 * Removes the credentials of a registry from its helper and from the file. Undefined if there were
 * none. @throws as `keepCredential`.
 */
export async function forgetCredential(
  place: CredentialFile,
  registry: string,
  call: Call,
): Promise<StoredCredential | undefined> {
  // Nothing is stored in a file that does not exist, and its folder may not be writable.
  if ((await readAuthBytes(place.file)) === undefined) return undefined
  return await change(place, call, async (content) => {
    const key = registryKey(registry)
    const helper = helperFor(content.parsed, key)
    const wasWithHelper =
      helper !== undefined &&
      (await eraseWithHelper({ name: helper, server: helperServer(key) }, place.helpers, call))
    const wasInFile = content.removeEntries(keysFor(registry, undefined))
    if (!wasWithHelper && !wasInFile) return undefined
    return { file: content.file, ...(wasWithHelper && { helper }) }
  })
}

function entryOf(credential: Credential): Record<string, string> {
  if (credential.kind === 'identity') return { auth: base64('<token>:'), identitytoken: credential.token }
  const { username, secret } = helperPair(credential)
  return { auth: base64(`${username}:${secret}`) }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The content of such a file, in which only entries change. */
class EditedFile {
  readonly file: string
  readonly parsed: ReturnType<typeof parseAuthFile>
  readonly #root: Record<string, unknown>
  /** as the file spells it */
  readonly #authsName: string
  #isChanged = false

  constructor(file: string, bytes: Uint8Array | undefined) {
    this.file = file
    const content = bytes ?? new Uint8Array()
    // Refuses a file that cannot be parsed, so that it is not overwritten.
    this.parsed = parseAuthFile(content, file)
    this.#root = parseObject(content, file)
    this.#authsName = fieldName(this.#root, 'auths')
  }

  get isChanged(): boolean {
    return this.#isChanged
  }

  setEntry(key: string, entry: Readonly<Record<string, string>>): void {
    this.#root[this.#authsName] = { ...this.#auths, [key]: entry }
    this.#isChanged = true
  }

  /** Removes every spelling of some keys. Returns whether there was one. */
  removeEntries(keys: readonly string[]): boolean {
    const remaining = Object.entries(this.#auths).filter(([name]) => !keys.includes(parseKey(name).key ?? ''))
    if (remaining.length === Object.keys(this.#auths).length) return false
    this.#root[this.#authsName] = Object.fromEntries(remaining)
    this.#isChanged = true
    return true
  }

  /** Indented as docker writes it. */
  toString(): string {
    return `${JSON.stringify(this.#root, null, '\t')}\n`
  }

  get #auths(): Record<string, unknown> {
    return (this.#root[this.#authsName] ?? {}) as Record<string, unknown>
  }
}

async function change<T>(
  place: CredentialFile,
  call: Call,
  work: (content: EditedFile) => Promise<T>,
): Promise<T> {
  try {
    return await changeFile(place, call, work)
  } catch (error) {
    if (!isDrayError(error) || (error.code !== 'io' && error.code !== 'not-found')) throw error
    const hint = hintUnlessDisk(error) ?? 'Pass a file that you can write: --auth-file FILE.'
    throw error.with({ hint, cause: error.cause })
  }
}

async function changeFile<T>(
  place: CredentialFile,
  call: Call,
  work: (content: EditedFile) => Promise<T>,
): Promise<T> {
  const file = await linkTarget(place.file)
  await makeFolder(dirname(file), 0o700)
  const clock = place.clock ?? systemClock
  return await withLock(`${file}.dray-lock`, { clock }, call.signal, async (lock) => {
    const content = new EditedFile(place.file, await readAuthBytes(file))
    const result = await work(content)
    if (!content.isChanged) return result
    await lock.check()
    await writeFileAtomic(file, content.toString(), { mode: 0o600 })
    return result
  })
}

/** A symbolic link to the file stays. */
async function linkTarget(file: string): Promise<string> {
  return await realpath(file).catch(() => file)
}
