import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { firstPlacement } from '../../support/edited-plans.ts'
import { signature } from '../../support/gates/attached.ts'
import { type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { type World, world } from '../../support/world.ts'

const build = newSigner()
const signers = { build }
const signed = { name: 'signed', signature: { signedBy: ['build'] } }
const override = { 'override-gate': ['signed'], reason: 'incident 7' }

/** A plan in `plan.json` for `api:1.4.2`, which is signed, or is not and the gate is overridden. */
async function savedPlan({
  isSigned = true,
  gate = {},
}: { readonly isSigned?: boolean; readonly gate?: object } = {}): Promise<{ here: World; runs: GatedRuns }> {
  const builder = world().image('api:1.4.2')
  const here = await (isSigned ? builder.evidence((api) => signature(api, build)) : builder).start()
  const runs = await gatedRuns(here, { gates: [{ ...signed, ...gate }], signers })
  const saved = await runs.promote('api:1.4.2', { out: 'plan.json', ...(!isSigned && override) })
  expect(saved.exitCode).toBe(0)
  return { here, runs }
}

const isPromoted = async ({ staging }: World): Promise<boolean> =>
  (await staging.oracle.digest('prod/api', '1.4.2')) !== undefined

describe('apply with gates', () => {
  it('judges the image again, and records the results of now', async () => {
    const { here, runs } = await savedPlan()
    runs.ahead = 3_600_000
    const end = await runs.apply('plan.json')
    expect(end).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'pass', effect: 'none' }] }] })
    expect(await isPromoted(here)).toBe(true)
    const written = runs.records().findLast(({ step }) => step?.kind === 'tag')
    expect(written?.gates).toEqual(end.images[0]?.gates)
    expect(Date.parse(written?.gates?.[0]?.evaluatedAt ?? '')).toBeGreaterThan(Date.now() + 3_000_000)
  })

  it('changes nothing the second time, and costs no read for gates', async () => {
    const { here, runs } = await savedPlan()
    await runs.apply('plan.json')
    const second = await here.during(() => runs.apply('plan.json'))
    expect(second.filter(({ path }) => path.includes('staging/api/blobs'))).toEqual([])
    const [outcome] = runs
      .records()
      .filter(({ phase }) => phase === 'outcome')
      .slice(-1)
    expect(outcome).toMatchObject({ result: 'unchanged' })
    expect(outcome).not.toHaveProperty('gates')
  })

  it('shows with --dry-run what the gates of now say, and not what the file says', async () => {
    const { here, runs } = await savedPlan()
    const passed = await runs.apply('plan.json', { 'dry-run': true })
    expect(passed).toMatchObject({ exitCode: 0, plan: { placements: [{ gates: [{ result: 'pass' }] }] } })
    const [referrer = ''] = await here.staging.oracle.referrers(
      'staging/api',
      here.content('api:1.4.2').root.digest,
    )
    await here.staging.oracle.delete('staging/api', referrer)
    const failed = await runs.apply('plan.json', { 'dry-run': true })
    expect(failed).toMatchObject({
      exitCode: 3,
      plan: {
        placements: [{ gates: [{ result: 'fail' }] }],
        steps: [],
        refusals: [{ error: { code: 'conflict' } }],
      },
    })
    expect(failed.text).toMatch(/signed +FAIL/)
    await runs.configure({ gates: [signed, { ...signed, name: 'more' }], signers })
    const other = await runs.apply('plan.json', { 'dry-run': true })
    expect(other).toMatchObject({ exitCode: 3 })
  })

  it('is a conflict if the evidence is gone', async () => {
    const { here, runs } = await savedPlan()
    const digest = here.content('api:1.4.2').root.digest
    const [referrer] = await here.staging.oracle.referrers('staging/api', digest)
    await here.staging.oracle.delete('staging/api', referrer ?? '')
    const end = await runs.apply('plan.json')
    expect(end.exitCode).toBe(3)
    expect(end.images[0]).toMatchObject({ status: 'conflict', gates: [{ result: 'fail' }] })
    expect(await isPromoted(here)).toBe(false)
  })

  it.each<[string, (runs: GatedRuns) => Promise<void>]>([
    ['the definition changed', (runs) => runs.configure({ gates: [{ ...signed, mode: 'warn' }], signers })],
    ['the gate is gone', (runs) => runs.configure({ gates: [], signers })],
    [
      'there is another gate',
      (runs) => runs.configure({ gates: [signed, { ...signed, name: 'more' }], signers }),
    ],
    [
      'its key is another one',
      (runs) => runs.configure({ gates: [signed], signers: { build: newSigner() } }),
    ],
    ['its key is missing', (runs) => rm(join(runs.folder, 'build.pub'))],
    ['its key is damaged', (runs) => writeFile(join(runs.folder, 'build.pub'), 'no key')],
  ])('is a conflict if %s', async (_, change) => {
    const { here, runs } = await savedPlan()
    await change(runs)
    const end = await runs.apply('plan.json')
    expect(end).toMatchObject({ exitCode: 3, images: [{ status: 'conflict' }] })
    expect(end.images[0]?.errors[0]).toMatchObject({
      code: 'conflict',
      hint: expect.stringContaining('ake a new plan.') as string,
    })
    expect(await isPromoted(here)).toBe(false)
  })

  it.each<[string, string | undefined]>([
    ['the gates are cut from the file', undefined],
    ['a gate in the file has another hash', `sha256:${'0'.repeat(64)}`],
  ])('is a conflict if %s and the hash is computed again', async (_, definition) => {
    const { here, runs } = await savedPlan()
    await runs.edit('plan.json', 'edited.json', (plan) => {
      const placement = firstPlacement(plan)
      const [gate] = placement.gates ?? []
      if (definition === undefined || gate === undefined) delete placement.gates
      else gate.definition = definition
    })
    expect(await runs.apply('edited.json')).toMatchObject({ exitCode: 3 })
    expect(await isPromoted(here)).toBe(false)
  })

  it('does not believe a pass in the file', async () => {
    const { here, runs } = await savedPlan({ isSigned: false })
    await runs.edit('plan.json', 'edited.json', (plan) => {
      const [gate] = firstPlacement(plan).gates ?? []
      if (gate === undefined) throw new Error('the plan has no gate')
      gate.result = 'pass'
      gate.effect = 'none'
      delete gate.override
    })
    const end = await runs.apply('edited.json')
    expect(end).toMatchObject({ exitCode: 3, images: [{ gates: [{ result: 'fail', effect: 'refused' }] }] })
    expect(await isPromoted(here)).toBe(false)
  })

  it('keeps the override of the plan, and warns about it', async () => {
    const { here, runs } = await savedPlan({ isSigned: false })
    const end = await runs.apply('plan.json')
    expect(end).toMatchObject({
      exitCode: 0,
      images: [{ gates: [{ result: 'fail', effect: 'overridden' }] }],
    })
    expect(end.warnings).toEqual(['the plan overrides the gate signed of prod for api:1.4.2: incident 7'])
    expect(await isPromoted(here)).toBe(true)
  })

  it('accepts an override only in a plan that audit.sign.key signed, if there is one', async () => {
    const here = await world().image('api:1.4.2').start()
    const gates = [signed]
    const more = (key: string) => ({ audit: { sign: { key } } })
    const runs = await gatedRuns(here, { gates, signers, more: more('sign.pem') })
    await writeFile(join(runs.folder, 'sign.pem'), newSigner().privateKeyPem)
    await writeFile(join(runs.folder, 'other.pem'), newSigner().privateKeyPem)
    await runs.promote('api:1.4.2', { out: 'plan.json', ...override })
    await runs.edit('plan.json', 'edited.json', (plan) => {
      const { signature: _signature, ...unsigned } = plan as typeof plan & { signature?: unknown }
      return unsigned
    })
    const refused = { exitCode: 3, error: { code: 'refused' } }
    expect(await runs.apply('edited.json')).toMatchObject(refused)
    await runs.configure({ gates, signers, more: more('other.pem') })
    expect(await runs.apply('plan.json')).toMatchObject(refused)
    await runs.configure({ gates, signers, more: more('missing.pem') })
    expect(await runs.apply('plan.json')).toMatchObject(refused)
    expect(await isPromoted(here)).toBe(false)
    await runs.configure({ gates, signers, more: more('sign.pem') })
    expect(await runs.apply('plan.json')).toMatchObject({ exitCode: 0 })
    expect(await isPromoted(here)).toBe(true)
  })

  it('does not accept an override in the file of a gate that forbids it', async () => {
    const { here, runs } = await savedPlan({ gate: { override: 'never' } })
    const [referrer] = await here.staging.oracle.referrers(
      'staging/api',
      here.content('api:1.4.2').root.digest,
    )
    await here.staging.oracle.delete('staging/api', referrer ?? '')
    await runs.edit('plan.json', 'edited.json', (plan) => {
      const placement = firstPlacement(plan)
      placement.gates = (placement.gates ?? []).map((gate) => ({
        ...gate,
        result: 'fail',
        effect: 'overridden',
        override: { reason: 'please' },
      }))
    })
    expect(await runs.apply('edited.json')).toMatchObject({ exitCode: 3 })
    expect(await isPromoted(here)).toBe(false)
  })

  it.each(['@prod', 'HOST/prod'])('judges saved tags in %s', async (prod) => {
    const { here, runs } = await savedPlan({ isSigned: false })
    const { host, oracle } = here.staging
    await oracle.push(here.content('api:1.4.2'), 'prod/api', '1.4.2')
    const reference = `${prod.replace('HOST', host)}/api:1.4.2`
    const saved = await runs.tag(reference, ['stable'], { ...override, out: 'tag.json' })
    expect(saved).toMatchObject({
      exitCode: 0,
      plan: { placements: [{ gates: [{ effect: 'overridden' }] }] },
    })
    await runs.edit('tag.json', 'edited.json', (plan) => void delete firstPlacement(plan).gates)
    expect(await runs.apply('edited.json')).toMatchObject({ exitCode: 3 })
    await runs.configure({ gates: [{ ...signed, override: 'never' }], signers })
    expect(await runs.apply('tag.json')).toMatchObject({ exitCode: 3 })
    expect(await oracle.digest('prod/api', 'stable')).toBeUndefined()
    await runs.configure({ gates: [signed], signers })
    expect(await runs.apply('tag.json')).toMatchObject({ exitCode: 0 })
    expect(await oracle.digest('prod/api', 'stable')).toBe(here.content('api:1.4.2').root.digest)
  })

  it('judges a saved copy to a full reference', async () => {
    const { here, runs } = await savedPlan()
    const { host } = here.staging
    await runs.configure({ gates: [] })
    const copied = await runs.copy(`${host}/staging/api:1.4.2`, `${host}/prod/api:1.4.2`, {
      out: 'copy.json',
    })
    expect(copied.exitCode).toBe(0)
    await runs.configure({ gates: [signed], signers })
    expect(await runs.apply('copy.json', { 'allow-copy': true })).toMatchObject({ exitCode: 3 })
    expect(await isPromoted(here)).toBe(false)
  })

  it.each([
    ['between environments', '@staging/api:1.4.2', '@prod/api:1.4.2', undefined],
    ['from a repository of no environment', 'HOST/else/api:1.4.2', 'HOST/prod/api:1.4.2', 'conflict'],
  ])('does not follow a plan %s without dray.yaml', async (_, from, to, status) => {
    const { here, runs } = await savedPlan()
    await here.staging.oracle.push(here.content('api:1.4.2'), 'else/api', '1.4.2')
    const [source = '', target = ''] = [from, to].map((one) => one.replace('HOST', here.staging.host))
    await runs.copy(source, target, { out: 'copy.json' })
    await runs.removeConfig()
    const end = await runs.apply('copy.json', { 'allow-copy': true })
    expect(end.exitCode).toBe(3)
    expect(end.images[0]?.status).toBe(status)
    expect(await isPromoted(here)).toBe(false)
  })

  it('fails the gate if the evidence would not arrive', async () => {
    const { here, runs } = await savedPlan()
    expect((await runs.apply('plan.json', { evidence: false })).exitCode).toBe(3)
    expect(await isPromoted(here)).toBe(false)
  })
})
