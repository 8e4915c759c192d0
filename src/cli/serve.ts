import { resolve } from 'node:path'
import type { ProfileName } from '../embedded/profiles.ts'
import type { RunningRegistry } from '../embedded/server.ts'
import type { RegistryStorage } from '../embedded/storage.ts'
import type { Users } from '../embedded/users.ts'
import { DrayError } from '../errors.ts'
import { readFileBounded } from '../files/read.ts'

export interface ServeOptions {
  /** the folder that keeps what is pushed; memory where undefined */
  readonly folder: string | undefined
  readonly host: string
  readonly port: number
  readonly profile: ProfileName
  /** a file of users; without it everyone may do everything */
  readonly htpasswd: string | undefined
  /** told of each request, on one line; not escaped */
  readonly onRequest: (line: string) => void
}

const maxHtpasswdSize = 1024 * 1024

/** Starts the embedded registry. @throws `io` where it cannot listen or the folder cannot be used; `config`, `not-found` for the users. */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const { folder, htpasswd, host, port, profile, onRequest } = options
  const { startRegistry } = await import('../embedded/server.ts')
  const storage = folder === undefined ? undefined : await openFolder(folder)
  const users = htpasswd === undefined ? undefined : await readUsers(htpasswd)
  return await startRegistry({
    host,
    port,
    profile,
    onRequest: ({ method, path, status }) => onRequest(`${method} ${path} ${status}`),
    ...(storage !== undefined && { storage }),
    ...(users !== undefined && { auth: { scheme: 'basic', users } }),
  })
}

async function openFolder(folder: string): Promise<RegistryStorage> {
  const { folderStorage } = await import('../embedded/folder-storage.ts')
  return await folderStorage(resolve(folder))
}

async function readUsers(file: string): Promise<Users> {
  const { parseHtpasswd } = await import('../embedded/users.ts')
  const bytes = await readFileBounded(file, maxHtpasswdSize)
  if (bytes === undefined) throw new DrayError('not-found', `there is no file ${file}`)
  return parseHtpasswd(Buffer.from(bytes).toString('utf8'))
}
