import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Call } from '../../../src/lib/call.ts'
import { memoryStorage } from '../../../src/embedded/storage/memory-storage.ts'
import { startRegistry } from '../../../src/embedded/server.ts'
import type { RegistryStorage } from '../../../src/embedded/storage/storage.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import type { RegistrySettingsMap } from '../../../src/registry/http/transport/origins.ts'
import type { Descriptor } from '../../../src/oci/descriptor.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import type { Repositories, TargetRepository } from '../../../src/images/ports.ts'
import { type Fault, faultyProxy, type Injury } from '../../support/faulty-proxy.ts'
import { leapingClock } from '../../support/manual-clock.ts'
import { exchange } from '../../support/wire.ts'
import { blobOf, newCall } from './world.ts'

const blobs = Array.from({ length: 6 }, (_, i) => Buffer.alloc(i * 30_000, i))
const wholeUpTo = 50_000
const chunk = 20_000
const numRuns = 25

/** Storage that counts open uploads. */
function counting(): { readonly storage: RegistryStorage; readonly open: () => number } {
  const storage = memoryStorage()
  const inner = storage.openWriter.bind(storage)
  let open = 0
  storage.openWriter = async (id) => {
    const writer = await inner(id)
    open++
    const discard = writer.discard.bind(writer)
    let isOpen = true
    writer.discard = async () => {
      if (isOpen) open--
      isOpen = false
      await discard()
    }
    return writer
  }
  return { storage, open: () => open }
}

/** A registry behind a proxy with faults. It refuses mounts and has every blob in `from`. */
async function host(faults: readonly Fault[]) {
  const { storage, open } = counting()
  const registry = await startRegistry({ storage, abilities: { mount: false } })
  for (const bytes of blobs) {
    const { digest } = blobOf(bytes)
    const url = `http://${registry.registry}/v2/from/blobs/uploads/?digest=${digest}`
    const { status } = await exchange('POST', url, { body: bytes })
    if (status !== 201) throw new Error(`the push was answered ${status}`)
  }
  const proxy = await faultyProxy(registry.registry, ...faults)
  return {
    name: proxy.host,
    open,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await registry.close()
    },
  }
}

function openStores(hosts: readonly string[]): { stores: Repositories; close: () => Promise<void> } {
  const settings: RegistrySettingsMap = new Map(hosts.map((name) => [name, { concurrency: 1 }]))
  const clock = leapingClock()
  const credentials = async () => undefined
  const stack = createFetch({ settings, credentials, userAgent: 'test', clock, random: () => 0.5 })
  const stores = openRepositories({
    fetch: stack.fetch,
    origin: (registry) => stack.origin(registry),
    takeRetry: (registry) => stack.takeRetry(registry),
    clock,
    random: () => 0.5,
    uploads: { wholeUpTo, chunk },
  })
  return { stores, close: () => stack.close() }
}

function copy(from: TargetRepository, to: TargetRepository, blob: Descriptor, call: Call): Promise<unknown> {
  return to.putBlob(
    blob,
    { repository: from.repository, open: (offset, c) => from.blob(blob, offset, c) },
    call,
  )
}

const injury: fc.Arbitrary<Injury> = fc.oneof(
  fc.constantFrom<Injury>(
    { kind: 'reset', when: 'before' },
    { kind: 'reset', when: 'while sending' },
    { kind: 'reset', when: 'after' },
    { kind: 'truncate' },
    { kind: 'flip', of: 'answer' },
    { kind: 'flip', of: 'request' },
    { kind: 'length', by: 7 },
    { kind: 'length', by: -7 },
    { kind: 'twice' },
  ),
  fc.constantFrom(401, 403, 404, 416, 429, 500, 503).map((status): Injury => ({ kind: 'answer', status })),
)
/** Requests that neither open nor cancel a session, whose loss can leave an unknown session. */
const fault: fc.Arbitrary<Fault> = fc.record({
  at: fc.oneof(
    fc.constant({ method: 'GET', path: /\/blobs\// }),
    fc.constant({ method: 'PUT', path: /\/uploads\// }),
    fc.constant({ method: 'PATCH', path: /\/uploads\// }),
  ),
  times: fc.integer({ min: 1, max: 9 }),
  injury,
})
const faults = fc.array(fault, { maxLength: 3 })

/**
 * Faults that once left a session open (404 for its status, truncated answers to chunks), and an
 * abort that left the failure of a shared request unhandled.
 */
const examples: [Fault[], Fault[], number | null][] = [
  [
    [
      { at: { method: 'PUT', path: /\/uploads\// }, times: 1, injury: { kind: 'answer', status: 401 } },
      { at: { method: 'PATCH', path: /\/uploads\// }, times: 4, injury: { kind: 'answer', status: 401 } },
      { at: { method: 'GET', path: /\/blobs\// }, times: 4, injury: { kind: 'answer', status: 403 } },
    ],
    [],
    40,
  ],
  [
    [],
    [
      { at: { method: 'GET', path: /\/blobs\// }, times: 6, injury: { kind: 'answer', status: 404 } },
      { at: { method: 'PATCH', path: /\/uploads\// }, times: 3, injury: { kind: 'length', by: 7 } },
      { at: { method: 'PATCH', path: /\/uploads\// }, times: 7, injury: { kind: 'length', by: -7 } },
    ],
    null,
  ],
]

const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

describe('failed copies', () => {
  it('leave no slot, connection or upload session open, and the next copy succeeds', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    onTestFinished(() => void process.off('unhandledRejection', note))
    const runs = fc.asyncProperty(
      faults,
      faults,
      fc.option(fc.integer({ min: 0, max: 40 })),
      async (hereFaults, thereFaults, abortAt) => {
        await using first = await host(hereFaults)
        await using second = await host(thereFaults)
        const { stores, close } = openStores([first.name, second.name])
        const stop = new AbortController()
        let events = 0
        const call: Call = {
          signal: stop.signal,
          notify: () => {
            if (events++ === abortAt) stop.abort(new Error('enough'))
          },
        }
        const [a, b] = [first.name, second.name]
        // Copies run within each host and in both directions at once.
        const ways = [
          [a, 'from', a, 'in'],
          [a, 'from', b, 'to'],
          [b, 'from', a, 'to'],
          [b, 'from', b, 'in'],
        ] as const
        const copies = ways.flatMap(([from, source, to, target]) =>
          blobs.map((bytes) =>
            copy(
              stores.target({ registry: from, path: source }),
              stores.target({ registry: to, path: target }),
              blobOf(bytes),
              call,
            ),
          ),
        )
        await Promise.allSettled(copies)
        // The POST in progress at the abort may have opened a session with an unknown URL.
        const nameless = stop.signal.aborted ? 1 : 0
        expect(Math.max(first.open(), second.open())).toBeLessThanOrEqual(nameless)
        // Each host has one slot of each kind. A slot that is not freed blocks these copies.
        for (const registry of [a, b]) {
          const [from, to] = ['from', 'again'].map((path) => stores.target({ registry, path }))
          if (from === undefined || to === undefined) throw new Error('no stores')
          // A remaining fault may affect this copy too. It has to end.
          await copy(from, to, blobOf(blobs[1] ?? ''), newCall()).catch(() => undefined)
        }
        await close()
        expect(unhandled).toEqual([])
      },
    )
    const sockets = openSockets()
    await fc.assert(runs, { numRuns, examples, endOnFailure: true })
    // Closing takes a few turns of the event loop. An open connection lets the test time out.
    while (openSockets() > sockets) await new Promise((resolve) => setImmediate(resolve))
  }, 60_000)
})
