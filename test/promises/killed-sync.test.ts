import { describe, expect, it } from 'vitest'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import { image, index, referrer, together } from '../support/images.ts'
import { sampleIntegers } from '../support/random.ts'
import { type Workplace, warmWorkplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const multi = index(['amd64', 'arm64'], { label: 'multi', layers: 2, layerSize: 60_000 })
const signed = together(multi, referrer(multi))
const other = image({ label: 'other', layers: 2 })
const former = image({ label: 'former' })

interface Scene extends AsyncDisposable {
  readonly here: Workplace
  /** every state of the destination that the promise forbids; empty if it is complete or old */
  complaints(): Promise<readonly string[]>
  isComplete(): Promise<boolean>
  /** called with the number of each request to the destination, before the response */
  onRequest: (count: number) => void
}

/** A rule that copies two images, moves a tag and deletes an extra one. */
async function newScene(): Promise<Scene> {
  const storage = memoryStorage()
  let count = 0
  const source = await watchedRegistry()
  const mirror = await watchedRegistry({ storage, onRequest: () => scene.onRequest(++count) })
  const unobserved = await watchedRegistry({ storage })
  const { oracle } = unobserved
  await source.oracle.push(signed, 'up/api', '1.4.2', 'stable')
  await source.oracle.push(other, 'up/api', 'other')
  await oracle.push(former, 'mirror/api', 'stable', 'extra')
  const wanted = new Map([
    ['1.4.2', multi.root.digest],
    ['stable', multi.root.digest],
    ['other', other.root.digest],
  ])
  const config = {
    version: 1,
    sync: [
      {
        name: 'hub',
        from: `${source.host}/up`,
        repositories: ['api'],
        to: `${mirror.host}/mirror/{repository}`,
        delete: { exclusive: true },
      },
    ],
  }
  const scene: Scene = {
    here: await warmWorkplace(JSON.stringify(config)),
    complaints: async () => {
      const found: string[] = []
      for (const [tag, digest] of wanted) {
        const at = await oracle.digest('mirror/api', tag)
        if (at === digest) found.push(...(await oracle.complaints('mirror/api', tag)))
        else if (at !== undefined && at !== former.root.digest) found.push(`${tag} is on ${at}`)
      }
      const extra = await oracle.digest('mirror/api', 'extra')
      const isWhole = await everyTagIs(wanted, (tag) => oracle.digest('mirror/api', tag))
      if (extra === undefined && !isWhole) found.push('extra was deleted before all tags were written')
      return found
    },
    isComplete: async () =>
      (await everyTagIs(wanted, (tag) => oracle.digest('mirror/api', tag))) &&
      (await oracle.digest('mirror/api', 'extra')) === undefined &&
      (await oracle.referrers('mirror/api', multi.root.digest)).length === 1,
    onRequest: () => undefined,
    [Symbol.asyncDispose]: async () => {
      for (const one of [source, mirror, unobserved]) await one[Symbol.asyncDispose]()
    },
  }
  return scene
}

async function everyTagIs(
  wanted: ReadonlyMap<string, string>,
  read: (tag: string) => Promise<string | undefined>,
): Promise<boolean> {
  for (const [tag, digest] of wanted) if ((await read(tag)) !== digest) return false
  return true
}

const command = ['sync', '--yes', '--delete'] as const

async function countRequests(): Promise<number> {
  await using scene = await newScene()
  let requests = 0
  scene.onRequest = (count) => void (requests = count)
  const ended = await scene.here.run(...command)
  expect(ended.stderr).not.toContain('error')
  expect(ended.code).toBe(0)
  expect(await scene.isComplete()).toBe(true)
  return requests
}

describe('a sync that is killed at any request', () => {
  it('leaves no incomplete image, deletes nothing early, and the next run finishes', async () => {
    const requests = await countRequests()
    expect(requests).toBeGreaterThan(20)
    for (const at of sampleIntegers(21, 8, requests + 1)) {
      await using scene = await newScene()
      const running = scene.here.start(...command)
      scene.onRequest = (count) => void (count === at && running.child.kill('SIGKILL'))
      await running.ended
      expect(await scene.complaints(), `killed at request ${at}`).toEqual([])
      scene.onRequest = () => undefined
      const ended = await scene.here.run(...command)
      expect(ended.code, `after a kill at request ${at}: ${ended.stderr}`).toBe(0)
      expect(await scene.isComplete(), `after a kill at request ${at}`).toBe(true)
    }
  })

  it('is finished by two runs at once', async () => {
    await using scene = await newScene()
    const both = await Promise.all([scene.here.run(...command), scene.here.run(...command)])
    for (const { code, stderr } of both) expect([0, 3, 4], stderr).toContain(code)
    expect(await scene.complaints()).toEqual([])
    const ended = await scene.here.run(...command)
    expect(ended.code, ended.stderr).toBe(0)
    expect(await scene.isComplete()).toBe(true)
  })
})
