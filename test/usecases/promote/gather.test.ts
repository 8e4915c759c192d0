import { describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { gather } from '../../../src/usecases/promote/gather.ts'
import type { PromoteRequest } from '../../../src/usecases/promote/request.ts'
import { type Fault, faultyProxy } from '../../support/faulty-proxy.ts'
import { image, referrer, together } from '../../support/images.ts'
import { promote, repository } from '../../support/promotion.ts'
import { stagingAndProd } from '../../support/staging-and-prod.ts'
import { plainReading } from '../../../src/semver/version.ts'

const world = stagingAndProd()

const api = image({ layers: 1 })
const signed = together(api, referrer(api))
const denied = (path: RegExp): Fault => ({
  at: { path },
  times: Infinity,
  injury: { kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } },
})
const from = () => repository(world.staging, 'staging/api')
const options = { clock: systemClock, evidence: true, dangling: 'fail' } as const
const request = (): PromoteRequest => ({
  image: 'api:1.4.2',
  from: { repository: from(), at: { tag: '1.4.2' }, reading: plainReading },
  to: { targets: [repository(world.prod, 'prod/api')], reading: plainReading },
  tags: ['1.4.2'],
})

describe.each([
  ['tags', /manifests\/1\.4\.2$/],
  ['referrers', /referrers/],
])('a target whose %s cannot be read', (_, path) => {
  it('refuses the image for all targets, or with partial only for itself', async () => {
    const { staging, prod, run } = world
    await staging.oracle.push(signed, 'staging/api', '1.4.2')
    await using proxy = await faultyProxy(prod.host, denied(path))
    const to = [repository(proxy, 'eu/api'), repository(prod, 'us/api')]
    const strict = await promote(run, { from: from(), to })
    expect(strict.placements).toMatchObject([
      { status: 'refused', errors: [{ code: 'forbidden' }] },
      { status: 'notAttempted' },
    ])
    expect(await prod.oracle.digest('us/api', '1.4.2')).toBeUndefined()
    const partial = await promote(run, { from: from(), to, policy: { partial: true } })
    expect(partial.placements.map(({ status }) => status)).toEqual(['refused', 'promoted'])
    expect(await prod.oracle.differences('us/api', signed, '1.4.2')).toEqual([])
  })
})

describe('gather', () => {
  it('finds content by its digest, so that a second promotion writes nothing', async () => {
    const { staging, prod, run } = world
    await staging.oracle.push(api, 'staging/api', '1.4.2')
    const at = { digest: parseDigest(api.root.digest) }
    const promotion = { from: from(), to: [repository(prod, 'prod/api')], at }
    expect((await promote(run, promotion)).placements).toMatchObject([{ status: 'promoted' }])
    prod.forget()
    expect((await promote(run, promotion)).placements).toMatchObject([{ status: 'unchanged' }])
    expect(prod.requests.every(({ method }) => method === 'GET' || method === 'HEAD')).toBe(true)
  })

  it('throws the reason of its signal', async () => {
    const reason = new DrayError('interrupted', 'interrupted')
    const call = { ...world.run.call, signal: AbortSignal.abort(reason) }
    await expect(gather([request()], world.run.stores, options, call)).rejects.toBe(reason)
  })

  it('returns the time before the first request for each image', async () => {
    const { staging, prod, run } = world
    await staging.oracle.push(api, 'staging/api', '1.4.2')
    const requestsAt: number[] = []
    const clock: Pick<Clock, 'now'> = {
      now: () => {
        requestsAt.push(staging.requests.length + prod.requests.length)
        return 1_000 + requestsAt.length
      },
    }
    staging.forget()
    const [gathered] = await gather([request()], run.stores, { ...options, clock }, run.call)
    expect(gathered).toMatchObject({ kind: 'read', snapshot: { readAt: 1_001 } })
    expect(requestsAt).toEqual([0])
  })
})
