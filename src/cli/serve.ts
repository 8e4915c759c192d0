import type { ProfileName } from '../embedded/profiles.ts'
import type { RunningRegistry } from '../embedded/server.ts'
import { DrayError } from '../errors.ts'

export interface ServeOptions {
  /** the folder that keeps what is pushed; memory where undefined */
  readonly folder: string | undefined
  readonly host: string
  readonly port: number
  readonly profile: ProfileName
  /** told of each request, on one line; not escaped */
  readonly onRequest: (line: string) => void
}

/** Starts the embedded registry. @throws `io` where it cannot listen or the folder cannot be used. */
export async function serveRegistry(options: ServeOptions): Promise<RunningRegistry> {
  const { startRegistry } = await import('../embedded/server.ts')
  if (options.folder !== undefined) {
    throw new DrayError('unsupported', 'a folder cannot be served yet', { subject: options.folder })
  }
  return await startRegistry({
    host: options.host,
    port: options.port,
    profile: options.profile,
    onRequest: ({ method, path, status }) => options.onRequest(`${method} ${path} ${status}`),
  })
}
