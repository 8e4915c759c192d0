import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { gather } from '../../../src/usecases/promote/gather.ts'
import { type Fault, faultyProxy } from '../../support/faulty-proxy.ts'
import { image, referrer, together } from '../../support/images.ts'
import { type Bench, bench, promote, repository } from '../../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

let staging: WatchedRegistry
let prod: WatchedRegistry
let run: Bench
beforeEach(async () => {
  staging = await watchedRegistry()
  prod = await watchedRegistry()
  run = await bench()
})
afterEach(async () => {
  await run[Symbol.asyncDispose]()
  await staging[Symbol.asyncDispose]()
  await prod[Symbol.asyncDispose]()
})

const api = image({ layers: 1 })
const signed = together(api, referrer(api))
const denied = (path: RegExp): Fault => ({
  at: { path },
  times: Infinity,
  injury: { kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } },
})

describe.each([
  ['tags', /manifests\/1\.4\.2$/],
  ['referrers', /referrers/],
])('a target whose %s cannot be read', (_, path) => {
  it('holds back the image everywhere; with partial the other target gets it, and the reason is told', async () => {
    await staging.oracle.push(signed, 'staging/api', '1.4.2')
    await using proxy = await faultyProxy(prod.host, denied(path))
    const to = [repository(proxy, 'eu/api'), repository(prod, 'us/api')]
    const from = repository(staging, 'staging/api')
    const strict = await promote(run, { from, to })
    expect(strict.placements).toMatchObject([
      { status: 'refused', errors: [{ code: 'forbidden' }] },
      { status: 'notAttempted' },
    ])
    expect(await prod.oracle.digest('us/api', '1.4.2')).toBeUndefined()
    const partial = await promote(run, { from, to, policy: { partial: true } })
    expect(partial.placements.map(({ status }) => status)).toEqual(['refused', 'promoted'])
    expect(await prod.oracle.differences('us/api', signed, '1.4.2')).toEqual([])
  })
})

it('content by its digest alone is not put again where it is there', async () => {
  await staging.oracle.push(api, 'staging/api', '1.4.2')
  const at = { digest: parseDigest(api.root.digest) }
  const way = { from: repository(staging, 'staging/api'), to: [repository(prod, 'prod/api')], at }
  expect((await promote(run, way)).placements).toMatchObject([{ status: 'promoted' }])
  prod.forget()
  expect((await promote(run, way)).placements).toMatchObject([{ status: 'unchanged' }])
  expect(prod.requests.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true)
})

it('a run that is stopped while it reads ends with the reason, not with an image that cannot be read', async () => {
  const reason = new DrayError('interrupted', 'interrupted')
  const request = {
    image: 'api:1.4.2',
    from: { repository: repository(staging, 'staging/api'), at: { tag: '1.4.2' } },
    to: { targets: [repository(prod, 'prod/api')] },
    tags: ['1.4.2'],
  }
  const call = { ...run.call, signal: AbortSignal.abort(reason) }
  await expect(
    gather([request], run.stores, { clock: systemClock, evidence: true, dangling: 'fail' }, call),
  ).rejects.toBe(reason)
})
