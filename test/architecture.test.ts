import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The rooms of `src/` and what each may import: the same table as in `docs/architecture.md`.
 * `errors`, `call`, `clock`, `nearest`, `linear-regexp`, `semaphore` and `yaml-depth` are open to all. A room named here without a folder is allowed: it is not lived in yet.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  call: ['oci'],
  clock: [],
  nearest: [],
  'linear-regexp': [],
  semaphore: [],
  'yaml-depth': [],
  oci: [],
  semver: ['oci'],
  store: ['oci'],
  plan: ['semver', 'oci'],
  audit: ['plan', 'store', 'oci', 'files'],
  execute: ['plan', 'audit', 'store', 'semver', 'oci'],
  promote: ['plan', 'store', 'semver', 'oci'],
  tag: ['plan', 'store', 'semver', 'oci'],
  rollback: ['plan', 'store', 'semver', 'oci'],
  prune: ['plan', 'store', 'semver', 'oci'],
  inuse: ['oci'],
  look: ['semver', 'store', 'audit', 'oci'],
  http: ['oci'],
  credentials: ['files', 'oci'],
  registry: ['store', 'http', 'oci'],
  layout: ['store', 'oci', 'files'],
  embedded: ['oci', 'files'],
  files: ['oci'],
  config: ['semver', 'oci', 'files'],
  render: ['plan', 'oci', 'look', 'config', 'promote', 'audit', 'store', 'semver', 'prune', 'credentials'],
  cli: ['*'],
  commands: [
    'cli',
    'promote',
    'tag',
    'rollback',
    'prune',
    'look',
    'render',
    'plan',
    'execute',
    'oci',
    'config',
    'audit',
  ],
}

/** Rooms that may import types only, from the rooms above. */
const typesOnly: ReadonlySet<string> = new Set(['render'])

/** Where a third-party package may be used. A package that is not here may be used nowhere. */
const packages: Readonly<Record<string, readonly string[]>> = {
  undici: ['http'],
  semver: ['semver'],
  chalk: ['render', 'cli'],
  ora: ['cli'],
  inquirer: ['cli'],
  '@inquirer/*': ['cli'],
  '@oclif/*': ['cli', 'commands'],
  cosmiconfig: ['config'],
  yaml: ['config', 'inuse', 'yaml-depth'],
  valibot: ['config', 'plan'],
  re2js: ['linear-regexp'],
}

const openToAll = new Set(['errors', 'call', 'clock', 'nearest', 'linear-regexp', 'semaphore', 'yaml-depth'])
const root = join(import.meta.dirname, '..', 'src')

interface Import {
  readonly file: string
  readonly from: string
  readonly target: string
  readonly typeOnly: boolean
}

function roomOf(path: string): string {
  return relative(root, path).split('/')[0]?.replace(/\.ts$/, '') ?? ''
}

function importsOf(file: string, source: string): Import[] {
  const pattern =
    /(?:^|\n)\s*(import|export)(\s+type)?\s(?:[^'";]*?\sfrom\s+)?'([^']+)'|(import)\(\s*'([^']+)'\s*\)/g
  return [...source.matchAll(pattern)].map((match) => {
    const specifier = match[3] ?? match[5] ?? ''
    return { file, from: roomOf(file), target: specifier, typeOnly: match[2] !== undefined }
  })
}

/** What is wrong with an import, or undefined. */
function complaint(found: Import): string | undefined {
  const at = `${relative(root, found.file)} imports ${found.target}`
  const allowed = rooms[found.from]
  if (allowed === undefined) return `${at}: ${found.from} is no room`
  if (found.target.startsWith('node:')) return undefined
  if (found.target.startsWith('.')) {
    const target = roomOf(normalize(join(dirname(found.file), found.target)))
    if (target === found.from || openToAll.has(target)) return undefined
    if (!allowed.includes('*') && !allowed.includes(target))
      return `${at}: ${found.from} may not import ${target}`
    if (typesOnly.has(found.from) && !found.typeOnly && target !== 'oci') {
      return `${at}: ${found.from} may import types only`
    }
    return undefined
  }
  const holders = Object.entries(packages).find(([name]) =>
    name.endsWith('/*')
      ? found.target.startsWith(name.slice(0, -1))
      : found.target === name || found.target.startsWith(`${name}/`),
  )?.[1]
  if (holders === undefined) return `${at}: no room may use this package`
  return holders.includes(found.from) ? undefined : `${at}: only ${holders.join(', ')} may use this package`
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(root, name))

describe('the rooms', () => {
  it('import only what the table allows', () => {
    const complaints = files.flatMap((file) =>
      importsOf(file, readFileSync(file, 'utf8')).flatMap((i) => complaint(i) ?? []),
    )
    expect(complaints).toEqual([])
  })

  it.each([
    ['oci/digest.ts', `import { x } from '../http/fetch.ts'`, 'oci may not import http'],
    ['promote/decide.ts', `import type { Agent } from 'undici'`, 'only http may use this package'],
    [
      'promote/gather.ts',
      `export { x } from '../registry/registry-store.ts'`,
      'promote may not import registry',
    ],
    [
      'commands/promote.ts',
      `await import('../registry/registry-store.ts')`,
      'commands may not import registry',
    ],
    ['render/plan.ts', `import { x } from '../plan/plan.ts'`, 'render may import types only'],
    ['store/copy.ts', `import\n  { x }\n from 'left-pad'`, 'no room may use this package'],
    ['attic/x.ts', `import '../oci/digest.ts'`, 'attic is no room'],
  ])('refuse %s: %s', (file, source, said) => {
    const complaints = importsOf(join(root, file), source).flatMap((i) => complaint(i) ?? [])
    expect(complaints.join()).toContain(said)
  })
})
