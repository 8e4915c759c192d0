import { describe, expect, it } from 'vitest'
import {
  badScanOf,
  fiveGates,
  fiveSigners,
  imageForFiveGates,
  platformAt,
  scanOf,
} from '../../support/gates/five-gates.ts'
import { type GatedEnd, type GatedRuns, gatedRuns } from '../../support/gates/gated-runs.ts'
import { decision } from '../../support/gates/attached-statements.ts'
import { newSigner } from '../../support/gates/test-signer.ts'
import { type Content, image, together } from '../../support/images.ts'
import { type World, world } from '../../support/world.ts'

const minute = 60_000
const platform = 'linux/amd64'
const scan = fiveGates[2] as { readonly scan: object }

/** Runs with the scan gate on an image that was scanned some time ago. */
async function scannedWorld(ageMs = minute): Promise<{ here: World; runs: GatedRuns; api: Content }> {
  const api = image({ label: 'api' })
  const report = scanOf(api.root.digest, platform, { ageMs })
  const here = await world().has('api:1.4.2', together(api, report)).start()
  return { here, api, runs: await gatedRuns(here, { gates: [scan], signers: fiveSigners }) }
}

const isPromoted = async ({ staging }: World): Promise<boolean> =>
  (await staging.oracle.digest('prod/api', '1.4.2')) !== undefined

function expectConflict(end: GatedEnd, reason: RegExp): void {
  expect(end).toMatchObject({ exitCode: 3, images: [{ status: 'conflict' }] })
  expect(end.images[0]?.errors[0]).toMatchObject({
    code: 'conflict',
    why: expect.stringMatching(reason) as string,
  })
}

describe('a new bad scan', () => {
  it('between plan and apply is a conflict', async () => {
    const { here, runs, api } = await scannedWorld()
    expect(await runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    await here.staging.oracle.push(badScanOf(api.root.digest, platform), 'staging/api')
    expectConflict(await runs.apply('plan.json'), /CVE-2026-9999/)
    expect(await isPromoted(here)).toBe(false)
  })

  it('between the plan and the tags of one run is a conflict, and the content stays untagged', async () => {
    const { here, runs, api } = await scannedWorld()
    const execute = await runs.planned('api:1.4.2', { tag: ['1.4.2', 'stable'] })
    await here.staging.oracle.push(badScanOf(api.root.digest, platform), 'staging/api')
    runs.ahead = 5_000
    expectConflict(await execute(), /CVE-2026-9999/)
    expect(await isPromoted(here)).toBe(false)
    expect(await here.staging.oracle.digest('prod/api', api.root.digest)).toBe(api.root.digest)
  })

  it('of one platform refuses the index', async () => {
    const api = imageForFiveGates([platform, 'linux/arm64'])
    const bad = badScanOf(platformAt(api, 1), 'linux/arm64')
    const here = await world().has('api:1.4.2', together(api, bad)).start()
    const runs = await gatedRuns(here, { gates: fiveGates, signers: fiveSigners })
    const end = await runs.promote('api:1.4.2')
    expect(end.exitCode).toBe(3)
    expect(end.images[0]?.gates?.map(({ name, result }) => [name, result])).toEqual([
      ['signed', 'pass'],
      ['provenance', 'pass'],
      ['scan', 'fail'],
      ['sbom', 'pass'],
      ['openssl', 'pass'],
    ])
    expect(end.images[0]?.errors[0]?.why).toMatch(/^scan: .*linux\/arm64.*CVE-2026-9999/)
  })
})

describe('evidence that is valid for a limited time', () => {
  it('is a conflict if a report becomes too old between plan and apply', async () => {
    const { here, runs } = await scannedWorld(23.75 * 60 * minute)
    expect(await runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    runs.ahead = 30 * minute
    expectConflict(await runs.apply('plan.json'), /^scan: /)
    expect(await isPromoted(here)).toBe(false)
  })

  it('is a conflict if an exception expires between plan and apply', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const api = image({ label: 'api' })
    const here = await world()
      .has('api:1.4.2', together(api, badScanOf(api.root.digest, platform)))
      .start()
    const exceptions = [{ id: 'CVE-2026-9999', expires: today, reason: 'not reachable' }]
    const excepted = { name: 'scan', scan: { ...scan.scan, maxAge: '7d', exceptions } }
    const runs = await gatedRuns(here, { gates: [excepted], signers: fiveSigners })
    const planned = await runs.promote('api:1.4.2', { out: 'plan.json' })
    expect(planned).toMatchObject({ exitCode: 0, plan: { placements: [{ gates: [{ result: 'pass' }] }] } })
    runs.ahead = 24 * 60 * minute
    expectConflict(await runs.apply('plan.json'), /^scan: .*CVE-2026-9999.*expired/)
    expect(await isPromoted(here)).toBe(false)
  })

  it('is a conflict if an approval expires between plan and apply, or before the tags move', async () => {
    const ada = newSigner()
    const api = image({ label: 'api' })
    const [given, expires] = [-minute, 10 * minute].map((ms) => new Date(Date.now() + ms).toISOString())
    const approval = decision(api, ada, 'approve', given ?? '', { expires: expires ?? '' })
    const here = await world().has('api:1.4.2', together(api, approval)).start()
    const runs = await gatedRuns(here, {
      gates: [{ name: 'approved', approvals: { approvers: ['leads'], count: 1 } }],
      signers: { ada },
      more: { approvers: { leads: { ada: { keys: ['ada.pub'], actors: ['github:ada'] } } } },
    })
    expect(await runs.promote('api:1.4.2', { out: 'plan.json' })).toMatchObject({ exitCode: 0 })
    const execute = await runs.planned('api:1.4.2')
    runs.ahead = 30 * minute
    expectConflict(await runs.apply('plan.json'), /^approved: /)
    expectConflict(await execute(), /^approved: /)
    expect(await isPromoted(here)).toBe(false)
  })
})
