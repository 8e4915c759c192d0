import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dockerhub } from '../../../src/embedded/vendors/dockerhub/dockerhub.ts'
import { createEcrImitation } from '../../../src/embedded/vendors/ecr.ts'
import { ghcr } from '../../../src/embedded/vendors/ghcr/ghcr.ts'
import { createQuayImitation } from '../../../src/embedded/vendors/quay/quay.ts'
import type { InventoryEntry } from '../../../src/images/inventory/inventory.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { type Fault, type FaultyProxy, faultyProxy, type Injury } from '../../support/faulty-proxy.ts'
import { notedCall } from '../../support/http-world.ts'
import { stubAws } from './ecr-world.ts'
import { imageManifest, vendorWorld, type VendorWorldOptions } from './vendor-world.ts'

/** The vendors, with as few entries on a page as possible. */
const vendors: readonly Pick<VendorWorldOptions, 'kind' | 'vendor'>[] = [
  { kind: 'ghcr', vendor: ghcr },
  { kind: 'dockerhub', vendor: dockerhub },
  { kind: 'ecr', vendor: createEcrImitation() },
  { kind: 'quay', vendor: createQuayImitation() },
]
/** Vendors whose API deletes manifests. */
const deleting = vendors.filter(({ kind }) => kind === 'ghcr' || kind === 'ecr')
const pages = 5

const webPage: Injury = {
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html><title>Sign in</title></html>',
}

/** Faults after which dray succeeds. */
const transient: Readonly<Record<string, Injury>> = {
  'reset before': { kind: 'reset', when: 'before' },
  'reset after': { kind: 'reset', when: 'after' },
  truncate: { kind: 'truncate' },
  'too long a length': { kind: 'length', by: 7 },
  'sent twice': { kind: 'twice' },
  ...Object.fromEntries([500, 502, 503].map((status) => [status, { kind: 'answer', status, body: {} }])),
  'limit of requests': { kind: 'answer', status: 429, headers: { 'retry-after': '1' }, body: {} },
}

/** Valid answers that are wrong. dray may fail, and must not believe that a list is complete. */
const misleading: Readonly<Record<string, Injury>> = {
  ...Object.fromEntries([400, 401, 403, 404].map((status) => [status, { kind: 'answer', status, body: {} }])),
  'web page': webPage,
  'empty object': { kind: 'answer', status: 200, body: {} },
  null: { kind: 'answer', status: 200, body: 'null' },
  'no content': { kind: 'answer', status: 204 },
}

async function world(of: (typeof vendors)[number], ...faults: readonly Fault[]) {
  stubAws()
  let proxy: FaultyProxy | undefined
  const opened = await vendorWorld({
    ...of,
    options: { pageLimit: 1 },
    proxy: async (registry) => {
      const started = await faultyProxy(registry, ...faults)
      onTestFinished(() => started[Symbol.asyncDispose]())
      proxy = started
      return started.host
    },
  })
  const digests: Digest[] = []
  for (let i = 0; i < pages; i++) {
    digests.push(await opened.push('acme/api', imageManifest(`${i}`), `${i}`))
    await opened.clock.advance(1000)
  }
  return { ...opened, digests, passed: () => proxy?.passed ?? [] }
}

function names(entries: readonly InventoryEntry[]): readonly string[] {
  const all = entries.flatMap(({ digest, tags }) => [digest, ...tags.map(({ name }) => name)])
  return [...new Set(all)].toSorted()
}

/** `complete`, or the code of the error. */
async function resultOf(entries: Promise<readonly InventoryEntry[]>, expected: readonly string[]) {
  try {
    return isDeepStrictEqual(names(await entries), expected) ? 'complete' : 'incomplete'
  } catch (error) {
    return isDrayError(error) ? error.code : String(error)
  }
}

const faults = [...Object.entries(transient), ...Object.entries(misleading)]

describe.each(vendors)('the list of $kind', (vendor) => {
  it.each(faults)('is complete or an error after the fault "%s" at any request', async (name, injury) => {
    const faultless = await world(vendor)
    const expected = names(await faultless.entries('acme/api'))
    const requests = faultless.passed().length
    expect(requests).toBeGreaterThanOrEqual(pages)
    const results = new Set<string>()
    for (let number = 0; number < requests; number++) {
      const { entries } = await world(vendor, { at: { number }, injury })
      results.add(await resultOf(entries('acme/api'), expected))
    }
    const isTransient = name in transient
    const codes = ['not-found', 'unauthorized', 'forbidden', 'unsupported', 'protocol', 'unavailable']
    const allowed = new Set(['complete', ...(isTransient ? [] : codes)])
    expect([...results].filter((result) => !allowed.has(result))).toEqual([])
  })
})

describe.each(deleting)('a delete of $kind', (vendor) => {
  // An answer that says that the delete was done is believed.
  it.each(faults.filter(([name]) => name !== 'no content'))(
    'has a true outcome after the fault "%s"',
    async (name, injury) => {
      // All requests to ECR are POST. The delete comes after the pages of the list.
      const at = vendor.kind === 'ecr' ? { number: pages } : { method: 'DELETE' }
      const opened = await world(vendor, { at, injury })
      const { inventory, digests, storage, repositoryOf } = opened
      const [digest = '' as Digest, ...kept] = digests
      const handle = (await opened.entries('acme/api')).find((entry) => entry.digest === digest)?.handle
      const batch = [{ kind: 'manifest', digest, ...(handle !== undefined && { handle }) }] as const
      const removed = inventory.remove?.(repositoryOf('acme/api'), batch, notedCall()) ?? []
      const [outcome] = await Array.fromAsync(removed)
      const exists = (await storage.manifest('acme/api', digest)) !== undefined
      const result = `${outcome?.result}, ${exists ? 'exists' : 'does not exist'}`
      const done = ['removed, does not exist', 'absent, does not exist']
      const refused = ['failed, exists', 'protected, exists', 'absent, exists', 'failed, does not exist']
      expect(name in transient ? done : [...done, ...refused]).toContain(result)
      for (const other of kept) expect(await storage.manifest('acme/api', other)).toBeDefined()
    },
  )
})
