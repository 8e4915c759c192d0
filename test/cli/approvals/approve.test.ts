import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fixturePath, fixtureWith } from '../../support/gates/cosign-fixtures.ts'
import { gatedRuns, type GatedRuns } from '../../support/gates/gated-runs.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { image } from '../../support/images.ts'
import { type World, world } from '../../support/world.ts'

const people = { ada: newSigner(), bob: newSigner(), eve: newSigner() }
const minute = 60_000

/** eve is in no group. */
const approvers = {
  leads: {
    ada: { keys: ['ada.pub'], actors: ['github:ada'] },
    bob: { keys: ['bob.pub'], actors: ['github:bob'] },
  },
}
const approved = { name: 'approved', approvals: { count: 2, approvers: ['leads'] } }

interface Scene {
  readonly here: World
  readonly runs: GatedRuns
  readonly digest: string
  /** digests of what is attached in staging */
  readonly attached: () => Promise<readonly string[]>
}

/** `api:1.4.2` in staging, and prod with a gate that counts approvals. */
async function scene(more: object = {}, gates: readonly object[] = [approved]): Promise<Scene> {
  const here = await world().index('api:1.4.2', ['amd64', 'arm64']).start()
  const runs = await gatedRuns(here, { gates, more: { ...(gates.length > 0 && { approvers }), ...more } })
  for (const [name, signer] of Object.entries(people)) {
    await writeFile(join(runs.folder, `${name}.pem`), signer.privateKeyPem)
    await writeFile(join(runs.folder, `${name}.pub`), signer.publicKeyPem)
  }
  const { digest } = here.content('api:1.4.2').root
  return { here, runs, digest, attached: () => here.staging.oracle.referrers('staging/api', digest) }
}

const tagsAtProd = ({ here }: Scene): Promise<readonly string[]> => here.staging.oracle.tags('prod/api')

describe('approve', () => {
  it('attaches a decision to the image in its repository, until the gate has enough of them', async () => {
    const at = await scene()
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({ exitCode: 3 })
    const first = await at.runs.approve('api:1.4.2', 'ada', { flags: { reason: 'tested' } })
    expect(first).toMatchObject({
      exitCode: 0,
      warnings: [],
      images: [
        {
          digest: at.digest,
          result: 'done',
          gates: [{ name: 'approved', result: 'fail', reason: '1 of 2: ada' }],
        },
      ],
    })
    expect(await at.attached()).toHaveLength(1)
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({ exitCode: 3 })
    const second = await at.runs.approve('api:1.4.2', 'bob')
    expect(second.images[0]?.gates).toMatchObject([{ result: 'pass', reason: '2 of 2: ada, bob' }])
    expect(await tagsAtProd(at)).toEqual([])
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({ exitCode: 0 })
    expect(await tagsAtProd(at)).toEqual(['1.4.2'])
    expect(at.runs.records().filter(({ operation }) => operation === 'approve')).toMatchObject([
      { phase: 'intent', image: 'api:1.4.2', reason: 'tested', environment: { to: 'prod' } },
      { phase: 'outcome', result: 'done', step: { decision: 'approve', subject: { digest: at.digest } } },
      { phase: 'intent' },
      { phase: 'outcome', result: 'done' },
    ])
  })

  it('rejects an image until the same person approves it', async () => {
    const at = await scene({}, [{ name: 'approved', approvals: { count: 1, approvers: ['leads'] } }])
    await at.runs.approve('api:1.4.2', 'ada')
    at.runs.ahead = minute
    const rejected = await at.runs.approve('api:1.4.2', 'ada', {
      reject: true,
      flags: { reason: 'too slow' },
    })
    expect(rejected.text).toContain('rejected  api:1.4.2')
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({
      exitCode: 3,
      images: [{ gates: [{ reason: expect.stringMatching(/^ada rejected it on .* UTC: too slow$/) }] }],
    })
    at.runs.ahead = 2 * minute
    await at.runs.approve('api:1.4.2', 'ada')
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({ exitCode: 0 })
  })

  it('counts for the digest, and not for another image under its tag', async () => {
    const at = await scene()
    await at.runs.approve('api:1.4.2', 'ada')
    await at.runs.approve('api:1.4.2', 'bob')
    await at.here.staging.oracle.push(image({ label: 'other' }), 'staging/api', '1.4.2')
    expect(await at.runs.promote('api:1.4.2')).toMatchObject({
      exitCode: 3,
      images: [{ gates: [{ reason: '0 of 2' }] }],
    })
    expect(await tagsAtProd(at)).toEqual([])
  })

  it('ends between the plan and its execution: nothing is promoted', async () => {
    const at = await scene()
    await at.runs.approve('api:1.4.2', 'ada')
    await at.runs.approve('api:1.4.2', 'bob', { expires: '10m' })
    expect(await at.runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    at.runs.ahead = 11 * minute
    expect(await at.runs.apply('plan.json')).toMatchObject({ exitCode: 3 })
    expect(await tagsAtProd(at)).toEqual([])
  })

  it('takes a full reference, an environment, and two tags of one image once', async () => {
    const at = await scene()
    const { host } = at.here.staging
    expect(await at.runs.approve(`${host}/staging/api@${at.digest}`, 'ada')).toMatchObject({ exitCode: 0 })
    expect((await at.runs.approve('@staging/api:1.4.2', 'bob')).images[0]?.gates).toMatchObject([
      { result: 'pass' },
    ])
  })

  it.each([
    ['--dry-run', 'api:1.4.2', 'ada', { flags: { 'dry-run': true } }, 0],
    ['an image that does not exist', 'api:9', 'ada', {}, 1],
    ['an environment that does not exist', 'api:1.4.2', 'ada', { to: 'qa' }, 64],
    ['a key that does not exist', 'api:1.4.2', 'carol', {}, 1],
    ['an expiry in the past', 'api:1.4.2', 'ada', { expires: '2020-01-01' }, 64],
  ] as const)('attaches nothing with %s', async (_, reference, person, options, exitCode) => {
    const at = await scene()
    expect(await at.runs.approve(reference, person, options)).toMatchObject({ exitCode })
    expect(await at.attached()).toEqual([])
  })

  it('warns if no gate counts the decision', async () => {
    const at = await scene()
    const { warnings, images } = await at.runs.approve('api:1.4.2', 'eve')
    expect(warnings).toEqual([expect.stringContaining('eve.pem is not that of a person in leads')])
    expect(images[0]?.gates).toMatchObject([{ reason: '0 of 2' }])
    const without = await scene({}, [])
    expect(await without.runs.approve('api:1.4.2', 'ada')).toMatchObject({
      exitCode: 0,
      warnings: [expect.stringContaining('no gate of prod counts approvals')],
    })
  })

  it('is refused, and recorded, if residency does not allow a write to the repository', async () => {
    const at = await scene()
    const deny = [`${at.here.staging.host}/staging/**`]
    const residency = { default: 'allow', rules: [{ images: ['*'], deny }] }
    await at.runs.configure({ gates: [approved], more: { approvers, residency } })
    expect(await at.runs.approve('api:1.4.2', 'ada')).toMatchObject({
      exitCode: 3,
      error: { code: 'refused' },
    })
    expect(await at.attached()).toEqual([])
    expect(at.runs.records()).toMatchObject([{ operation: 'approve', phase: 'refused', image: 'api:1.4.2' }])
  })

  it('needs the justification that the repository of the image requires', async () => {
    const at = await scene({ audit: { require: ['ticket'] } })
    expect(await at.runs.approve('api:1.4.2', 'ada')).toMatchObject({ exitCode: 3 })
    expect(await at.attached()).toEqual([])
    expect(await at.runs.approve('api:1.4.2', 'ada', { flags: { ticket: 'OPS-1' } })).toMatchObject({
      exitCode: 0,
    })
  })
})

describe('an approval by cosign attest', () => {
  it.each(['key-new-approval', 'key-old-approval'])('counts like one of dray: %s', async (name) => {
    const here = await world().has('api:1.4.2', fixtureWith(name)).start()
    const gate = { name: 'approved', approvals: { count: 1, approvers: ['leads'] } }
    const leads = { carol: { keys: ['carol.pub'], actors: ['github:carol'] } }
    const runs = await gatedRuns(here, { gates: [gate], more: { approvers: { leads } } })
    await copyFile(fixturePath('build.pub'), join(runs.folder, 'carol.pub'))
    expect(await runs.promote('api:1.4.2')).toMatchObject({
      exitCode: 0,
      images: [{ gates: [{ result: 'pass', reason: '1 of 1: carol' }] }],
    })
  })
})
