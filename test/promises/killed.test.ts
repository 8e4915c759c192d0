import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { type Content, image, index, referrer, together } from '../support/images.ts'
import type { Oracle } from '../support/oracle.ts'
import { configOf, type WatchedRegistry, watchedRegistry } from '../support/world.ts'
import { toProd, type Workplace, workplace } from '../support/workplace.ts'
import { sampleIntegers } from '../support/random.ts'

const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2, layerSize: 100_000 })
const signed = together(fresh, referrer(fresh), referrer(referrer(fresh)))
const old = image({ label: 'old', layers: 2 })

/**
 * Two registries share the storage of prod: one counts the requests of dray, the other is for the
 * oracle.
 */
interface Scene extends AsyncDisposable {
  readonly staging: WatchedRegistry
  readonly prod: WatchedRegistry
  readonly oracle: Oracle
  readonly here: Workplace
  /** called with the number of each request to prod, before the response */
  onRequest: (count: number) => void
}

async function newScene(before: Content | undefined): Promise<Scene> {
  const storage = memoryStorage()
  let count = 0
  const staging = await watchedRegistry()
  const prod = await watchedRegistry({ storage, onRequest: () => scene.onRequest(++count) })
  const unobserved = await watchedRegistry({ storage })
  await staging.oracle.push(signed, 'staging/api', 'stable')
  if (before !== undefined) await unobserved.oracle.push(before, 'prod/api', 'stable')
  const scene: Scene = {
    staging,
    prod,
    oracle: unobserved.oracle,
    here: await workplace(configOf(staging.host, [prod.host])),
    onRequest: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const one of [staging, prod, unobserved]) await one[Symbol.asyncDispose]()
    },
  }
  return scene
}

/** Reads the tag until `ended`, and returns every state that the promise forbids. */
async function watchTag(
  oracle: Oracle,
  before: Content | undefined,
  ended: Promise<unknown>,
): Promise<string[]> {
  const complaints: string[] = []
  let hasEnded = false
  void ended.finally(() => (hasEnded = true))
  for (let last = false; !last;) {
    last = hasEnded
    const is = await oracle.digest('prod/api', 'stable')
    if (is === fresh.root.digest) complaints.push(...(await oracle.complaints('prod/api', 'stable')))
    else if (is !== before?.root.digest) complaints.push(`it is ${is}`)
  }
  return complaints
}

/** Promotes, and kills dray at its `at`-th request to prod unless that is 0. */
async function promoteUntil(scene: Scene, before: Content | undefined, at: number): Promise<number | null> {
  const running = scene.here.start(...toProd('api:stable'))
  scene.onRequest = (count) => void (count === at && running.child.kill('SIGKILL'))
  const [code, complaints] = await Promise.all([running.ended, watchTag(scene.oracle, before, running.ended)])
  expect(complaints).toEqual([])
  return code
}

describe.each([
  { state: 'absent', before: undefined, seed: 1 },
  { state: 'old', before: old, seed: 2 },
])('a promotion that is killed, if the tag is $state', ({ before, seed }) => {
  it(`leaves the old tag or a complete image at any time, and the next run completes it (seed ${seed})`, async () => {
    await using complete = await newScene(before)
    expect(await promoteUntil(complete, before, 0)).toBe(0)
    expect(await complete.oracle.differences('prod/api', signed, 'stable')).toEqual([])

    for (const at of sampleIntegers(seed, 3, complete.prod.requests.length)) {
      await using scene = await newScene(before)
      expect(await promoteUntil(scene, before, at), `killed at request ${at}`).toBeNull()
      expect(await promoteUntil(scene, before, 0), `after a kill at request ${at}`).toBe(0)
      expect(await scene.oracle.differences('prod/api', signed, 'stable')).toEqual([])
    }
  })
})
