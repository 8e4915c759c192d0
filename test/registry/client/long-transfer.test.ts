import { expect, it, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { startRegistry } from '../../../src/embedded/server.ts'
import { createFetch } from '../../../src/registry/http/stack.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import type { BlobSource } from '../../../src/images/ports.ts'
import { blobOf, newCall } from './world.ts'

const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))
const blob = blobOf(bytes)
const uploads = { wholeUpTo: 1000, chunk: 10_000 }

/** A registry with tokens for 60 seconds, and a client with the same manual clock. */
async function guarded(secondsPerChunk = 0) {
  let ahead = 0
  const clock: Clock = { now: () => Date.now() + ahead, sleep: (ms, signal) => systemClock.sleep(ms, signal) }
  const seen: { method: string; kind: string; status: number }[] = []
  const running = await startRegistry({
    clock,
    auth: { scheme: 'bearer', users: { ada: 'secret' }, tokenLifetime: 60 },
    onRequest: ({ method, kind, status }) => {
      seen.push({ method, kind, status })
      if (method === 'PATCH') ahead += secondsPerChunk * 1000
    },
  })
  onTestFinished(() => running.close())
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => ({ kind: 'basic', username: 'ada', password: 'secret' }),
    userAgent: 'dray/test',
    clock,
    random: () => 0,
  })
  onTestFinished(() => stack.close())
  const stores = openRepositories({
    fetch: stack.fetch,
    origin: (registry) => stack.origin(registry),
    clock,
    random: () => 0,
    uploads,
  })
  return {
    store: stores.target({ registry: running.registry, path: 'team/api' }),
    turn: (seconds: number) => void (ahead += seconds * 1000),
    tokens: () => seen.filter(({ kind }) => kind === 'token').length,
    refused: () => seen.filter(({ status }) => status === 401).length,
    posts: () => seen.filter(({ method, kind }) => method === 'POST' && kind === 'upload').length,
  }
}

/** Advances the clock before the first byte of each chunk when it is first read. */
function slow(turn: () => void): BlobSource {
  const opened = new Set<number>()
  return {
    open: async (offset) => {
      if (!opened.has(offset)) turn()
      opened.add(offset)
      return (async function* () {
        yield bytes.subarray(offset)
      })()
    },
  }
}

it('a long upload renews its token before it expires, and only the first request is refused', async () => {
  const one = await guarded(40)
  expect(
    await one.store.putBlob(
      blob,
      slow(() => undefined),
      newCall(),
    ),
  ).toBe('uploaded')
  expect(await one.store.hasBlob(blob, newCall())).toBe(true)
  // The upload takes 400 seconds.
  expect(one.tokens()).toBeGreaterThanOrEqual(6)
  expect(one.refused()).toBe(1)
  expect(one.posts()).toBe(1)
})

it('a token that expires just before the request is renewed after one refusal in the same session', async () => {
  const one = await guarded()
  expect(
    await one.store.putBlob(
      blob,
      slow(() => one.turn(70)),
      newCall(),
    ),
  ).toBe('uploaded')
  expect(await one.store.hasBlob(blob, newCall())).toBe(true)
  // Each of the ten chunks is refused once, and the first request.
  expect(one.refused()).toBeLessThanOrEqual(11)
  expect(one.posts()).toBe(1)
})
