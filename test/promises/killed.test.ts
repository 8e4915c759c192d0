import { describe, expect, it } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { type Content, image, index, referrer, together } from '../support/images.ts'
import type { Oracle } from '../support/oracle.ts'
import { configOf, type WatchedRegistry, watchedRegistry } from '../support/world.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'
import { randomFrom } from '../support/retention/turns.ts'

const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2, layerSize: 100_000 })
const signed = together(fresh, referrer(fresh), referrer(referrer(fresh)))
const old = image({ label: 'old', layers: 2 })

/** One storage with two doors: dray comes through the one and is counted, who looks on comes through the other. */
interface Scene extends AsyncDisposable {
  readonly staging: WatchedRegistry
  readonly prod: WatchedRegistry
  readonly onlooker: Oracle
  readonly here: Workplace
  /** called with each request of dray at prod while it is being answered */
  heard: (count: number) => void
}

async function scene(before: Content | undefined): Promise<Scene> {
  const storage = memoryStorage()
  let count = 0
  const staging = await watchedRegistry()
  const prod = await watchedRegistry({ storage, onRequest: () => made.heard(++count) })
  const window = await watchedRegistry({ storage })
  await staging.oracle.push(signed, 'staging/api', 'stable')
  if (before !== undefined) await window.oracle.push(before, 'prod/api', 'stable')
  const made: Scene = {
    staging,
    prod,
    onlooker: window.oracle,
    here: await workplace(configOf(staging.host, [prod.host])),
    heard: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const one of [staging, prod, window]) await one[Symbol.asyncDispose]()
    },
  }
  return made
}

/** Looks at the tag again and again, as fast as it is answered, until `over`; tells what it must never be. */
async function watch(
  onlooker: Oracle,
  before: Content | undefined,
  over: Promise<unknown>,
): Promise<string[]> {
  const wrong: string[] = []
  let isOver = false
  void over.finally(() => (isOver = true))
  for (let last = false; !last;) {
    last = isOver
    const is = await onlooker.digest('prod/api', 'stable')
    if (is === fresh.root.digest) wrong.push(...(await onlooker.complaints('prod/api', 'stable')))
    else if (is !== before?.root.digest) wrong.push(`it is ${is}`)
  }
  return wrong
}

/** Runs it and kills it while the registry answers its `at`-th request; 0 lets it go on to its end. */
async function promoteUntil(s: Scene, before: Content | undefined, at: number): Promise<number | null> {
  const running = s.here.start(...toProd('api:stable'))
  s.heard = (count) => void (count === at && running.child.kill('SIGKILL'))
  const [code, wrong] = await Promise.all([running.ended, watch(s.onlooker, before, running.ended)])
  expect(wrong).toEqual([])
  return code
}

const uploads = (requests: readonly AccessEntry[]): string[] =>
  requests.flatMap(({ method, kind, query }) =>
    method === 'PUT' && kind === 'upload' ? (query.get('digest') ?? '') : [],
  )

async function blobsAt(oracle: Oracle): Promise<string[]> {
  const there = await Promise.all(
    [...signed.blobs.keys()].map(async (digest) => {
      const { status } = await oracle.request('HEAD', `/v2/prod/api/blobs/${digest}`)
      return status === 200 ? [digest] : []
    }),
  )
  return there.flat()
}

/** So many of the boundaries between the requests of a run, drawn by a seed. */
function draw(seed: number, howMany: number, all: number): number[] {
  const random = randomFrom(seed)
  const drawn = new Set<number>()
  while (drawn.size < howMany) drawn.add(1 + Math.floor(random() * (all - 1)))
  return [...drawn]
}

describe.each([
  { state: 'absent', before: undefined, seed: 1 },
  { state: 'old', before: old, seed: 2 },
])('a promotion that is killed, over a tag that is $state', ({ before, seed }) => {
  it(`shows a tag that is as before or complete, and the next run ends it and sends no blob twice (seed ${seed})`, async () => {
    await using whole = await scene(before)
    expect(await promoteUntil(whole, before, 0)).toBe(0)
    expect(await whole.onlooker.differences('prod/api', signed, 'stable')).toEqual([])

    for (const at of draw(seed, 3, whole.prod.requests.length)) {
      await using s = await scene(before)
      expect(await promoteUntil(s, before, at), `killed at request ${at}`).toBeNull()
      const complete = await blobsAt(s.onlooker)
      s.prod.forget()
      expect(await promoteUntil(s, before, 0), `after a kill at request ${at}`).toBe(0)
      expect(await s.onlooker.differences('prod/api', signed, 'stable')).toEqual([])
      expect(uploads(s.prod.requests).filter((digest) => complete.includes(digest))).toEqual([])
    }
  })
})
