/**
 * `npm run lock`: updates package-lock.json after a change of the dependencies.
 *
 * Removes `engines` of packages from it. `npm ci` would compare them with the Node that runs npm,
 * and warn, although the scripts use the Node that the repository brings.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const file = join(root, 'package-lock.json')

interface Lock {
  readonly packages: Readonly<Record<string, { engines?: unknown }>>
}

execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: root, stdio: 'inherit' })
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock
for (const [path, entry] of Object.entries(lock.packages)) if (path !== '') delete entry.engines
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
