import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { body, image, index } from '../support/images.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, warmWorkplace } from '../support/workplace.ts'

const old = image({ label: 'old' })
const fresh = index(['amd64', 'arm64'], { label: 'new', layers: 2 })
const lastLayer = (() => {
  const { layers } = body(fresh, fresh.manifests[1]?.descriptor.digest) as { layers: { digest: string }[] }
  return layers.at(-1)?.digest ?? ''
})()

/** Rejects only the last layer. */
const rejection: Fault = {
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

describe('a promotion to two registries', () => {
  it('copies all content to both before it moves a tag in either', async () => {
    const { w, eu, us } = await twoTargets()
    const writes: string[] = []
    for (const [name, target] of Object.entries({ eu, us })) {
      target.requests.push = (...entries) => {
        for (const { method, kind, reference } of entries) {
          if (method === 'GET' || method === 'HEAD') continue
          writes.push(kind === 'manifest' && reference === 'stable' ? `tag ${name}` : `content ${name}`)
        }
        return writes.length
      }
    }
    const here = await warmWorkplace(w.config)
    expect(await here.run(...toProd('api:stable'))).toMatchObject({ code: 0 })
    expect(writes.slice(-2).sort()).toEqual(['tag eu', 'tag us'])
    expect(writes.slice(0, -2).filter((what) => what.startsWith('tag'))).toEqual([])
    for (const target of [eu, us]) {
      expect(await target.oracle.differences('prod/api', fresh, 'stable')).toEqual([])
    }
  })

  it('moves no tag if one registry rejects a blob, and the next run copies only what is missing', async () => {
    const { w, eu, us } = await twoTargets()
    {
      await using proxy = await faultyProxy(us.host, rejection)
      const there = await warmWorkplace(configOf(w.staging.host, [eu.host, proxy.host]))
      const { code, document } = await there.json(...toProd('api:stable'))
      expect(code).toBe(1)
      expect(JSON.stringify(document)).toContain('quota exceeded')
      for (const target of [eu, us]) {
        expect(await target.oracle.digest('prod/api', 'stable')).toBe(old.root.digest)
        expect(await target.oracle.complaints('prod/api', 'stable')).toEqual([])
      }
    }
    const here = await warmWorkplace(w.config)
    const { code, document } = await here.json(...toProd('api:stable'))
    expect(code).toBe(0)
    expect(document.result?.transferred.uploaded).toBe(1)
    for (const target of [eu, us]) {
      expect(await target.oracle.differences('prod/api', fresh, 'stable')).toEqual([])
    }
  })
})
