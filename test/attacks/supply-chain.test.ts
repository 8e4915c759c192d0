import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const workflows = join(root, '.github', 'workflows')

interface LockedPackage {
  readonly integrity?: string
  readonly resolved?: string
  readonly hasInstallScript?: boolean
  readonly optional?: boolean
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'))
const { packages } = read('package-lock.json') as { packages: Record<string, LockedPackage> }
const locked = Object.entries(packages).filter(([path]) => path !== '')

describe('third-party code', () => {
  it('is used in CI by commit, because a tag of an action can be moved', () => {
    const uses = readdirSync(workflows).flatMap((file) => [
      ...readFileSync(join(workflows, file), 'utf8').matchAll(/uses:\s*(\S+)/g),
    ])
    expect(uses.length).toBeGreaterThan(0)
    const byTag = uses
      .map(([, action = '']) => action)
      // Workflows and the action of this repository come from the same commit.
      .filter((action) => !action.startsWith('./') && !/@[0-9a-f]{40}$/.test(action))
    expect(byTag).toEqual([])
  })

  it('is locked by a hash that does not depend on its registry', () => {
    expect(
      locked.filter(([, p]) => p.integrity?.startsWith('sha512-') !== true).map(([path]) => path),
    ).toEqual([])
    expect(locked.filter(([, p]) => p.resolved !== undefined).map(([path]) => path)).toEqual([])
  })

  it('runs no script at installation, unless package.json allows it by name', () => {
    const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> }
    const scripts = locked.filter(([, p]) => p.hasInstallScript === true && p.optional !== true)
    expect(scripts.map(([path]) => path.replace('node_modules/', ''))).toEqual(Object.keys(allowScripts))
  })
})
