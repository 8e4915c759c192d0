import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { parseVersion } from '../../../src/semver/version.ts'
import { decide } from '../../../src/usecases/rollback/decide.ts'
import { gather } from '../../../src/usecases/rollback/gather.ts'
import type { RollbackRequest } from '../../../src/usecases/rollback/request.ts'
import { image } from '../../support/images.ts'
import { executePlan } from '../../support/promotion.ts'
import { stagingAndProd } from '../../support/staging-and-prod.ts'

const world = stagingAndProd()
const path = 'prod/api'
const policy = { ...defaultTagPolicy, variants: ['alpine', 'slim'] }

/** Rolls back like `dray rollback --yes`, and returns the tags with the names of their images. */
async function rollBack(existing: string, request: Partial<RollbackRequest>): Promise<string> {
  const { prod, run, to } = world
  const names = new Map<string, string>()
  for (const entry of existing.split(' ')) {
    const [name = '', label = name] = entry.split('=')
    const content = image({ label })
    names.set(content.root.digest, label)
    await prod.oracle.push(content, path, name)
  }
  const all = { image: 'api', targets: [to()], to: undefined, policy, immutable: [], partial: false } as const
  const asked = { ...all, currentTag: 'latest', ...request }
  const snapshot = await gather(asked, run.stores, { clock: systemClock }, run.call)
  const plan = decide(snapshot, { moveTags: false, partial: false, hash: '', tool: '0' }, new Date())
  await executePlan(run, plan)
  const now = await Promise.all(
    (await prod.oracle.tags(path)).map(
      async (tag) => [tag, names.get((await prod.oracle.digest(path, tag)) ?? '')] as const,
    ),
  )
  return now
    .filter(([tag, name]) => tag !== name)
    .map(([tag, name]) => `${tag}=${name}`)
    .sort()
    .join(' ')
}

const released =
  '1.4.1 1.4.2 1.4.1-alpine 1.4.2-alpine 1.4=1.4.2 1=1.4.2 latest=1.4.2 1.4-alpine=1.4.2-alpine 1-alpine=1.4.2-alpine alpine=1.4.2-alpine'

describe('a rollback', () => {
  it('moves the floating tags of versions without a variant by default', async () => {
    expect(await rollBack(released, {})).toBe(
      '1-alpine=1.4.2-alpine 1.4-alpine=1.4.2-alpine 1.4=1.4.1 1=1.4.1 alpine=1.4.2-alpine latest=1.4.1',
    )
  })

  it.each<[string, Partial<RollbackRequest>]>([
    ['to its version', { to: parseVersion('1.4.1-alpine', policy) }],
    ['of the variant', { variant: 'alpine', currentTag: 'alpine' }],
    ['to its digest', { variant: 'alpine', to: image({ label: '1.4.1-alpine' }).root.digest as never }],
  ])('%s moves the floating tags of a variant and no others', async (_, request) => {
    expect(await rollBack(released, request)).toBe(
      '1-alpine=1.4.1-alpine 1.4-alpine=1.4.1-alpine 1.4=1.4.2 1=1.4.2 alpine=1.4.1-alpine latest=1.4.2',
    )
  })

  it('of a variant leaves a current-version tag such as live', async () => {
    const to = parseVersion('1.4.1-alpine', policy)
    const tags = await rollBack(`${released} live=1.4.2`, { to, currentTag: 'live' })
    expect(tags).toContain('live=1.4.2')
    expect(tags).toContain('alpine=1.4.1-alpine')
  })

  it('finds the calendar version before the current one, in the spelling of the tags', async () => {
    const existing = '2024.9.3 2024.10.1 2024.9=2024.9.3 2024.10=2024.10.1 2024=2024.10.1 latest=2024.10.1'
    const calver = { ...defaultTagPolicy, scheme: 'calver' } as const
    expect(await rollBack(existing, { policy: calver })).toBe(
      '2024.10=2024.10.1 2024.9=2024.9.3 2024=2024.9.3 latest=2024.9.3',
    )
  })
})
