import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadedModules, modulesOfBundle } from '../support/loaded-modules.ts'
import { onlyOnNode } from '../support/program-command.ts'
import { tempFolder } from '../support/temp.ts'

const root = join(import.meta.dirname, '..', '..')
const file = join(root, 'dist', 'dray.cjs')
const bundle = readFileSync(file, 'utf8')
/** Without the statements that messages of AWS packages quote in brackets; they are no code. */
const bundleCode = bundle.replaceAll(/\[require\([^\]]*;\]/g, '')

describe('the bundle', () => {
  it('requires modules of Node only', () => {
    const required = [
      ...bundleCode.matchAll(/\b(?:require|import|getBuiltinModule)\(\s*["'`]([^"'`]+)["'`]/g),
    ]
    const names = required.map(([, name = '']) => name)
    expect(names).toContain('node:fs')
    expect(names.filter((name) => !isBuiltin(name))).toEqual([])
  })

  it('executes no other file: it has no import and no require of a path', () => {
    const code = bundleCode.replaceAll(/^\s*(?:\/\/|\*).*$/gm, '')
    expect(code.match(/\b(?:import|require)\(.*/g) ?? []).toEqual([])
  })

  it('runs dray alone in a folder, without any other file', async () => {
    const folder = await tempFolder()
    copyFileSync(file, join(folder, 'dray.cjs'))
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, ['dray.cjs', ...args], { cwd: folder, encoding: 'utf8', env: {} })
    expect(run('config', 'schema', '--json')).toMatchObject({ status: 0, stderr: '' })
    expect(run('promote', '--help')).toMatchObject({ status: 0, stderr: '' })
    expect(run('__complete', '--word=pro', '--').stdout).toMatch(/^promote\t/)
    expect(run('promot').status).toBe(64)
  })

  it('is ASCII, because V8 would keep it in two bytes per character otherwise', () => {
    expect(/[^\p{ASCII}]/u.exec(bundle)).toBeNull()
  })

  it('has an HTTP client that loads neither HTTP/2 nor an experimental parser', () => {
    expect(modulesOfBundle).toContain('node_modules/undici/lib/core/connect.js')
    expect(bundle).not.toMatch(/(?:require|getBuiltinModule)\(["'](?:node:)?http2["']\)/)
    expect(bundle).not.toContain('UNDICI_USE_MILO')
  })

  const ofNode = onlyOnNode('modules')
  it.skipIf(ofNode.isSkipped)(
    `has each module as a function that runs when another module uses it${ofNode.note}`,
    async () => {
      const sources = globSync('src/**/*.ts', { cwd: root }).filter((name) => modulesOfBundle.has(name))
      expect(sources.length).toBeGreaterThan(600)
      const { modules } = await loadedModules(['version', '--json'])
      expect(modules).toContain('src/cli/main.ts')
      expect(modules.length).toBeLessThan(20)
    },
  )
})
