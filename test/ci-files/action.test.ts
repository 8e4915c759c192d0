import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')

interface ActionMetadata {
  readonly name: string
  readonly description: string
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: unknown }>>
  readonly outputs: Readonly<Record<string, { readonly description: string }>>
  readonly runs: Readonly<Record<string, string>>
}

const metadata = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as ActionMetadata
const source = globSync('action/*.ts', { cwd: root })
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n')

/** The keys of an action that runs JavaScript (GitHub, Metadata syntax reference). */
const keys = new Set(['author', 'branding', 'description', 'inputs', 'name', 'outputs', 'runs'])

describe('action.yml', () => {
  it('has only keys that GitHub documents, and texts for all names', () => {
    expect(Object.keys(metadata).filter((key) => !keys.has(key))).toEqual([])
    const described = [metadata, ...Object.values(metadata.inputs), ...Object.values(metadata.outputs)]
    expect(described.filter(({ description }) => description.trim() === '')).toEqual([])
    // A default that is not a string is an error on some versions of the runner.
    const defaults = Object.values(metadata.inputs).map((input) => input.default)
    expect(defaults.filter((value) => value !== undefined && typeof value !== 'string')).toEqual([])
  })

  it('runs files of this repository on Node 24, without a build', () => {
    const { using, ...files } = metadata.runs
    expect(using).toBe('node24')
    expect(Object.keys(files)).toEqual(['main', 'post'])
    expect(Object.values(files).filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it('declares the inputs that the action reads', () => {
    const read = Array.from(source.matchAll(/nputOf\('([\w-]+)'/g), ([, name = '']) => name)
    expect([...new Set(read)].toSorted()).toEqual(Object.keys(metadata.inputs).toSorted())
  })

  it('reads no secrets, and imports only Node and three small files of the program', () => {
    expect(readFileSync(join(root, 'action.yml'), 'utf8')).not.toContain('secrets.')
    const imports = Array.from(source.matchAll(/from '([^']+)'/g), ([, name = '']) => name)
    const others = imports.filter((name) => !/^(?:node:|\.\/)/.test(name))
    expect([...new Set(others)].toSorted()).toEqual([
      '../src/cli/project.ts',
      '../src/lib/errors.ts',
      '../src/render/text/escape.ts',
    ])
  })
})
