import { describe, expect, it } from 'vitest'
import { signature } from '../../support/gates/attached.ts'
import { type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { image, together } from '../../support/images.ts'
import { type World, world } from '../../support/world.ts'

const build = newSigner()
const signed = { name: 'signed', signature: { signedBy: ['build'] } }

/** Two signed images in staging. */
async function twoImages(): Promise<{ here: World; runs: GatedRuns }> {
  const [first, second] = [image({ label: 'first' }), image({ label: 'second' })]
  const here = await world()
    .has('api:1.4.2', together(first, signature(first, build)))
    .has('api:1.5.0', together(second, signature(second, build)))
    .start()
  return { here, runs: await gatedRuns(here, { gates: [signed], signers: { build } }) }
}

async function removeSignature(here: World, name: string): Promise<void> {
  const { oracle } = here.staging
  const [referrer = ''] = await oracle.referrers('staging/api', here.content(name).root.digest)
  await oracle.delete('staging/api', referrer)
}

const stable = { tag: ['stable'] }

describe('two runs at once', () => {
  it('both judge, and the one that loses the tag judges again when it plans again', async () => {
    const { here, runs } = await twoImages()
    const execute = await runs.planned('api:1.4.2', stable)
    expect(await runs.promote('api:1.5.0', stable)).toMatchObject({ exitCode: 0 })
    const end = await execute()
    expect(end).toMatchObject({ exitCode: 0, images: [{ status: 'promoted', gates: [{ result: 'pass' }] }] })
    expect(await here.staging.oracle.digest('prod/api', 'stable')).toBe(here.content('api:1.4.2').root.digest)
    const written = runs
      .records()
      .filter(({ phase, result, step }) => phase === 'outcome' && step?.kind === 'tag' && result === 'done')
    expect(written.map(({ gates }) => gates?.map(({ result }) => result))).toEqual([['pass'], ['pass']])
  })

  it('a run that plans again is refused if its gate fails by then', async () => {
    const { here, runs } = await twoImages()
    const execute = await runs.planned('api:1.4.2', stable)
    await runs.promote('api:1.5.0', stable)
    await removeSignature(here, 'api:1.4.2')
    expect(await execute()).toMatchObject({ exitCode: 3, images: [{ gates: [{ result: 'fail' }] }] })
    expect(await here.staging.oracle.digest('prod/api', 'stable')).toBe(here.content('api:1.5.0').root.digest)
  })

  it('of one image write it once', async () => {
    const { here, runs } = await twoImages()
    const ends = await Promise.all([runs.promote('api:1.4.2'), runs.promote('api:1.4.2')])
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(await here.staging.oracle.complaints('prod/api', '1.4.2')).toEqual([])
  })
})

describe('--verify', () => {
  it('judges an image again before it repairs it', async () => {
    const { here, runs } = await twoImages()
    const { root } = here.content('api:1.4.2')
    const lose = async (): Promise<void> => {
      const [digest = ''] = here.content('api:1.4.2').blobs.keys()
      await here.staging.oracle.deleteBlob('prod/api', digest)
    }
    expect(await runs.promote('api:1.4.2')).toMatchObject({ exitCode: 0 })
    await lose()
    const repaired = await runs.promote('api:1.4.2', { verify: true })
    expect(repaired).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'pass' }] }] })
    expect(await here.staging.oracle.complaints('prod/api', '1.4.2')).toEqual([])
    await lose()
    await removeSignature(here, 'api:1.4.2')
    expect(await runs.promote('api:1.4.2', { verify: true })).toMatchObject({ exitCode: 3 })
    expect(await here.staging.oracle.digest('prod/api', '1.4.2')).toBe(root.digest)
  })
})
