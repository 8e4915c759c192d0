import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import type { Refusal } from '../../../src/plan/plan.ts'
import { defaultTagPolicy } from '../../../src/semver/tag-policy.ts'
import { type VersionTag, versionTagsIn } from '../../../src/semver/version.ts'
import {
  type CheckContext,
  type CheckedTarget,
  type DecidedTarget,
  type PromotionCheck,
  runChecks,
} from '../../../src/usecases/promote/checks/check.ts'
import { promotionChecks } from '../../../src/usecases/promote/checks/checks.ts'
import { checkEvidence } from '../../../src/usecases/promote/checks/evidence.ts'
import { checkExpectedDigest } from '../../../src/usecases/promote/checks/expected-digest.ts'
import { checkPromotionOrder } from '../../../src/usecases/promote/checks/promotion-order.ts'
import { checkTags } from '../../../src/usecases/promote/checks/tags.ts'
import { checkUnread } from '../../../src/usecases/promote/checks/unread.ts'
import { checkFloatingName, checkVersion } from '../../../src/usecases/promote/checks/version.ts'
import type { PromoteSnapshot } from '../../../src/usecases/promote/snapshot.ts'
import { requestedTags } from '../../../src/usecases/promote/source-version.ts'
import { api, cosignOf, other, prod, snapshotOf, staging } from '../../support/promote-snapshot.ts'
import { plainReading } from '../../../src/semver/version.ts'

const error = new DrayError('refused', 'no')
const tagMaintenance = { policy: defaultTagPolicy, mayDerive: true }
const noDecisions = { tags: { waves: [], keptTags: [], refusals: [] }, evidence: [] } as const

/** The context of a snapshot without decisions, except for the given fields. */
function contextOf(
  { request, source, targets }: PromoteSnapshot,
  decisions: Partial<Pick<DecidedTarget, 'tags' | 'evidence'>> = {},
): CheckContext {
  return {
    requested: requestedTags(request, source.versions),
    targets: targets.map((target, i): CheckedTarget => {
      const id = `i1.t${i + 1}`
      return target.kind === 'unread' ? { id, target } : { id, target, ...noDecisions, ...decisions }
    }),
  }
}

function run(
  check: PromotionCheck,
  snapshot: PromoteSnapshot,
  decisions: Parameters<typeof contextOf>[1] = {},
): readonly Refusal[] {
  return check(snapshot, contextOf(snapshot, decisions))
}

it('every check accepts an image without a reason to refuse', () => {
  for (const check of promotionChecks) expect(run(check, snapshotOf())).toEqual([])
})

describe('checkExpectedDigest', () => {
  it('accepts the expected digest and refuses any other', () => {
    expect(run(checkExpectedDigest, snapshotOf({ request: { expect: api.root.digest } }))).toEqual([])
    expect(run(checkExpectedDigest, snapshotOf({ request: { expect: other } }))).toMatchObject([
      { image: 'api:1.4.2', error: { code: 'refused', why: expect.stringContaining(other) } },
    ])
  })
})

describe('checkPromotionOrder', () => {
  const from = (environment?: string) =>
    snapshotOf({
      request: {
        from: {
          ...(environment !== undefined && { environment }),
          repository: staging,
          at: { tag: '1.4.2' },
          reading: plainReading,
        },
      },
    })

  it.each([['dev'], [undefined]])('refuses the source %s if promoteFrom does not list it', (environment) => {
    expect(run(checkPromotionOrder, from(environment))).toMatchObject([
      { error: { code: 'refused', why: 'promoteFrom of prod in dray.yaml is [staging]' } },
    ])
  })

  it('accepts any source if the destination has no promoteFrom', () => {
    const snapshot = snapshotOf({
      request: { ...from().request, to: { targets: [prod], reading: plainReading } },
    })
    expect(run(checkPromotionOrder, snapshot)).toEqual([])
  })
})

describe('checkVersion', () => {
  const derived = (...tags: readonly string[]): PromoteSnapshot => {
    const snapshot = snapshotOf({ tags: ['latest'], request: { tagMaintenance } })
    const versions: readonly VersionTag[] = versionTagsIn(tags, defaultTagPolicy)
    return { ...snapshot, source: { ...snapshot.source, versions } }
  }

  it.each([
    [[], 'it has no version tag'],
    [['1.4.2', '1.4.3'], 'it has several version tags: 1.4.2, 1.4.3'],
  ])('refuses a floating tag on an image with the version tags %j', (tags, why) => {
    expect(run(checkVersion, derived(...tags))).toMatchObject([{ error: { code: 'refused', why } }])
  })

  it('accepts the same version in two spellings', () => {
    expect(run(checkVersion, derived('1.4.2', 'v1.4.2'))).toEqual([])
  })
})

describe('checkFloatingName', () => {
  const target = (tag: string) =>
    snapshotOf({
      tags: [tag],
      request: { tagMaintenance },
      targets: [{ repository: prod, listed: ['1.4', '1.4.2'] }],
    })

  it('refuses a tag that is floating at the target and has no version at the source', () => {
    expect(run(checkFloatingName, target('1.4'))).toMatchObject([{ placement: 'i1.t1' }])
  })

  it('accepts a tag that is not floating there', () => {
    expect(run(checkFloatingName, target('stable'))).toEqual([])
  })

  it('accepts a floating tag that was named for the target', () => {
    const snapshot = target('1.4')
    const request = { ...snapshot.request, tagMaintenance: { ...tagMaintenance, mayDerive: false } }
    expect(run(checkFloatingName, { ...snapshot, request })).toEqual([])
  })
})

describe('checks of a target', () => {
  it('refuse a target that could not be read', () => {
    const snapshot = snapshotOf()
    const unread = { ...snapshot, targets: [{ kind: 'unread', repository: prod, error } as const] }
    expect(run(checkUnread, unread)).toMatchObject([{ placement: 'i1.t1', error: { message: 'no' } }])
  })

  it('refuse a tag that may not move', () => {
    const tags = { waves: [], keptTags: [], refusals: [error] }
    expect(run(checkTags, snapshotOf(), { tags })).toMatchObject([{ placement: 'i1.t1' }])
  })

  it('refuse a cosign tag in conflict, and accept one that moves', () => {
    const evidence = cosignOf(api.root.digest, ['a'])
    const conflict = { kind: 'conflict', evidence, error } as const
    const attach = { kind: 'attach', evidence, before: digestOf('before'), repair: false } as const
    expect(run(checkEvidence, snapshotOf(), { evidence: [conflict, attach] })).toMatchObject([
      { placement: 'i1.t1', error: { code: 'refused' } },
    ])
    expect(run(checkEvidence, snapshotOf(), { evidence: [attach] })).toEqual([])
  })
})

describe('runChecks', () => {
  it('returns the refusals of the image, then those of each target, in the order of the checks', () => {
    const snapshot = snapshotOf({ targets: [{ repository: prod }, { repository: staging }] })
    const refusingCheck =
      (name: string, ...placements: readonly (string | undefined)[]): PromotionCheck =>
      () =>
        placements.map((placement) => ({
          image: name,
          ...(placement !== undefined && { placement }),
          error: { code: 'refused', message: name },
        }))
    const checks = [refusingCheck('first', 'i1.t2', 'i1.t1'), refusingCheck('second', 'i1.t1', undefined)]
    const found = runChecks(checks, snapshot, contextOf(snapshot))
    expect(found.map(({ image, placement }) => [image, placement])).toEqual([
      ['second', undefined],
      ['first', 'i1.t1'],
      ['second', 'i1.t1'],
      ['first', 'i1.t2'],
    ])
  })
})
