import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyConfig } from '../../../src/config/config.ts'
import { compileResidency } from '../../../src/config/gates/compile-residency.ts'
import type { ResidencyRule } from '../../../src/config/gates/residency.ts'
import {
  checkResidency,
  type ResidencyPorts,
  residencyRefusals,
  findRefusal,
} from '../../../src/gates/residency/check-residency.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import type { Plan, Refusal } from '../../../src/plan/plan.ts'
import { faultyProxy } from '../../support/faulty-proxy.ts'
import {
  body,
  type Content,
  image,
  index,
  manifestOf,
  referrer,
  sha256,
  together,
  types,
} from '../../support/images.ts'
import { type Bench, bench, executePlan, planOf, repository } from '../../support/promotion.ts'
import { planTags } from '../../support/tagging.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

let run: Bench
let staging: WatchedRegistry
let us: WatchedRegistry
beforeEach(async () => {
  run = await bench()
  staging = await watchedRegistry()
  us = await watchedRegistry()
})
afterEach(async () => {
  for (const one of [run, staging, us]) await one[Symbol.asyncDispose]()
})

const ports = (rule: Omit<ResidencyRule, 'path'>): ResidencyPorts => ({
  residency: compileResidency(emptyConfig, {
    default: 'allow',
    rules: [{ ...rule, path: ['residency', 'rules', 0] }],
  }),
  stores: run.freshStores(),
})
const denyUs = (more: Omit<ResidencyRule, 'path'> = {}): ResidencyPorts =>
  ports({ ...more, deny: [`${us.host}/**`] })
const plain = image({ label: 'plain', layers: 1 })
const european = index([
  image({ platform: 'linux/amd64' }),
  image({ platform: 'linux/arm64', labels: { region: 'eu' } }),
])

async function pushed(content: Content): Promise<Plan> {
  await staging.oracle.push(content, 'staging/app', '1.4.2')
  return await planOf(run, {
    from: repository(staging, 'staging/app'),
    to: [repository(staging, 'prod/app'), repository(us, 'prod/app')],
  })
}

const byLabel = { labels: { region: 'eu' } }
const whereOf = (refusals: readonly Refusal[]) => refusals.map(({ placement }) => placement)
const refusalsOf = (plan: Plan, by: ResidencyPorts) => residencyRefusals(plan, by, run.call)

describe('a plan with two targets of which the second is forbidden', () => {
  it('is refused at the second, with the rule', async () => {
    const refusals = await refusalsOf(await pushed(plain), denyUs())
    expect(refusals).toMatchObject([
      {
        placement: 'i1.t2',
        error: {
          code: 'refused',
          message: `staging/app:1.4.2 may not be written to ${us.host}/prod/app`,
          why: `residency.rules[0] in dray.yaml denies ${us.host}/**`,
        },
      },
    ])
  })

  it('costs no request without a rule by labels', async () => {
    const plan = await pushed(plain)
    staging.forget()
    us.forget()
    await refusalsOf(plan, denyUs())
    expect([...staging.requests, ...us.requests]).toEqual([])
  })
})

describe('a rule by labels', () => {
  it('refuses an index if one of its platform images has them', async () => {
    expect(whereOf(await refusalsOf(await pushed(european), denyUs(byLabel)))).toEqual(['i1.t2'])
  })

  it('refuses nothing if no platform image has them', async () => {
    expect(await refusalsOf(await pushed(plain), denyUs(byLabel))).toEqual([])
  })

  it('refuses if a config is missing', async () => {
    const plan = await pushed(european)
    await staging.oracle.request('DELETE', `/v2/staging/app/blobs/${configOf(european)}`)
    expect(await refusalsOf(plan, denyUs(byLabel))).toMatchObject([
      {
        placement: 'i1.t2',
        error: {
          code: 'refused',
          why: expect.stringContaining(
            'residency.rules[0] in dray.yaml depends on the labels of the image, and dray cannot read them',
          ),
        },
      },
    ])
  })

  it.each(['not JSON', '{"config": {"Labels": "eu"}}'])('refuses if a config is %s', async (config) => {
    const bytes = Buffer.from(config)
    const described = { mediaType: types.config, digest: sha256(bytes), size: bytes.byteLength }
    const manifest = manifestOf(types.manifest, { config: described, layers: [] })
    const broken: Content = {
      root: manifest.descriptor,
      blobs: new Map([[described.digest, bytes]]),
      manifests: [manifest],
    }
    expect(whereOf(await refusalsOf(await pushed(broken), denyUs(byLabel)))).toEqual(['i1.t2'])
  })

  it('refuses with the error of the read if the registry does not answer', async () => {
    const plan = await pushed(european)
    const injury = { kind: 'answer', status: 403, body: {} } as const
    await using proxy = await faultyProxy(staging.host, { at: { path: /blobs/ }, times: Infinity, injury })
    const [placement] = plan.placements
    const from = { repository: repository(proxy, 'staging/app') }
    const through = { ...plan, placements: plan.placements.map((one) => ({ ...one, from })) }
    expect(placement).toBeDefined()
    expect(await refusalsOf(through, denyUs(byLabel))).toMatchObject([{ error: { code: 'forbidden' } }])
  })
})

describe('a change without image content', () => {
  it('is not refused if only tags move within a repository', async () => {
    await us.oracle.push(plain, 'prod/app', '1.4.2')
    const at = repository(us, 'prod/app')
    const plan = await planTags(run, {
      in: at,
      at: { tag: '1.4.2' },
      as: { kind: 'plain', tags: ['stable'] },
    })
    expect(plan.steps).not.toEqual([])
    expect(await refusalsOf(plan, denyUs())).toEqual([])
  })

  it('is not refused if the target is up to date, but if an attached artifact is missing there', async () => {
    await executePlan(run, await pushed(plain))
    expect(await refusalsOf(await pushed(plain), denyUs())).toEqual([])
    const plan = await pushed(together(plain, referrer(plain)))
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['attach', 'attach'])
    expect(whereOf(await refusalsOf(plan, denyUs()))).toEqual(['i1.t2'])
  })
})

describe('an image in a repository', () => {
  const root = { ...plain.root, digest: parseDigest(plain.root.digest) }
  const here = () => ({ image: 'app:1.4.2', root, to: repository(us, 'prod/app') })

  it('is a violation if no rule allows it there', async () => {
    const inPlace = { ...here(), from: undefined }
    expect(await findRefusal(inPlace, denyUs(), run.call)).toMatchObject({
      code: 'refused',
      why: expect.stringContaining('denies'),
    })
    expect(await findRefusal(inPlace, denyUs({ images: ['other'] }), run.call)).toBeUndefined()
  })

  it('gets no attached artifact there', async () => {
    const { to } = here()
    await expect(checkResidency({ ...here(), from: to }, denyUs(), run.call)).rejects.toMatchObject({
      code: 'refused',
    })
  })
})

function configOf(content: Content): string {
  const manifest = content.manifests.find(({ descriptor }) => descriptor.mediaType === types.manifest)
  return (body(content, manifest?.descriptor.digest) as { config: { digest: string } }).config.digest
}
