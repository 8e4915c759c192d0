import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The modules of `src/` and what each may import besides itself. `docs/architecture.md` has the
 * same table for people; the last test compares the two.
 */
const modules: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  oci: ['lib'],
  semver: ['oci', 'lib'],
  selectors: ['semver', 'oci', 'lib'],
  images: ['oci', 'lib'],
  signing: ['oci', 'lib'],
  reports: ['oci', 'lib'],
  plan: ['semver', 'oci', 'lib'],
  audit: ['plan', 'images', 'signing', 'semver', 'oci', 'lib'],
  config: ['reports', 'selectors', 'semver', 'oci', 'lib'],
  deployments: ['plan', 'semver', 'oci', 'lib'],
  gates: ['config', 'audit', 'plan', 'images', 'signing', 'reports', 'semver', 'oci', 'lib'],
  execute: ['deployments', 'plan', 'audit', 'images', 'signing', 'semver', 'oci', 'lib'],
  usecases: [
    'gates',
    'deployments',
    'plan',
    'images',
    'audit',
    'signing',
    'config',
    'selectors',
    'semver',
    'oci',
    'lib',
  ],
  registry: ['images', 'oci', 'lib'],
  layout: ['images', 'oci', 'lib'],
  embedded: ['oci', 'lib'],
  render: [
    'usecases',
    'config',
    'registry',
    'deployments',
    'audit',
    'plan',
    'images',
    'semver',
    'oci',
    'lib',
  ],
  cli: ['*'],
  commands: ['cli', 'usecases', 'render', 'config', 'audit', 'signing', 'plan', 'execute', 'oci', 'lib'],
}

/** Modules from which a module may import only types. */
const typesOnly: Readonly<Record<string, readonly string[]>> = {
  render: ['usecases', 'config', 'registry', 'deployments', 'audit', 'plan', 'images', 'semver', 'lib'],
  usecases: ['config'],
  gates: ['config'],
}

/** Parts of a module that may not import each other. */
const separateParts: readonly (readonly [folder: string, mayImport: readonly string[]])[] = [
  ['usecases/promote', ['usecases/placing']],
  ['usecases/tag', ['usecases/placing']],
  ['usecases/rollback', ['usecases/placing']],
  ['usecases/placing', []],
  ['usecases/prune', []],
  ['usecases/views', []],
  ['usecases/usage', []],
  ['usecases/sync', []],
  ['usecases/bundle', []],
  ['registry/http', []],
  ['registry/credentials', []],
  ['registry/client', ['registry/http']],
  ['registry/examine', ['registry/http', 'registry/client']],
]

/** Where a third-party package may be used. A package that is missing here may be used nowhere. */
const packages: Readonly<Record<string, readonly string[]>> = {
  undici: ['registry/http'],
  semver: ['semver'],
  chalk: ['render', 'cli/terminal'],
  ora: ['cli/terminal'],
  inquirer: ['cli/terminal'],
  '@inquirer/*': ['cli/terminal'],
  '@oclif/*': ['cli', 'commands'],
  cosmiconfig: ['config'],
  yaml: ['config', 'deployments', 'lib'],
  valibot: ['config', 'plan'],
  re2js: ['lib'],
  '@sigstore/*': ['signing'],
  '@marcbachmann/cel-js': ['gates'],
  '@aws-sdk/*': ['registry/vendors'],
  'tar-stream': ['layout/tar'],
}

const maxEntries = 20
const maxFilesInFolder = 15
const maxLines = 300
const maxColumns = 100
/** The path of a file is the name of its command, which a folder would change. */
const unlimitedFolders: ReadonlySet<string> = new Set(['commands'])

const root = join(import.meta.dirname, '..', 'src')

interface Import {
  /** path below `src/` */
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

function pathInSource(path: string): string {
  return relative(root, path).split(sep).join('/')
}

function moduleOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function isIn(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function importsOf(file: string, source: string): Import[] {
  const pattern =
    /(?:^|\n)\s*(import|export)(\s+type)?\s(?:[^'";]*?\sfrom\s+)?'([^']+)'|(import)\(\s*'([^']+)'\s*\)/g
  return [...source.matchAll(pattern)].map((match) => ({
    file,
    target: match[3] ?? match[5] ?? '',
    typeOnly: match[2] !== undefined,
  }))
}

/** The path below `src/` of what an import names. */
function pathOf({ file, target }: Pick<Import, 'file' | 'target'>): string {
  return normalize(join(dirname(file), target))
    .split(sep)
    .join('/')
}

/** Why an import is against the rules; undefined if it is not. */
function violation({ file, target, typeOnly }: Import): string | undefined {
  const at = `${file} imports ${target}`
  const from = moduleOf(file)
  const allowed = modules[from]
  if (allowed === undefined) return `${at}: ${from} is not a module`
  if (target.startsWith('node:')) return undefined
  if (!target.startsWith('.')) return packageViolation(at, file, target)
  const path = pathOf({ file, target })
  const to = moduleOf(path)
  if (to === from) return partViolation(at, file, path)
  if (!allowed.includes('*') && !allowed.includes(to)) return `${at}: ${from} may not import ${to}`
  if (!typeOnly && typesOnly[from]?.includes(to) === true) return `${at}: ${from} may import only types`
  return undefined
}

function packageViolation(at: string, file: string, target: string): string | undefined {
  const homes = Object.entries(packages).find(([name]) =>
    name.endsWith('/*')
      ? target.startsWith(name.slice(0, -1))
      : target === name || target.startsWith(`${name}/`),
  )?.[1]
  if (homes === undefined) return `${at}: no module may use this package`
  return homes.some((home) => isIn(home, file))
    ? undefined
    : `${at}: only ${homes.join(', ')} may use this package`
}

function partViolation(at: string, file: string, path: string): string | undefined {
  const part = separateParts.find(([folder]) => isIn(folder, file))
  const other = separateParts.find(([folder]) => isIn(folder, path))
  if (part === undefined || other === undefined || part === other || part[1].includes(other[0]))
    return undefined
  return `${at}: ${part[0]} may not import ${other[0]}`
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(root, name))

describe('dependency rules', () => {
  it('hold for every import in src', () => {
    const found = files.flatMap((file) =>
      importsOf(pathInSource(file), readFileSync(file, 'utf8')).flatMap((one) => violation(one) ?? []),
    )
    expect(found).toEqual([])
  })

  it.each([
    ['oci/digest.ts', `import { x } from '../registry/http/fetch.ts'`, 'oci may not import registry'],
    [
      'usecases/promote/decide.ts',
      `import type { Agent } from 'undici'`,
      'only registry/http may use this package',
    ],
    [
      'usecases/promote/gather.ts',
      `export { x } from '../../registry/client/client.ts'`,
      'usecases may not import registry',
    ],
    [
      'usecases/tag/gather.ts',
      `import { x } from '../promote/gather.ts'`,
      'usecases/tag may not import usecases/promote',
    ],
    [
      'registry/http/auth/token.ts',
      `import { x } from '../../client/client.ts'`,
      'may not import registry/client',
    ],
    [
      'commands/promote.ts',
      `await import('../registry/client/client.ts')`,
      'commands may not import registry',
    ],
    [
      'usecases/prune/gather.ts',
      `import { x } from '../../config/retention/policy.ts'`,
      'usecases may import only types',
    ],
    ['render/plan.ts', `import { x } from '../plan/plan.ts'`, 'render may import only types'],
    ['images/copy.ts', `import\n  { x }\n from 'left-pad'`, 'no module may use this package'],
    ['cli/wiring/context.ts', `import inquirer from 'inquirer'`, 'only cli/terminal may use this package'],
    ['attic/x.ts', `import '../oci/digest.ts'`, 'attic is not a module'],
  ])('refuse %s: %s', (file, source, expected) => {
    expect(
      importsOf(file, source)
        .flatMap((one) => violation(one) ?? [])
        .join(),
    ).toContain(expected)
  })

  it('have no cycle', () => {
    const order = Object.keys(modules)
    const backward = Object.entries(modules).flatMap(([name, imports]) =>
      imports
        .filter((other) => order.indexOf(other) >= order.indexOf(name))
        .map((other) => `${name} -> ${other}`),
    )
    expect(backward).toEqual([])
  })

  it('leave no cycle of files, not even of types', () => {
    const imports = new Map(
      files.map((file) => [
        pathInSource(file),
        importsOf(pathInSource(file), readFileSync(file, 'utf8'))
          .filter(({ target }) => target.startsWith('.'))
          .map((one) => pathOf(one)),
      ]),
    )
    // Files whose imports are all taken away are taken away in turn. A cycle is what remains.
    for (let left = -1; left !== imports.size;) {
      left = imports.size
      for (const [file, targets] of imports) {
        if (targets.every((target) => !imports.has(target))) imports.delete(file)
      }
    }
    expect([...imports.keys()]).toEqual([])
  })

  it('are the table of docs/architecture.md', () => {
    const page = readFileSync(join(root, '..', 'docs', 'architecture.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `(\w+)\/` \| [^|]+ \| ([^|]+) \|$/gm)]
    const names = (text: string | undefined): string[] => (text ?? '').match(/\b(?!nothing)[a-z]+/g) ?? []
    const documented = Object.fromEntries(rows.map(([, name, allowed]) => [name, names(allowed).toSorted()]))
    const expected = Object.entries(modules).map(([name, allowed]) => [
      name,
      allowed.includes('*') ? ['all', 'modules'] : allowed.toSorted(),
    ])
    expect(documented).toEqual(Object.fromEntries(expected))
  })
})

describe('the layout of src', () => {
  it(`has at most ${maxEntries} entries`, () => {
    expect(readdirSync(root).length).toBeLessThanOrEqual(maxEntries)
  })

  it(`has at most ${maxFilesInFolder} files in a folder`, () => {
    const counts = new Map<string, number>()
    for (const file of files) {
      const folder = pathInSource(dirname(file))
      counts.set(folder, (counts.get(folder) ?? 0) + 1)
    }
    const tooLarge = [...counts].filter(
      ([folder, count]) => count > maxFilesInFolder && !unlimitedFolders.has(folder),
    )
    expect(tooLarge).toEqual([])
  })

  it(`has less than ${maxLines} lines in a file`, () => {
    const tooLong = files.filter((file) => readFileSync(file, 'utf8').split('\n').length > maxLines)
    expect(tooLong.map(pathInSource)).toEqual([])
  })

  it('has one meaning for the name of a type', () => {
    const pattern = /^(?:export )?(?:abstract )?(?:interface|type|class) (\w+)/gm
    const declared = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, name = '']) => name),
    )
    expect(declared.filter((name, i) => declared.indexOf(name) !== i)).toEqual([])
  })
})

it(`comments have at most ${maxColumns} columns`, () => {
  const comment = /^\s*(?:\/\/|\/\*|\*)/
  const tooWide = ['action', 'src', 'test', 'scripts', 'bin'].flatMap((folder) => {
    const at = join(root, '..', folder)
    return readdirSync(at, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name))
      .flatMap((name) =>
        readFileSync(join(at, name), 'utf8')
          .split('\n')
          .flatMap((line, i) =>
            comment.test(line) && line.length > maxColumns ? [`${folder}/${name}:${i + 1}`] : [],
          ),
      )
  })
  expect(tooWide).toEqual([])
})
