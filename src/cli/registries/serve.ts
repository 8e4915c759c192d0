import { resolve } from 'node:path'
import type { ProfileName } from '../../embedded/profiles.ts'
import { vendorImitations } from '../../embedded/vendors/load-vendor.ts'
import type { VendorName } from '../../embedded/vendors/vendor.ts'
import { ageOf } from '../../config/retention/age.ts'
import type { RunningRegistry } from '../../embedded/server.ts'
import type { RegistryStorage } from '../../embedded/storage/storage.ts'
import type { Users } from '../../embedded/access/users.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { explainFailure } from '../../lib/files/io-error.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { ServeFailures } from './serve-failures.ts'

export interface ServeOptions {
  /** the folder that stores pushed content; by default memory */
  readonly folder: string | undefined
  readonly host: string
  readonly port: number
  /** by default the one of the vendor, or all of the specification */
  readonly profile: ProfileName | undefined
  /** the vendor whose API it imitates too */
  readonly vendor: VendorName | undefined
  /** how long ago the content that is there at the start was pushed, such as `30d` */
  readonly pushedAgo: string | undefined
  /** tags that cannot be deleted, nor can their images */
  readonly lockedTags: readonly string[]
  /** accept an index without some of its manifests */
  readonly sparseIndexes: boolean
  /** a file of users; without it everyone may do everything */
  readonly htpasswd: string | undefined
  /** names that it answers to in addition to those of this machine */
  readonly allowedHosts: readonly string[]
  /** called with one line for each request; not escaped */
  readonly onRequest: (line: string) => void
  /** called with a line about requests that failed, or about the upkeep; not escaped */
  readonly warn: (text: string) => void
}

/** The interval between removals of abandoned uploads, milliseconds. */
const upkeepMs = 60 * 60_000

const maxHtpasswdSize = 1024 * 1024

/**
 * Starts the embedded registry. @throws `io` if it cannot listen or the folder cannot be used;
 * `usage` for a wrong host name; `config`, `not-found` for the users.
 */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const {
    allowedHosts,
    folder,
    htpasswd,
    lockedTags,
    port,
    profile,
    sparseIndexes,
    vendor,
    onRequest,
    warn,
  } = options
  // An IPv6 address may be in brackets, as in a URL; sockets take it without.
  const host = options.host.replace(/^\[(.*)\]$/, '$1')
  const { startRegistry } = await import('../../embedded/server.ts')
  await checkHostNames(allowedHosts)
  const storage = folder === undefined ? undefined : await openFolder(folder)
  const users = htpasswd === undefined ? undefined : await readUsers(htpasswd)
  const imitation = vendor === undefined ? undefined : await vendorImitations[vendor]()
  const contentAgeMs = options.pushedAgo === undefined ? 0 : parsePushedAgo(options.pushedAgo)
  const failures = new ServeFailures(folder ?? 'memory', systemClock, warn)
  const registry = await startRegistry({
    host,
    port,
    ...(profile !== undefined && { profile }),
    ...(imitation !== undefined && { vendor: imitation, vendorOptions: { lockedTags, contentAgeMs } }),
    abilities: { lockedTags, ...(sparseIndexes && { sparseIndexes: 'accepted' }) },
    allowedHosts,
    onRequest: (entry) => {
      onRequest(`${entry.method} ${entry.path} ${entry.status}`)
      failures.note(entry)
    },
    ...(storage !== undefined && { storage }),
    ...(users !== undefined && { auth: { scheme: 'basic', users } }),
  })
  const closed = new AbortController()
  void keepClean(registry, systemClock, closed.signal, warn)
  return {
    ...registry,
    close: async () => {
      closed.abort()
      await registry.close()
    },
  }
}

/** Parses `--pushed-ago` to milliseconds. @throws `usage`. */
function parsePushedAgo(text: string): number {
  const ms = /^\d+[mhdw]$/.test(text)
    ? ageOf(text, 'omit the option')
    : `${JSON.stringify(text)} is not an age`
  if (typeof ms === 'number') return ms
  throw new DrayError('usage', `cannot use --pushed-ago: ${ms}`, {
    hint: 'Pass a number with m, h, d or w: --pushed-ago 30d.',
  })
}

/** Removes abandoned uploads, every hour until `signal` aborts. Never rejects. */
export async function keepClean(
  registry: Pick<RunningRegistry, 'removeAbandonedUploads'>,
  clock: Clock,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<void> {
  for (;;) {
    try {
      await clock.sleep(upkeepMs, signal)
      await registry.removeAbandonedUploads()
    } catch (error) {
      if (signal.aborted) return
      warn(`cannot remove unfinished uploads: ${explainFailure(error)}`)
    }
  }
}

async function checkHostNames(names: readonly string[]): Promise<void> {
  const { hostNameOf } = await import('../../embedded/access/request-source.ts')
  const wrong = names.find((name) => hostNameOf(name) === undefined)
  if (wrong === undefined) return
  throw new DrayError('usage', `--allow-host ${JSON.stringify(wrong)} is not the name of a host`, {
    hint: 'Pass a host name or an IP address without a scheme: --allow-host registry.example.com.',
  })
}

/**
 * Returns who can reach a registry, if its user may not intend that; undefined if only this machine
 * can.
 */
export function warnAboutExposure(
  registry: RunningRegistry,
  { host, htpasswd }: Pick<ServeOptions, 'host' | 'htpasswd'>,
): string | undefined {
  if (registry.isLoopback) return undefined
  const address = `${/^[^[].*:/.test(host) ? `[${host}]` : host}:${registry.port}`
  return htpasswd === undefined
    ? `everyone with access to ${address} can read, write and delete; pass --htpasswd to require a password`
    : `dray serve has no TLS: passwords and content are sent to ${address} unencrypted`
}

async function openFolder(folder: string): Promise<RegistryStorage> {
  const { folderStorage } = await import('../../embedded/storage/folder-storage.ts')
  return await folderStorage(resolve(folder))
}

async function readUsers(file: string): Promise<Users> {
  const { parseHtpasswd } = await import('../../embedded/access/users.ts')
  const bytes = await readFileBounded(file, maxHtpasswdSize)
  if (bytes === undefined) throw new DrayError('not-found', `the file ${file} does not exist`)
  return parseHtpasswd(Buffer.from(bytes).toString('utf8'))
}
