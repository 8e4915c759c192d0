import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Ended } from '../program.ts'
import { warmDray } from '../program.ts'
import { tempFolder } from '../temp.ts'
import { type RegistryKind, type WatchedRegistry, watchedRegistry } from '../world.ts'

/** A source registry, a destination registry, and a folder in which bundles are carried. */
export interface Carrier extends AsyncDisposable {
  readonly source: WatchedRegistry
  readonly destination: WatchedRegistry
  readonly folder: string
  /** of the user of the destination */
  readonly env: Readonly<Record<string, string>>
  /** the value of `--to` */
  readonly place: string
  /** Creates a bundle of images of the source, such as `library/alpine:3.20`. */
  create(file: string, images: readonly string[], ...flags: readonly string[]): Promise<void>
  /** Applies a bundle with `--yes`. */
  apply(file: string, ...flags: readonly string[]): Promise<Ended>
  /** The same from a named pipe. */
  applyPiped(bytes: Uint8Array, ...flags: readonly string[]): Promise<Ended>
}

export async function carrier(destination: RegistryKind = {}): Promise<Carrier> {
  const folder = await tempFolder()
  const [source, to] = [await watchedRegistry(), await watchedRegistry(destination)]
  const place = `${to.host}/hub`
  let pipes = 0
  const env = {
    HOME: folder,
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
  }
  const run = (args: readonly string[]): Promise<Ended> => warmDray(args, { cwd: folder, env })
  return {
    source,
    destination: to,
    folder,
    env,
    place,
    create: async (file, images, ...flags) => {
      const names = images.map((name) => `${source.host}/${name}`)
      const ended = await run(['bundle', 'create', file, ...names, ...flags])
      if (ended.code !== 0) throw new Error(ended.stderr)
    },
    apply: (file, ...flags) => run(['bundle', 'apply', file, '--to', place, '--yes', ...flags]),
    applyPiped: async (bytes, ...flags) => {
      const pipe = join(folder, `pipe-${++pipes}`)
      await promisify(execFile)('mkfifo', [pipe])
      // dray closes the pipe as soon as the bundle cannot be right.
      const written = writeFile(pipe, bytes).catch(() => undefined)
      const ended = await run(['bundle', 'apply', pipe, '--to', place, '--yes', ...flags])
      await written
      return ended
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]()
      await to[Symbol.asyncDispose]()
    },
  }
}
