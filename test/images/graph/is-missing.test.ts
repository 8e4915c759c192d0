import { describe, expect, it } from 'vitest'
import { isMissing } from '../../../src/images/graph/is-missing.ts'
import type { ManifestReader } from '../../../src/images/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'

const digest = digestOf('a manifest')
const descriptor = { mediaType: 'm', digest, size: 1 }
const call = { signal: new AbortController().signal, notify: () => undefined }

function reader(over: Partial<ManifestReader>): ManifestReader {
  return {
    repository: { registry: 'r.example', path: 'api' },
    resolve: async () => await Promise.resolve(undefined),
    manifest: () => Promise.reject(new Error('not read')),
    findManifest: async () => await Promise.resolve(undefined),
    ...over,
  }
}

describe('a manifest is missing', () => {
  it('if HEAD and GET answer 404', async () => {
    expect(await isMissing(reader({}), digest, call)).toBe(true)
  })

  it('but not if one of them finds it', async () => {
    const byHead = reader({ resolve: async () => await Promise.resolve(descriptor) })
    expect(await isMissing(byHead, digest, call)).toBe(false)
    const content = { descriptor, bytes: new Uint8Array() }
    const byGet = reader({ findManifest: async () => await Promise.resolve(content) })
    expect(await isMissing(byGet, digest, call)).toBe(false)
  })

  it.each(['resolve', 'findManifest'] as const)('but unknown if %s fails', async (method) => {
    const failing = reader({ [method]: () => Promise.reject(new DrayError('unavailable', '500')) })
    await expect(isMissing(failing, digest, call)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
