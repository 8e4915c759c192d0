import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { readonly engines?: unknown; readonly resolved?: unknown }>
}

it('package-lock.json has no engines of packages, so that npm ci warns on no Node', () => {
  const found = Object.keys(packages).filter((path) => path !== '' && packages[path]?.engines !== undefined)
  expect(Object.keys(packages).length).toBeGreaterThan(100)
  expect(found).toEqual([])
})

it('package-lock.json has no address of a package registry', () => {
  const found = Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)
  expect(found).toEqual([])
})
