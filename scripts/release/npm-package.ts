/**
 * `npm run release:npm`: packs the npm package from the build in `dist/`, as `npm pack` does. Two
 * builds of one commit have the same bytes.
 */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildManPages } from './man.ts'

const root = join(import.meta.dirname, '..', '..')

interface PackageOptions {
  /** the release folder */
  readonly folder?: string
}

/** Writes `dray-VERSION.tgz`. Returns its path. */
export async function buildPackage({ folder = join(root, 'release') }: PackageOptions = {}): Promise<string> {
  await mkdir(folder, { recursive: true })
  await buildManPages()
  // The build exists, so no script has to run.
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root })
  return join(folder, stdout.trim())
}

if (import.meta.main) process.stdout.write(`${await buildPackage()}\n`)
