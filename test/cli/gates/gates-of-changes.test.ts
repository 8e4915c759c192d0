import { describe, expect, it } from 'vitest'
import { signature } from '../../support/gates/attached.ts'
import { gatedRuns, type GatedRuns, type RunFlags } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { image, referrer } from '../../support/images.ts'
import { type World, world } from '../../support/world.ts'

const build = newSigner()
const signers = { build }
const signed = { name: 'signed', signature: { signedBy: ['build'] } }

/** `api:1.4.2` in staging, signed by the trusted key or not at all; `old:1` is in prod too. */
async function gatedWorld(isSigned: boolean): Promise<World> {
  const builder = world().index('api:1.4.2', ['amd64', 'arm64'])
  return await (isSigned ? builder.evidence((api) => signature(api, build)) : builder).start()
}

async function runsIn(isSigned: boolean, gate: object = {}): Promise<{ here: World; runs: GatedRuns }> {
  const here = await gatedWorld(isSigned)
  return { here, runs: await gatedRuns(here, { gates: [{ ...signed, ...gate }], signers }) }
}

const tagsIn = ({ staging }: World, path = 'prod/api'): Promise<readonly string[]> =>
  staging.oracle.tags(path).then((tags) => tags.filter((tag) => !tag.startsWith('sha256-')))

/** Each way to write an image or a tag to the repository of prod. */
const ways: readonly [
  string,
  (runs: GatedRuns, host: string, flags?: RunFlags) => ReturnType<GatedRuns['copy']>,
][] = [
  ['promote to the environment', (runs, _, flags) => runs.promote('api:1.4.2', flags)],
  ['copy to the environment', (runs, _, flags) => runs.copy('@staging/api:1.4.2', '@prod/api:1.4.2', flags)],
  [
    'copy to the full reference',
    (runs, host, flags) => runs.copy(`${host}/staging/api:1.4.2`, `${host}/prod/api:1.4.2`, flags),
  ],
  [
    'copy to another tag of the full reference',
    (runs, host, flags) => runs.copy(`${host}/staging/api:1.4.2`, `${host}/prod/api:other`, flags),
  ],
]

describe('a gate of the destination', () => {
  it.each(ways)('lets an image pass that it accepts: %s', async (_, way) => {
    const { here, runs } = await runsIn(true)
    const end = await way(runs, here.staging.host)
    expect(end).toMatchObject({ exitCode: 0, images: [{ gates: [{ name: 'signed', result: 'pass' }] }] })
    expect(await tagsIn(here)).toHaveLength(1)
  })

  it.each(ways)('refuses an image that it does not accept, and nothing is written: %s', async (_, way) => {
    const { here, runs } = await runsIn(false)
    const end = await way(runs, here.staging.host)
    expect(end).toMatchObject({
      exitCode: 3,
      images: [{ status: 'refused', gates: [{ name: 'signed', result: 'fail', effect: 'refused' }] }],
    })
    expect(end.images[0]?.errors[0]).toMatchObject({
      code: 'refused',
      subject: here.content('api:1.4.2').root.digest,
    })
    expect(
      await here.staging.oracle.digest('prod/api', here.content('api:1.4.2').root.digest),
    ).toBeUndefined()
    expect(runs.records()).toMatchObject([{ phase: 'refused', gates: [{ name: 'signed', result: 'fail' }] }])
  })

  it.each([
    ['the environment', () => '@prod/api:1.4.2'],
    ['the full reference', (host: string) => `${host}/prod/api:1.4.2`],
  ])('applies to a tag that is written to %s', async (_, reference) => {
    const { here, runs } = await runsIn(false)
    const { host, oracle } = here.staging
    await oracle.push(here.content('api:1.4.2'), 'prod/api', '1.4.2')
    expect(await runs.tag(reference(host), ['stable'])).toMatchObject({ exitCode: 3 })
    expect(await tagsIn(here)).toEqual(['1.4.2'])
    await oracle.push(signature(here.content('api:1.4.2'), build), 'prod/api')
    expect(await runs.tag(reference(host), ['stable'])).toMatchObject({
      exitCode: 0,
      images: [{ gates: [{ result: 'pass' }] }],
    })
    expect(await tagsIn(here)).toEqual(['1.4.2', 'stable'])
  })

  it('is evaluated by a rollback only if its operations list it', async () => {
    const here = await world().image('api:1.4.2').image('api:1.5.0').start()
    for (const name of ['api:1.4.2', 'api:1.5.0'])
      await here.staging.oracle.push(here.content(name), 'prod/api', name.slice(4))
    await here.staging.oracle.push(here.content('api:1.5.0'), 'prod/api', 'latest')
    const prod = { tags: { semver: ['exact', 'latest'] } }
    const listed = { ...signed, operations: ['promote', 'rollback'] }
    const runs = await gatedRuns(here, { gates: [listed], signers, prod })
    expect(await runs.rollback('api', '1.4.2')).toMatchObject({ exitCode: 3 })
    await runs.configure({ gates: [signed], signers, prod })
    const end = await runs.rollback('api', '1.4.2')
    expect(end.exitCode).toBe(0)
    expect(end.images[0]).not.toHaveProperty('gates')
    expect(await here.staging.oracle.digest('prod/api', 'latest')).toBe(here.content('api:1.4.2').root.digest)
  })

  it('applies together with the gates of another environment with the same repository', async () => {
    const here = await gatedWorld(true)
    const { host } = here.staging
    const other = newSigner()
    const strict = {
      registry: host,
      path: 'prod/{image}',
      gates: [{ name: 'signed', signature: { signedBy: ['other'] } }],
    }
    const runs = await gatedRuns(here, {
      gates: [signed],
      signers: { build, other },
      environments: { strict },
    })
    const end = await runs.promote('api:1.4.2')
    expect(end.exitCode).toBe(3)
    expect(end.images[0]?.gates).toMatchObject([
      { environment: 'prod', result: 'pass' },
      { environment: 'strict', result: 'fail' },
    ])
  })

  it('reads nothing for an image that is up to date, and does not refuse it', async () => {
    const { here, runs } = await runsIn(false)
    await here.staging.oracle.push(here.content('api:1.4.2'), 'prod/api', '1.4.2')
    const gated = await here.during(() => runs.promote('api:1.4.2'))
    await runs.configure({ gates: [] })
    const ungated = await here.during(() => runs.promote('api:1.4.2'))
    expect(gated.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
      ungated.map(({ method, path }) => `${method} ${path}`).toSorted(),
    )
    expect(await runs.promote('api:1.4.2')).toMatchObject({ exitCode: 0 })
  })

  it('refuses one image of three, and with --partial only its target', async () => {
    const here = await world()
      .image('api:1.4.2')
      .evidence((api) => signature(api, build))
      .image('web:1')
      .image('job:2')
      .evidence((job) => signature(job, build))
      .start()
    const runs = await gatedRuns(here, { gates: [signed], signers })
    const images = ['api:1.4.2', 'web:1', 'job:2']
    const end = await runs.promote(images)
    expect(end.exitCode).toBe(4)
    expect(end.images.map(({ status }) => status)).toEqual(['promoted', 'refused', 'promoted'])
    expect(await runs.promote(images, { partial: true })).toMatchObject({ exitCode: 4 })
    expect(await tagsIn(here, 'prod/web')).toEqual([])
  })

  it('judges the image that the plan found, also if the tag of the source moves then', async () => {
    const { here, runs } = await runsIn(true)
    const execute = await runs.planned('api:1.4.2')
    await here.staging.oracle.push(image({ label: 'unsigned' }), 'staging/api', '1.4.2')
    expect(await execute()).toMatchObject({ exitCode: 0 })
    const { digest } = here.content('api:1.4.2').root
    expect(await here.staging.oracle.digest('prod/api', '1.4.2')).toBe(digest)
  })

  it('with mode: warn refuses nothing, and its result is on record', async () => {
    const { here, runs } = await runsIn(false, { mode: 'warn' })
    const end = await runs.promote('api:1.4.2')
    expect(end).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'fail', effect: 'warned' }] }] })
    expect(await tagsIn(here)).toEqual(['1.4.2'])
    const written = runs.records().filter(({ phase, step }) => phase === 'outcome' && step?.kind === 'tag')
    expect(written).toMatchObject([{ result: 'done', gates: [{ result: 'fail', effect: 'warned' }] }])
  })
})

describe('evidence that would not be at the destination', () => {
  it('fails the gate that passes by it: --no-evidence', async () => {
    const { here, runs } = await runsIn(true)
    const end = await runs.promote('api:1.4.2', { evidence: false })
    expect(end).toMatchObject({ exitCode: 3, images: [{ gates: [{ result: 'fail', effect: 'refused' }] }] })
    expect(end.images[0]?.errors[0]?.why).toContain('would not be at the destination')
    expect(await tagsIn(here)).toEqual([])
  })

  it('fails the gate that passes by it: --evidence-conflict keep', async () => {
    const here = await world()
      .image('api:1.4.2')
      .evidence((api) => signature(api, build, { as: 'old' }))
      .start()
    const theirs = signature(here.content('api:1.4.2'), newSigner(), { as: 'old' })
    await here.staging.oracle.push(theirs, 'prod/api')
    const runs = await gatedRuns(here, { gates: [signed], signers })
    expect(await runs.promote('api:1.4.2', { 'evidence-conflict': 'keep' })).toMatchObject({ exitCode: 3 })
    expect(await runs.promote('api:1.4.2', { 'evidence-conflict': 'replace' })).toMatchObject({ exitCode: 0 })
  })

  it('fails the gate if a listed artifact has no manifest, also with --allow-missing-evidence', async () => {
    const here = await world({ staging: 'docker-registry-2.8' })
      .image('api:1.4.2')
      .evidence((api) => signature(api, build))
      .evidence((api) => referrer(api, { payload: 'sbom' }))
      .start()
    const { oracle } = here.staging
    const sbom = referrer(here.content('api:1.4.2'), { payload: 'sbom' })
    await oracle.delete('staging/api', sbom.root.digest)
    const runs = await gatedRuns(here, { gates: [signed], signers })
    const end = await runs.promote('api:1.4.2', { 'allow-missing-evidence': true })
    expect(end).toMatchObject({ exitCode: 3, images: [{ gates: [{ result: 'fail', effect: 'refused' }] }] })
    expect(await tagsIn(here)).toEqual([])
  })

  it('does not matter if the destination is the source', async () => {
    const { here, runs } = await runsIn(true)
    const { host, oracle } = here.staging
    await oracle.push(here.content('api:1.4.2'), 'prod/api', '1.4.2')
    const end = await runs.copy(`${host}/prod/api:1.4.2`, `${host}/prod/api:stable`, { evidence: false })
    expect(end).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'pass' }] }] })
  })
})

describe('--override-gate', () => {
  const flags = { 'override-gate': ['signed'], reason: 'incident 7' }

  it('writes although the gate fails, and everything shows the true result', async () => {
    const { here, runs } = await runsIn(false)
    const overridden = { result: 'fail', effect: 'overridden', override: { reason: 'incident 7' } }
    expect(await runs.promote('api:1.4.2', flags)).toMatchObject({
      exitCode: 0,
      images: [{ status: 'promoted', gates: [overridden] }],
    })
    expect(await tagsIn(here)).toEqual(['1.4.2'])
    const written = runs.records().filter(({ phase, step }) => phase === 'outcome' && step?.kind === 'tag')
    expect(written).toMatchObject([{ reason: 'incident 7', gates: [overridden] }])
  })

  it('changes nothing if the gate passes', async () => {
    const { runs } = await runsIn(true)
    const end = await runs.promote('api:1.4.2', flags)
    expect(end).toMatchObject({ exitCode: 0, images: [{ gates: [{ result: 'pass', effect: 'none' }] }] })
    expect(end.images[0]?.gates?.[0]).not.toHaveProperty('override')
  })

  it.each([undefined, '', ' '])('requires a reason: %j', async (reason) => {
    const { runs } = await runsIn(false)
    expect(await runs.promote('api:1.4.2', { ...flags, reason })).toMatchObject({
      exitCode: 64,
      error: { message: '--override-gate requires a reason' },
    })
  })

  it('does not know other names, and suggests the nearest', async () => {
    const { runs } = await runsIn(false)
    const wrong = { ...flags, 'override-gate': ['sigend'] }
    expect(await runs.promote('api:1.4.2', wrong)).toMatchObject({
      exitCode: 64,
      error: { message: 'there is no gate "sigend"', hint: expect.stringContaining('"signed"') as string },
    })
    await runs.configure({ gates: [] })
    expect(await runs.tag('@prod/api:1.4.2', ['stable'], wrong)).toMatchObject({ exitCode: 64 })
  })

  it('is forbidden by override: never, also if the gate passes', async () => {
    const { here, runs } = await runsIn(true, { override: 'never' })
    const end = await runs.promote('api:1.4.2', flags)
    expect(end.exitCode).toBe(3)
    expect(end.images[0]?.errors[0]?.message).toBe('the gate signed of prod cannot be overridden')
    expect(await tagsIn(here)).toEqual([])
    expect(runs.records()).toMatchObject([{ phase: 'refused' }])
  })
})
