import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { editFile, type FileEdit } from '../../src/deployments/edit/edit-file.ts'
import { openFile } from '../../src/deployments/edit/open-file.ts'
import { changesOf } from '../../src/deployments/references/changes-of.ts'
import { findImageEntries } from '../../src/deployments/references/image-entries.ts'
import { parseRepository } from '../../src/oci/reference.ts'
import { newDigest } from '../support/image-entries.ts'

const folder = join(import.meta.dirname, '..', 'corpus', 'deployments')
const promoted = { digest: newDigest, tag: '1.5.0' }

/** Files with a list of changes are tests of the engine. */
const names = readdirSync(folder).filter(
  (name) =>
    /\.(?:ya?ml|json|tfvars)$/.test(name) &&
    !/\.(?:expected|changes)\./.test(name) &&
    !existsSync(join(folder, `${nameOf(name).base}.changes.json`)),
)

function nameOf(name: string): { readonly base: string; readonly extension: string } {
  const dot = name.indexOf('.')
  return { base: name.slice(0, dot), extension: name.slice(dot) }
}

function expectedOf(name: string): Uint8Array {
  const { base, extension } = nameOf(name)
  return readFileSync(join(folder, `${base}.expected${extension}`))
}

/** Edits each entry of one repository. */
function promote(name: string, bytes: Uint8Array): FileEdit {
  const file = openFile({ name, bytes })
  const entries = findImageEntries(file).entries.filter((entry) =>
    entry.names.some((one) => {
      const { registry, path } = parseRepository(one)
      return registry === 'registry.example.com' && path === 'team/api'
    }),
  )
  return editFile(
    file,
    entries.flatMap((entry) => changesOf(entry, promoted, 'both')),
  )
}

describe('the promotion of an image changes no other byte of', () => {
  it.each(names)('%s', (name) => {
    const { bytes } = promote(name, readFileSync(join(folder, name)))
    expect(Buffer.from(bytes).toString('utf8')).toBe(Buffer.from(expectedOf(name)).toString('utf8'))
    expect(Buffer.from(bytes).equals(expectedOf(name))).toBe(true)
  })

  it.each(names)('%s, and none if it is repeated', (name) => {
    expect(promote(name, expectedOf(name)).edits).toEqual([])
  })

  it('at least 60 files', () => {
    const all = readdirSync(folder).filter((name) => name.includes('.expected.'))
    expect(all.length).toBeGreaterThanOrEqual(60)
  })
})
