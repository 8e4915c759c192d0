import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Call } from '../../lib/call.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { makeFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { withLock } from '../../lib/files/lock.ts'
import { parseAuthFile, readAuthBytes } from './auth-file.ts'
import { helperFor } from './auth-file-source.ts'
import { type Credential, helperPair } from '../credential.ts'
import { eraseWithHelper, type HelperOptions, storeWithHelper } from './helper.ts'
import { helperServer, keysFor, parseKey, registryKey } from './registry-keys.ts'

export interface CredentialFile {
  /** in docker's or podman's form; it need not be there */
  readonly file: string
  readonly helpers: HelperOptions
  readonly clock?: Clock
}

export interface StoredCredential {
  readonly file: string
  /** the helper that has them; else they stand in the file, in clear */
  readonly helper?: string
}

/**
 * Keeps credentials for a registry where docker and podman find them: with the helper that the file names for it, else in the file itself, for its owner
 * alone (mode 0600). All else in the file stays as it is. One writer at a time, as far as it asks for the same lock.
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
    // without a secret: docker's list of whom it is logged in to
    content.setEntry(server, {})
    return { file: content.file, helper }
  })
}

/** Removes what is kept for a registry, from its helper and from the file. False where there was nothing. @throws as `keepCredential`. */
export async function forgetCredential(
  place: CredentialFile,
  registry: string,
  call: Call,
): Promise<StoredCredential | undefined> {
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

/** The content of such a file, to be changed in its entries alone. */
class EditedFile {
  readonly file: string
  readonly parsed: ReturnType<typeof parseAuthFile>
  readonly #root: Record<string, unknown>
  #isChanged = false

  constructor(file: string, bytes: Uint8Array | undefined) {
    this.file = file
    const text = bytes === undefined ? new TextEncoder().encode('{}') : bytes
    // refuses what is not understood: it is not to be overwritten
    this.parsed = parseAuthFile(text, file)
    this.#root = JSON.parse(Buffer.from(text).toString('utf8')) as Record<string, unknown>
  }

  get isChanged(): boolean {
    return this.#isChanged
  }

  setEntry(key: string, entry: Readonly<Record<string, string>>): void {
    this.#root['auths'] = { ...this.#auths, [key]: entry }
    this.#isChanged = true
  }

  /** Removes every spelling of some keys, and nothing else. Returns whether there was one. */
  removeEntries(keys: readonly string[]): boolean {
    const left = Object.entries(this.#auths).filter(([name]) => !keys.includes(parseKey(name).key ?? ''))
    if (left.length === Object.keys(this.#auths).length) return false
    this.#root['auths'] = Object.fromEntries(left)
    this.#isChanged = true
    return true
  }

  /** Indented as docker writes it. */
  toString(): string {
    return `${JSON.stringify(this.#root, null, '\t')}\n`
  }

  get #auths(): Record<string, unknown> {
    return (this.#root['auths'] ?? {}) as Record<string, unknown>
  }
}

async function change<T>(place: CredentialFile, call: Call, work: (content: EditedFile) => Promise<T>): Promise<T> {
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

/** People keep their configuration elsewhere and link to it: the link stays. */
async function linkTarget(file: string): Promise<string> {
  return await realpath(file).catch(() => file)
}
