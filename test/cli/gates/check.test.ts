import { describe, expect, it, onTestFinished } from 'vitest'
import { injuringProxy } from '../../support/faulty-proxy.ts'
import { signature } from '../../support/gates/attached.ts'
import { gatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { image, together } from '../../support/images.ts'
import { configOf, type World, world } from '../../support/world.ts'

const build = newSigner()
const signers = { build }
const signed = { name: 'signed', signature: { signedBy: ['build'] } }

/** `api:1.4.2` in staging with a signature, `api:1.5.0` without one. */
async function twoImages(): Promise<World> {
  const api = image({ label: 'signed' })
  return await world()
    .has('api:1.4.2', together(api, signature(api, build)))
    .image('api:1.5.0')
    .start()
}

describe('dray check', () => {
  it('says as the promotion would whether an image passes, and writes nothing', async () => {
    const here = await twoImages()
    const runs = await gatedRuns(here, { gates: [signed], signers })
    const options = { from: 'staging', to: 'prod' }
    const passed = await runs.check('api:1.4.2', options)
    expect(passed).toMatchObject({ exitCode: 0, images: [{ result: 'pass', gates: [{ name: 'signed' }] }] })
    const refused = await runs.check('api:1.5.0', options)
    expect(refused).toMatchObject({ exitCode: 3, images: [{ result: 'fail' }] })
    expect(await here.staging.oracle.tags('prod/api')).toEqual([])
    expect(() => runs.records()).toThrow('ENOENT')
    const promoted = await runs.promote('api:1.5.0')
    const [checked] = refused.images[0]?.gates ?? []
    const [planned] = promoted.images[0]?.gates ?? []
    expect({ ...checked, evaluatedAt: '' }).toEqual({ ...planned, evaluatedAt: '' })
  })

  it.each([
    [['api:1.4.2', 'api:1.5.0'], 4, '1 pass, 1 refused'],
    [['api:1.4.2', 'api:9'], 4, '1 pass, 1 unknown'],
    [['api:1.5.0', 'api:9'], 1, '1 refused, 1 unknown'],
  ])('of %j ends with %i', async (references, exitCode, sum) => {
    const runs = await gatedRuns(await twoImages(), { gates: [signed], signers })
    const found = await runs.check(references, { from: 'staging', to: 'prod' })
    expect(found.exitCode).toBe(exitCode)
    expect(found.text).toContain(`Checked 2 images: ${sum}.`)
  })

  it('judges what is in an environment, also by a gate that does not list promotions', async () => {
    const here = await twoImages()
    await here.staging.oracle.push(here.content('api:1.5.0'), 'prod/api', '1.5.0')
    await here.staging.oracle.push(here.content('api:1.5.0'), 'prod/api', 'latest')
    const rollbacks = { ...signed, operations: ['rollback'] }
    const runs = await gatedRuns(here, { gates: [rollbacks], signers })
    await expect(runs.check('@prod')).rejects.toThrow('an image is required')
    expect(await runs.check('@prod/api')).toMatchObject({
      exitCode: 3,
      images: [{ image: 'api:1.5.0', tags: ['1.5.0', 'latest'], result: 'fail' }],
    })
    await runs.configure({ gates: [{ ...rollbacks, mode: 'warn' }], signers })
    expect(await runs.check('@prod/api')).toMatchObject({
      exitCode: 0,
      images: [{ result: 'pass', gates: [{ result: 'fail', effect: 'warned' }] }],
    })
  })

  it('finds no image in a repository that the user misspelled, and none in an empty environment', async () => {
    const here = await twoImages()
    const images = { api: {} }
    const runs = await gatedRuns(here, { gates: [signed], signers, more: { images } })
    expect(await runs.check('@prod')).toMatchObject({ exitCode: 0, images: [] })
    for (const typo of ['@prod/api', `${here.staging.host}/prod/apii`]) {
      const found = await runs.check(typo)
      expect(found).toMatchObject({ exitCode: 1, images: [{ error: { code: 'not-found' } }] })
    }
  })

  it('ends with 1, as the promotion does, if one gate fails and another cannot be evaluated', async () => {
    const here = await twoImages()
    const proxy = await injuringProxy(here.staging.host, {
      choose: ({ method, path }) =>
        method === 'GET' && path.includes('/blobs/') ? { kind: 'answer', status: 403 } : undefined,
    })
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    const labelled = { name: 'labelled', cel: { message: 'no team', expression: 'image.labels.team == "a"' } }
    const runs = await gatedRuns(
      { ...here, config: configOf(proxy.host) },
      { gates: [signed, labelled], signers },
    )
    const found = await runs.check('api:1.5.0', { from: 'staging', to: 'prod' })
    expect(found.images[0]?.gates.map(({ result }) => result)).toContain('error')
    expect(found.exitCode).toBe(1)
    expect((await runs.promote('api:1.5.0')).exitCode).toBe(1)
  })

  it('ends with 1 if the labels for residency cannot be read, and with 3 if they forbid the target', async () => {
    const here = await world().image('api:1.4.2').start()
    let isBroken = true
    const proxy = await injuringProxy(here.staging.host, {
      choose: ({ method, path }) =>
        isBroken && method === 'GET' && path.includes('/blobs/')
          ? { kind: 'answer', status: 403 }
          : undefined,
    })
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    const residency = { rules: [{ labels: { team: '*' }, deny: [`${proxy.host}/prod/**`] }] }
    const runs = await gatedRuns(
      { ...here, config: configOf(proxy.host) },
      { gates: [], more: { residency } },
    )
    const options = { from: 'staging', to: 'prod' }
    const unread = await runs.check('api:1.4.2', options)
    expect(unread).toMatchObject({
      exitCode: 1,
      images: [{ result: 'error', violations: [{ status: 403 }] }],
    })
    expect((await runs.promote('api:1.4.2')).exitCode).toBe(1)
    isBroken = false
    await runs.configure({
      gates: [],
      more: { residency: { rules: [{ images: ['api'], deny: [`${proxy.host}/prod/**`] }] } },
    })
    expect(await runs.check('api:1.4.2', options)).toMatchObject({
      exitCode: 3,
      images: [{ result: 'fail' }],
    })
  })
})
