import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { type World, world } from '../../support/world.ts'

/** A `dray.yaml` that forbids the second target of prod, and every image layout. */
async function residentWorld(
  more: object = {},
): Promise<{ here: World; runs: GatedRuns; residency: object }> {
  const here = await world({ prod: ['oci-1.1', 'oci-1.1'] })
    .image('api:1.4.2')
    .image('web:1')
    .start()
  const rule = { images: ['api'], deny: [`${here.prod[1]?.host ?? ''}/**`, 'oci:**'] }
  const residency = { default: 'allow', rules: [rule] }
  const runs = await gatedRuns(here, { gates: [], more: { residency, ...more } })
  return { here, runs, residency }
}

const writesTo = (here: World): readonly string[] =>
  here.prod.flatMap(({ requests }) =>
    requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD').map(({ path }) => path),
  )

describe('residency', () => {
  it('refuses an image at all targets if one is forbidden, before anything is written', async () => {
    const { here, runs } = await residentWorld()
    const end = await runs.promote(['api:1.4.2', 'web:1'])
    expect(end).toMatchObject({ exitCode: 4 })
    expect(writesTo(here).filter((path) => path.includes('/prod/api/'))).toEqual([])
    expect(writesTo(here).some((path) => path.includes('/prod/web/'))).toBe(true)
    expect(runs.records().filter(({ phase }) => phase === 'refused')).toHaveLength(1)
  })

  it('refuses only the forbidden target with --partial', async () => {
    const { here, runs } = await residentWorld()
    expect(await runs.promote('api:1.4.2', { partial: true })).toMatchObject({ exitCode: 4 })
    expect(await here.prod[0]?.oracle.digest('prod/api', '1.4.2')).toBeDefined()
    expect(await here.prod[1]?.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
  })

  it('refuses a copy to a full reference, and to a folder with an image layout', async () => {
    const { here, runs } = await residentWorld()
    const { host } = here.staging
    await mkdir(join(runs.folder, 'out'))
    for (const target of [`${here.prod[1]?.host ?? ''}/prod/api:1.4.2`, 'oci:./out:1.4.2'])
      expect(await runs.copy(`${host}/staging/api:1.4.2`, target)).toMatchObject({ exitCode: 3 })
    expect(writesTo(here)).toEqual([])
  })

  it('refuses a saved plan that the rules of now forbid', async () => {
    const { here, runs, residency } = await residentWorld({ residency: undefined })
    expect(await runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    await runs.configure({ gates: [], more: { residency } })
    expect(await runs.apply('plan.json')).toMatchObject({ exitCode: 3, error: { code: 'refused' } })
    expect(writesTo(here)).toEqual([])
  })
})
