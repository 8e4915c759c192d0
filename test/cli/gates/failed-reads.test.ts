import { describe, expect, it, onTestFinished } from 'vitest'
import { type FaultyProxy, injuringProxy } from '../../support/faulty-proxy.ts'
import { signature } from '../../support/gates/attached.ts'
import { type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { image, together } from '../../support/images.ts'
import { configOf, type World, world } from '../../support/world.ts'

const build = newSigner()
const signers = { build }
const signed = { name: 'signed', signature: { signedBy: ['build'] } }
const denied = { kind: 'answer', status: 403 } as const
const isBlobOfSource = (method: string, path: string): boolean =>
  method === 'GET' && path.includes('/staging/api/blobs/')

/** A registry behind a proxy that refuses the requests that a function chooses. */
async function refusing(
  chosen: (method: string, path: string) => boolean,
): Promise<{ here: World; proxy: FaultyProxy }> {
  const api = image({ label: 'api' })
  const here = await world()
    .has('api:1.4.2', together(api, signature(api, build)))
    .start()
  const proxy = await injuringProxy(here.staging.host, {
    choose: ({ method, path }) => (chosen(method, path) ? denied : undefined),
  })
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return { here, proxy }
}

const runsAt = (here: World, { host }: FaultyProxy, gate = signed as object): Promise<GatedRuns> =>
  gatedRuns({ ...here, config: configOf(host) }, { gates: [gate], signers })

const isPromoted = async ({ staging }: World): Promise<boolean> =>
  (await staging.oracle.digest('prod/api', '1.4.2')) !== undefined

describe('a read of evidence that fails', () => {
  it('fails the run with 1, because nothing is known, and is on record', async () => {
    const { here, proxy } = await refusing(isBlobOfSource)
    const runs = await runsAt(here, proxy)
    const end = await runs.promote('api:1.4.2')
    expect(end).toMatchObject({
      exitCode: 1,
      images: [{ status: 'refused', gates: [{ result: 'error', error: { code: 'forbidden' } }] }],
    })
    expect(end.images[0]?.errors[0]).toMatchObject({
      code: 'forbidden',
      message: 'cannot evaluate the gate signed of prod for api:1.4.2',
    })
    expect(await isPromoted(here)).toBe(false)
    expect(runs.records()).toMatchObject([{ phase: 'refused', gates: [{ result: 'error' }] }])
  })

  it('is no pass with an override either, unless the gate is overridden on record', async () => {
    const { here, proxy } = await refusing(isBlobOfSource)
    const runs = await runsAt(here, proxy)
    const end = await runs.promote('api:1.4.2', { 'override-gate': ['signed'], reason: 'incident' })
    expect(end.images[0]?.gates).toMatchObject([{ result: 'error', effect: 'overridden' }])
  })

  it('fails apply, and nothing is written', async () => {
    let isRefusing = false
    const { here, proxy } = await refusing((method, path) => isRefusing && isBlobOfSource(method, path))
    const runs = await runsAt(here, proxy)
    expect(await runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    isRefusing = true
    expect(await runs.apply('plan.json')).toMatchObject({
      exitCode: 1,
      images: [{ status: 'failed', gates: [{ result: 'error' }] }],
    })
    expect(await isPromoted(here)).toBe(false)
  })

  it('before the tags fails the run, and no tag moves', async () => {
    let isRefusing = false
    const { here, proxy } = await refusing(
      (_, path) => isRefusing && path.includes('/staging/api/referrers/'),
    )
    const runs = await runsAt(here, proxy)
    const execute = await runs.planned('api:1.4.2', { tag: ['1.4.2', 'stable'] })
    isRefusing = true
    runs.ahead = 5_000
    expect(await execute()).toMatchObject({ exitCode: 1, images: [{ status: 'failed' }] })
    expect(await isPromoted(here)).toBe(false)
  })
})
