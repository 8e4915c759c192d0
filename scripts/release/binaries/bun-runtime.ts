import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { readTar } from '../tar.ts'
import type { Target } from '../targets.ts'
import { bunPackages, bunVersion } from './bun-packages.ts'

const run = promisify(execFile)

/**
 * Returns the file of Bun's runtime for a platform. Its package comes from the package registry
 * that npm is configured for, once: afterwards it is read from the cache, without a network. The
 * tarball is checked against the pinned hash each time.
 * @throws if the package cannot be fetched, or if its hash differs.
 */
export async function findBunRuntime(target: Target, cache: string): Promise<string> {
  const wanted = bunPackages[target.name]
  if (wanted === undefined) throw new Error(`there is no package of Bun for ${target.name}`)
  const { name, integrity } = wanted
  await mkdir(cache, { recursive: true })
  const tarball = join(cache, `${name.replace('@', '').replace('/', '-')}-${bunVersion}.tgz`)
  if (!(await exists(tarball)))
    await run('npm', ['pack', `${name}@${bunVersion}`, '--pack-destination', cache, '--silent'])
  const bytes = await readFile(tarball)
  const found = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  if (found !== integrity)
    throw new Error(`${tarball} has the hash ${found} instead of ${integrity}. Remove the file.`)
  return await unpack(bytes, target, cache)
}

/** Writes the program of the package beside its tarball. */
async function unpack(tarball: Uint8Array, target: Target, cache: string): Promise<string> {
  const path = target.isWindows ? 'package/bin/bun.exe' : 'package/bin/bun'
  const entry = readTar(gunzipSync(tarball)).find((one) => one.path === path)
  if (entry?.kind !== 'file') throw new Error(`the package of Bun for ${target.name} has no ${path}`)
  const file = join(cache, `bun-${bunVersion}-${target.name}`)
  // Another build may run the file.
  const partial = `${file}.${process.pid}`
  await writeFile(partial, entry.bytes)
  await chmod(partial, 0o755)
  await rename(partial, file)
  return file
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  )
}
