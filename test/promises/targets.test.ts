import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { body, image, index } from '../support/images.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, workplace } from '../support/workplace.ts'

const old = image({ label: 'old' })
const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2 })
const lastLayer = (() => {
  const { layers } = body(fresh, fresh.manifests[1]?.descriptor.digest) as { layers: { digest: string }[] }
  return layers.at(-1)?.digest ?? ''
})()

/** Takes everything but one layer. */
const refusal: Fault = {
  at: { method: 'PUT', path: new RegExp(`digest=${encodeURIComponent(lastLayer)}`) },
  times: Infinity,
  injury: {
    kind: 'answer',
    status: 403,
    body: { errors: [{ code: 'DENIED', message: 'quota exceeded' }] },
  },
}

async function twoTargets() {
  const w = await world({ prod: ['oci-1.1', 'oci-1.1'] })
    .has('api:stable', fresh)
    .start()
  const [eu, us] = w.prod
  if (eu === undefined || us === undefined) throw new Error('two targets were asked for')
  for (const target of [eu, us]) await target.oracle.push(old, 'prod/api', 'stable')
  w.forget()
  return { w, eu, us }
}

describe('an image that goes to two registries', () => {
  it('is in both of them before a tag moves in either', async () => {
    const { w, eu, us } = await twoTargets()
    const story: string[] = []
    for (const [name, target] of Object.entries({ eu, us })) {
      target.requests.push = (...entries) => {
        for (const { method, kind, reference } of entries) {
          if (method === 'GET' || method === 'HEAD') continue
          story.push(kind === 'manifest' && reference === 'stable' ? `tag ${name}` : `content ${name}`)
        }
        return story.length
      }
    }
    const here = await workplace(w.config)
    expect(await here.run(...toProd('api:stable'))).toMatchObject({ code: 0 })
    expect(story.slice(-2).sort()).toEqual(['tag eu', 'tag us'])
    expect(story.slice(0, -2).filter((what) => what.startsWith('tag'))).toEqual([])
    for (const target of [eu, us]) {
      expect(await target.oracle.differences('prod/api', fresh, 'stable')).toEqual([])
    }
  })

  it('gets its tag in neither where one of them refuses the last blob', async () => {
    const { w, eu, us } = await twoTargets()
    await using proxy = await faultyProxy(us.host, refusal)
    const here = await workplace(configOf(w.staging.host, [eu.host, proxy.host]))
    const { code, document } = await here.json(...toProd('api:stable'))
    expect(code).toBe(1)
    expect(document.result?.images).toMatchObject([
      { tags: [{ changed: false }] },
      { status: 'failed', tags: [{ changed: false }], errors: [{ code: 'forbidden' }] },
    ])
    expect(JSON.stringify(document)).toContain('quota exceeded')
    for (const target of [eu, us]) {
      expect(await target.oracle.digest('prod/api', 'stable')).toBe(old.root.digest)
      expect(await target.oracle.complaints('prod/api', 'stable')).toEqual([])
    }
  })

  it('goes ahead where it can with --partial, and the exit code says so', async () => {
    const { w, eu, us } = await twoTargets()
    await using proxy = await faultyProxy(us.host, refusal)
    const here = await workplace(configOf(w.staging.host, [eu.host, proxy.host]))
    const { code, document } = await here.json(...toProd('api:stable', '--partial'))
    expect(code).toBe(4)
    expect(document.result?.images).toMatchObject([{ status: 'promoted' }, { status: 'failed' }])
    expect(await eu.oracle.differences('prod/api', fresh, 'stable')).toEqual([])
    expect(await us.oracle.digest('prod/api', 'stable')).toBe(old.root.digest)
  })

  it('is finished by the next run, which moves no more than was missing', async () => {
    const { w, eu, us } = await twoTargets()
    {
      await using proxy = await faultyProxy(us.host, refusal)
      const there = await workplace(configOf(w.staging.host, [eu.host, proxy.host]))
      expect((await there.run(...toProd('api:stable'))).code).toBe(1)
    }
    const here = await workplace(w.config)
    const { code, document } = await here.json(...toProd('api:stable'))
    expect(code).toBe(0)
    expect(document.result?.moved.uploaded).toBe(1)
    for (const target of [eu, us]) {
      expect(await target.oracle.differences('prod/api', fresh, 'stable')).toEqual([])
    }
  })
})
