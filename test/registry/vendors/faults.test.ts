import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { vendorImitations } from '../../../src/embedded/vendors/load-vendor.ts'
import { type VendorName, vendorNames } from '../../../src/embedded/vendors/vendor.ts'
import type { InventoryEntry, Removal } from '../../../src/images/inventory/inventory.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { type Injury, injuringProxy } from '../../support/faulty-proxy.ts'
import { notedCall } from '../../support/http-world.ts'
import { stubAws } from './ecr-world.ts'
import { imageManifest, vendorWorld } from './vendor-world.ts'

const pages = 3

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
  ...Object.fromEntries([500, 503].map((status) => [status, { kind: 'answer', status, body: {} }])),
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

/** The path of a repository of each vendor. */
const paths: Readonly<Record<VendorName, string>> = {
  ghcr: 'acme/api',
  ecr: 'acme/api',
  harbor: 'acme/api',
  gar: 'project/repository/api',
  acr: 'acme/api',
  dockerhub: 'acme/api',
  gitlab: 'acme/api',
  quay: 'acme/api',
  gitea: 'acme/api',
}

/** A repository with an image on each page, behind a proxy. */
async function world(kind: VendorName) {
  if (kind === 'ecr') stubAws()
  let fault: { readonly number: number; readonly injury: Injury } | undefined
  let requests = 0
  const opened = await vendorWorld({
    kind,
    vendor: await vendorImitations[kind](),
    options: { pageLimit: 1 },
    ...(kind === 'quay' && { settings: { tokenEnv: 'TOKEN' }, env: { TOKEN: 'token' } }),
    proxy: async (registry) => {
      const proxy = await injuringProxy(registry, {
        choose: () => (fault?.number === requests++ ? fault.injury : undefined),
      })
      onTestFinished(() => proxy[Symbol.asyncDispose]())
      return proxy.host
    },
  })
  const path = paths[kind]
  const digests: Digest[] = []
  for (let i = 0; i < pages; i++) {
    digests.push(await opened.push(path, imageManifest(`${i}`), `${i}`))
    await opened.clock.advance(1000)
  }
  return {
    ...opened,
    digests,
    path,
    /** Applies a fault to a request; the next one has the number 0. */
    inject: (number: number, injury: Injury): void => {
      requests = 0
      fault = { number, injury }
    },
    /** The number of requests since the start or the last fault was set. */
    requests: () => requests,
  }
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

/** The results that are true in addition, by vendor and fault. */
const alsoTrue: Readonly<Partial<Record<VendorName, Readonly<Record<string, readonly string[]>>>>> = {
  // JSON of protocol buffers omits an empty list.
  gar: {
    'empty object': ['incomplete'],
    // The answer is an operation, without which the end of the delete is unknown.
    truncate: ['failed, does not exist'],
    'too long a length': ['failed, does not exist'],
  },
  // A read-only repository is answered with 503.
  quay: { 503: ['failed, exists'] },
}

/** Codes of errors that a wrong answer may lead to. */
const codes = ['not-found', 'unauthorized', 'forbidden', 'unsupported', 'config', 'protocol', 'unavailable']

/** Answers of success, which say that a delete was done. */
const believed: ReadonlySet<string> = new Set(['no content', 'empty object', 'null'])

describe.each(vendorNames)('the list of %s', (kind) => {
  it.each(faults)('is complete or an error after the fault "%s" at any request', async (name, injury) => {
    const faultless = await world(kind)
    const expected = names(await faultless.entries(faultless.path))
    const requests = faultless.requests()
    expect([requests >= pages, expected.length]).toEqual([true, 2 * pages])
    const results = new Set<string>()
    for (let number = 0; number < requests; number++) {
      const { entries, path, inject } = await world(kind)
      inject(number, injury)
      results.add(await resultOf(entries(path), expected))
    }
    const allowed = new Set([
      'complete',
      ...(name in transient ? [] : codes),
      ...(alsoTrue[kind]?.[name] ?? []),
    ])
    expect([...results].filter((result) => !allowed.has(result))).toEqual([])
  })
})

const deleting = vendorNames.filter((kind) => kind !== 'dockerhub' && kind !== 'gitlab')

describe.each(deleting)('a delete of %s', (kind) => {
  it.each(faults.filter(([name]) => !believed.has(name)))(
    'has a true outcome after the fault "%s" at any request',
    async (name, injury) => {
      const results = new Set<string>()
      for (let number = 0, isLast = false; !isLast; number++) {
        const opened = await world(kind)
        const { inventory, digests, storage, repositoryOf, path } = opened
        const [digest = '' as Digest, ...kept] = digests
        const handle = (await opened.entries(path)).find((entry) => entry.digest === digest)?.handle
        const batch: readonly Removal[] =
          inventory.deletes.manifests === 'no'
            ? [{ kind: 'tag', tag: '0', digest }]
            : [{ kind: 'manifest', digest, ...(handle !== undefined && { handle }) }]
        opened.inject(number, injury)
        const removed = inventory.remove?.(repositoryOf(path), batch, notedCall()) ?? []
        const [outcome] = await Array.fromAsync(removed)
        const exists = (await storage.tag(path, '0')) !== undefined
        results.add(`${outcome?.result}, ${exists ? 'exists' : 'does not exist'}`)
        for (const other of kept) expect(await storage.manifest(path, other)).toBeDefined()
        isLast = opened.requests() <= number + 1
      }
      const done = ['removed, does not exist', 'absent, does not exist']
      const refused = ['failed, exists', 'protected, exists', 'absent, exists', 'failed, does not exist']
      const allowed = new Set([
        ...done,
        ...(name in transient ? [] : refused),
        ...(alsoTrue[kind]?.[name] ?? []),
      ])
      expect([...results].filter((result) => !allowed.has(result))).toEqual([])
    },
  )
})
