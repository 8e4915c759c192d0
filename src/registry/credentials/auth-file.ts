import { stat } from 'node:fs/promises'
import { DrayError, toErrorInfo } from '../../lib/errors.ts'
import { systemCode } from '../../lib/files/io-error.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { isRecord } from '../../oci/json.ts'
import { type Credential, credentialOf } from '../credential.ts'
import { type IgnoredKey, parseKey, precedence } from './registry-keys.ts'

const maxFileBytes = 1024 * 1024
const helperName = /^[A-Za-z0-9._-]+$/

/**
 * The credentials in docker's `config.json` or podman's `auth.json`. Keys are
 * `host[:port][/namespace]`.
 */
export interface AuthFile {
  readonly auths: ReadonlyMap<string, Credential>
  /**
   * Names of helper programs. An empty name means no helper for that key (containers-auth.json(5)).
   */
  readonly credHelpers: ReadonlyMap<string, string>
  readonly credsStore: string | undefined
  /** entries of `auths` and `credHelpers` that dray does not use */
  readonly ignored: readonly IgnoredKey[]
  /** all keys of `auths`, also those whose secret a store keeps */
  readonly listed: ReadonlySet<string>
}

/**
 * Reads such a file; undefined if it does not exist. No error quotes it, because it holds secrets.
 * @throws `config` for a file that cannot be read or parsed.
 */
export async function readAuthFile(file: string): Promise<AuthFile | undefined> {
  const bytes = await readAuthBytes(file)
  return bytes === undefined ? undefined : parseAuthFile(bytes, file)
}

/** Reads the bytes of such a file. @throws `config` for a file that cannot be read. */
export async function readAuthBytes(file: string): Promise<Uint8Array | undefined> {
  // People name it to have no credentials.
  if (file === '/dev/null') return new Uint8Array()
  try {
    return await readFileBounded(file, maxFileBytes)
  } catch (cause) {
    const isFolder = (await stat(file).catch(() => undefined))?.isDirectory() === true
    throw new DrayError('config', `cannot read the credentials in ${file}`, {
      subject: file,
      why: isFolder ? 'EISDIR: it is a folder' : (toErrorInfo(cause).why ?? toErrorInfo(cause).message),
      hint: isFolder
        ? 'Remove the folder if it is empty: docker creates one if it mounts a file that does not exist.'
        : `Give this user access to the file, or name another one with REGISTRY_AUTH_FILE.`,
      cause,
    })
  }
}

/**
 * Why nothing can be read at the default location of such a file; undefined if its file can be
 * opened or does not exist. A file that exists and may not be read is an error for everybody, and
 * not covered here.
 */
export async function findUnusableLocation(file: string): Promise<string | undefined> {
  try {
    return (await stat(file)).isDirectory() ? `${file} is a folder` : undefined
  } catch (cause) {
    // EACCES of `stat` is about a folder on the way, not about the file.
    const code = systemCode(cause)
    return code === 'EACCES' || code === 'ENOTDIR' || code === 'ELOOP' ? `${code}: ${file}` : undefined
  }
}

/**
 * Parses such text; `file` is its location. @throws `config`, which names the location and the key,
 * never the value.
 */
export function parseAuthFile(bytes: Uint8Array, file: string): AuthFile {
  const root = parseObject(bytes, file)
  const store = fieldOf(root, 'credsStore')
  const ignored: IgnoredKey[] = []
  const auths = new Map<string, Credential>()
  const listed = new Set<string>()
  for (const { key, text, value } of entriesOf(root, 'auths', file, ignored)) {
    const where = `auths[${JSON.stringify(text)}]`
    listed.add(key)
    const credential = readAuth(value, where, file)
    if (credential !== undefined) auths.set(key, credential)
    else if (hasRegistryToken(value))
      ignored.push({ text, why: 'dray does not use a registrytoken', registry: key.split('/')[0] ?? key })
  }
  const credHelpers = new Map<string, string>()
  for (const { key, text, value } of entriesOf(root, 'credHelpers', file, ignored))
    credHelpers.set(
      key,
      value == null || value === '' ? '' : checkHelper(value, `credHelpers[${JSON.stringify(text)}]`, file),
    )
  const credsStore = store == null || store === '' ? undefined : checkHelper(store, 'credsStore', file)
  return { auths, credHelpers, credsStore, listed, ignored }
}

/**
 * Parses the text of such a file. An empty file and `null` are empty, as for docker.
 * @throws `config`.
 */
export function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let value: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = text.trim() === '' ? null : JSON.parse(text)
  } catch {
    // The message of the parser quotes the text.
    throw broken(file, 'it is not JSON')
  }
  if (value === null) return {}
  if (!isRecord(value)) throw broken(file, 'it is not an object')
  return value
}

/**
 * The name of a field as the file spells it. docker and podman accept any case of letters, and the
 * last of several counts (Go, encoding/json, Unmarshal).
 */
export function fieldName(object: Record<string, unknown>, name: string): string {
  return Object.keys(object).findLast((key) => key.toLowerCase() === name.toLowerCase()) ?? name
}

function fieldOf(object: Record<string, unknown>, name: string): unknown {
  return object[fieldName(object, name)]
}

function hasRegistryToken(value: unknown): boolean {
  const token = isRecord(value) ? fieldOf(value, 'registrytoken') : undefined
  return typeof token === 'string' && token !== ''
}

interface AuthFileEntry {
  /** `host[:port][/namespace]` */
  readonly key: string
  /** the key in the spelling of the file */
  readonly text: string
  readonly value: unknown
}

/**
 * The entries of an object in the file. If several are for the same registry, the one that wins
 * comes last.
 */
function entriesOf(
  root: Record<string, unknown>,
  name: string,
  file: string,
  ignored: IgnoredKey[],
): readonly AuthFileEntry[] {
  const object = fieldOf(root, name)
  if (object == null) return []
  if (!isRecord(object)) throw broken(file, `${name} is not an object`)
  const entries = Object.entries(object).flatMap(([text, value]): AuthFileEntry[] => {
    const parsed = parseKey(text)
    if (parsed.key !== undefined) return [{ key: parsed.key, text, value }]
    ignored.push(parsed.ignored)
    return []
  })
  return entries.sort((a, b) => precedence(a.text) - precedence(b.text))
}

/**
 * Undefined for an entry without a password or refresh token: docker leaves one in the file if a
 * store has the secret.
 */
function readAuth(value: unknown, where: string, file: string): Credential | undefined {
  if (value == null) return undefined
  if (!isRecord(value)) throw broken(file, `${where} is not an object`)
  const text = (name: string): string => {
    const field = fieldOf(value, name)
    if (field != null && typeof field !== 'string') throw broken(file, `${where}.${name} is not a string`)
    return field ?? ''
  }
  const identity = text('identitytoken')
  if (identity !== '') return { kind: 'identity', token: identity }
  const auth = text('auth')
  const username = text('username')
  const found =
    auth !== ''
      ? decodeAuth(auth, where, file)
      : username === ''
        ? undefined
        : credentialOf(username, text('password'))
  return found?.kind === 'identity' && found.token === '' ? undefined : found
}

/**
 * `auth` is the Base64 of `user:password`, with or without line ends: `base64` wraps its lines.
 * docker removes NULs from its end.
 */
function decodeAuth(written: string, where: string, file: string): Credential {
  const auth = written.replace(/[\r\n]/g, '').trim()
  const pair = /^[A-Za-z0-9+/]+={0,2}$/.test(auth) ? Buffer.from(auth, 'base64').toString('utf8') : ''
  const colon = pair.indexOf(':')
  if (colon <= 0) throw broken(file, `${where}.auth is not the Base64 of user:password`)
  return credentialOf(pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, ''))
}

/** The name becomes part of a program's name, so it must mean nothing to a shell or a path. */
function checkHelper(name: unknown, where: string, file: string): string {
  if (typeof name !== 'string' || !helperName.test(name))
    throw broken(
      file,
      `${where} is not the name of a credential helper: use letters, digits, ".", "_" and "-"`,
    )
  return name
}

function broken(file: string, why: string): DrayError {
  return new DrayError('config', `cannot parse the credentials in ${file}`, {
    subject: file,
    why,
    hint: 'Correct the file, or remove it and log in again with dray login.',
  })
}
