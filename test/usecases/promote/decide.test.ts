import { describe, expect, it } from 'vitest'
import { DrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { decide, type PromotePolicy } from '../../../src/usecases/promote/decide.ts'
import type { GatheredPromotion } from '../../../src/usecases/promote/gather.ts'
import {
  api,
  cosignEntry,
  cosignOf,
  eu,
  graphOf,
  other,
  prod,
  referrerOf,
  snapshotOf,
  type SnapshotOptions,
  staging,
} from '../../support/promote-snapshot.ts'
import { plainReading } from '../../../src/semver/version.ts'

const now = new Date('2026-01-02T03:04:05.000Z')

function read(options?: SnapshotOptions): GatheredPromotion {
  return { kind: 'read', snapshot: snapshotOf(options) }
}

const policy: PromotePolicy = {
  operation: 'promote',
  moveTags: false,
  evidenceConflict: 'refuse',
  partial: false,
  hash: 'sha256:policy',
  tool: '0.0.0',
}

/** Decides, and checks that the plan is the same after it is saved and parsed. */
function plan(options: SnapshotOptions = {}, with_: Partial<PromotePolicy> = {}): Plan {
  const made = decide([read(options)], { ...policy, ...with_ }, now)
  expect(parsePlanFile(formatPlanFile(made), 'plan.json')).toEqual(made)
  return made
}
const kinds = (options: SnapshotOptions, with_: Partial<PromotePolicy> = {}): string[] =>
  plan(options, with_).steps.map((step) => step.kind)

describe('decide', () => {
  it('pushes an image with one tag and one target under its tag in one PUT', () => {
    const { steps, placements } = plan()
    expect(steps).toMatchObject([
      { kind: 'copy', rootBy: 'tag', from: staging, to: prod, after: [] },
      {
        kind: 'tag',
        tag: '1.4.2',
        target: { digest: api.root.digest },
        after: ['i1.t1.c'],
        expect: [{ digest: null }],
      },
    ])
    expect(placements).toMatchObject([{ tags: [{ tag: '1.4.2', before: null, change: 'create' }], size: 15 }])
  })

  it('plans no step if everything is up to date', () => {
    expect(kinds({ targets: [{ repository: prod, tags: new Map([['1.4.2', api.root.digest]]) }] })).toEqual(
      [],
    )
  })

  it('attaches missing artifacts to an image that the target has', () => {
    const tags = new Map([['1.4.2', api.root.digest]])
    const evidence = [referrerOf(api.root.digest)]
    expect(kinds({ evidence, targets: [{ repository: prod, tags }] })).toEqual(['attach'])
  })

  it('skips artifacts that are attached at the target', () => {
    const signature = referrerOf(api.root.digest)
    const there = {
      repository: prod,
      tags: new Map([['1.4.2', api.root.digest]]),
      referrers: new Map([[api.root.digest, new Set([signature.manifest.digest])]]),
    }
    expect(kinds({ evidence: [signature], targets: [there] })).toEqual([])
  })

  it('attaches artifacts after their subjects and before every tag', () => {
    const sbom = referrerOf(api.root.digest, 'sbom')
    const signed = referrerOf(sbom.manifest.digest, 'signature of the sbom')
    const { steps } = plan({ evidence: [sbom, signed] })
    expect(steps.map((step) => [step.kind, step.after])).toEqual([
      ['copy', []],
      ['attach', ['i1.t1.c']],
      ['attach', ['i1.t1.c', 'i1.t1.e1']],
      ['tag', ['i1.t1.c', 'i1.t1.e1', 'i1.t1.e2']],
    ])
    expect(steps[0]).toMatchObject({ rootBy: 'digest' })
  })

  it('copies a damaged image again although its tag is up to date', () => {
    const there = { tags: new Map([['1.4.2', api.root.digest]]), damaged: new Set([api.root.digest]) }
    expect(plan({ targets: [{ repository: prod, ...there }] }).steps).toMatchObject([
      { kind: 'copy', rootBy: 'digest', repair: true },
    ])
  })

  it('copies only content without a tag, and nothing if the target has the digest', () => {
    expect(kinds({ tags: [] })).toEqual(['copy'])
    const there = [{ repository: prod, rootByDigest: true }]
    expect(kinds({ tags: [], targets: there })).toEqual([])
    expect(kinds({ tags: [], targets: there, evidence: [referrerOf(api.root.digest)] })).toEqual(['attach'])
  })

  const inPlace = {
    from: { repository: prod, at: { tag: 'candidate' }, reading: plainReading },
    to: { targets: [prod], reading: plainReading },
  }

  it('repairs damaged artifacts in the repository of the source too', () => {
    const signature = referrerOf(api.root.digest)
    const request = inPlace
    const targets = [{ repository: prod, damaged: new Set([signature.manifest.digest]) }]
    expect(kinds({ request, evidence: [signature], targets })).toEqual(['attach', 'tag'])
  })

  it('copies nothing within one repository', () => {
    const request = inPlace
    expect(kinds({ request, tags: ['1.4.2'] })).toEqual(['tag'])
  })

  it('writes version tags first and latest last', () => {
    const { steps } = plan({ tags: ['latest', '1.4', '1.4.2', '1'] })
    expect(steps.flatMap((step) => (step.kind === 'tag' ? [step.tag] : []))).toEqual([
      '1.4.2',
      '1.4',
      '1',
      'latest',
    ])
  })
})

describe('several targets', () => {
  const targets = [{ repository: eu }, { repository: prod }]

  it('moves no tag before every target has all content', () => {
    const { steps } = plan({ targets })
    const content = steps.filter((step) => step.kind === 'copy').map((step) => step.id)
    const tags = steps.filter((step) => step.kind === 'tag')
    expect(content).toHaveLength(2)
    expect(tags).toHaveLength(2)
    for (const tag of tags) expect(tag.after).toEqual(content)
  })

  it('waits only for the content of its own target with partial', () => {
    const tags = plan({ targets }, { partial: true }).steps.filter((step) => step.kind === 'tag')
    expect(tags.map((step) => step.after)).toEqual([['i1.t1.c'], ['i1.t2.c']])
  })

  it('refuses the image for all targets if one refuses it, unless partial', () => {
    const refused = { repository: eu, tags: new Map([['1.4.2', other]]) }
    const what = { targets: [refused, { repository: prod }] }
    expect(kinds(what)).toEqual([])
    expect(plan(what, { partial: true }).steps.map((step) => step.placement)).toEqual(['i1.t2', 'i1.t2'])
  })
})

describe('a refusal', () => {
  const taken = [{ repository: prod, tags: new Map([['1.4.2', other]]) }]
  const refusals = (options: SnapshotOptions, with_: Partial<PromotePolicy> = {}) =>
    plan(options, with_).refusals.map((r) => r.error)

  it('keeps a version tag on another digest', () => {
    expect(refusals({ targets: taken })).toMatchObject([
      { code: 'refused', subject: 'r.example/prod/api:1.4.2' },
    ])
    expect(kinds({ targets: taken })).toEqual([])
  })

  it('is set aside by moveTags, and the plan expects the digest that was read', () => {
    const { steps, placements } = plan({ targets: taken }, { moveTags: true })
    expect(placements[0]?.tags).toEqual([
      { tag: '1.4.2', before: other, change: 'move', override: 'moveTag' },
    ])
    expect(steps.at(-1)?.expect).toMatchObject([{ digest: other }])
  })

  it.each(['v1.4.2', '1.4.2-rc.1'])('keeps %s, which is a version tag too', (tag) => {
    const targets = [{ repository: prod, tags: new Map([[tag, other]]) }]
    expect(refusals({ tags: [tag], targets })).toHaveLength(1)
  })

  it.each(['latest', '1.4', '1', 'stable', '20260101'])('does not apply to the plain tag %s', (tag) => {
    const targets = [{ repository: prod, tags: new Map([[tag, other]]) }]
    expect(refusals({ tags: [tag], targets })).toEqual([])
    expect(kinds({ tags: [tag], targets })).toEqual(['copy', 'tag'])
  })

  it('comes in the order of the checks: expected digest, promotion order, then the targets', () => {
    const from = { environment: 'dev', repository: staging, at: { tag: '1.4.2' }, reading: plainReading }
    expect(
      refusals({ targets: taken, request: { from, expect: other } }).map(({ message }) => message),
    ).toEqual([
      'api:1.4.2 does not have the expected digest',
      'prod does not accept images from dev',
      'cannot write the tag 1.4.2 of api: it points to another image',
    ])
  })

  it('refuses one tag for two images of a run, in either order', () => {
    const web = graphOf('web')
    const second = snapshotOf({ request: { image: 'web:1.4.2' } })
    const both: readonly GatheredPromotion[] = [
      read(),
      { kind: 'read', snapshot: { ...second, source: { root: web.root, graph: web, evidence: [] } } },
    ]
    for (const gathered of [both, both.toReversed()]) {
      const decided = decide(gathered, policy, now)
      expect(decided.steps).toEqual([])
      expect(decided.refusals.map(({ placement, error }) => [placement, error.code])).toEqual([
        ['i1.t1', 'refused'],
        ['i2.t1', 'refused'],
      ])
    }
  })

  it('allows one tag for two names of the same image', () => {
    const again = read({ request: { image: 'api:latest' } })
    expect(decide([read(), again], policy, now).refusals).toEqual([])
  })

  it('applies to all targets if one cannot be read, or to that one with partial', () => {
    const snapshot = snapshotOf({ targets: [{ repository: eu }, { repository: prod }] })
    const unread = {
      kind: 'unread',
      repository: eu,
      error: new DrayError('unavailable', 'it is down'),
    } as const
    const half: GatheredPromotion = {
      kind: 'read',
      snapshot: { ...snapshot, targets: [unread, ...snapshot.targets.slice(1)] },
    }
    expect(decide([half], policy, now).steps).toEqual([])
    const partial = decide([half], { ...policy, partial: true }, now)
    expect(partial.steps.map((step) => step.placement)).toEqual(['i1.t2', 'i1.t2'])
  })

  it('does not apply to the other images of a run if one cannot be read', () => {
    const unread: GatheredPromotion = {
      kind: 'unread',
      unread: {
        request: { ...snapshotOf().request, image: 'web:2' },
        error: new DrayError('not-found', 'web:2 is not there'),
      },
    }
    const both = decide([unread, read()], policy, now)
    expect(both.refusals).toMatchObject([{ image: 'web:2', error: { code: 'not-found' } }])
    expect(both.steps.map((step) => step.kind)).toEqual(['copy', 'tag'])
  })
})

describe('a cosign tag that differs at the target', () => {
  const subject = api.root.digest
  const at = (...signatures: string[]) => {
    const digest = digestOf(`there ${signatures.join()}`)
    const tag = subject.replace(':', '-').concat('.sig')
    return [
      { repository: prod, evidenceTags: new Map([[tag, { digest, entries: signatures.map(cosignEntry) }]]) },
    ]
  }

  it('moves if the source has all of its entries', () => {
    const { steps } = plan({ evidence: [cosignOf(subject, ['a', 'b'])], targets: at('a') })
    expect(steps.map((step) => step.kind)).toEqual(['copy', 'attach', 'tag'])
    expect(steps[1]?.expect).toMatchObject([{ digest: digestOf('there a') }])
  })

  it('is kept if it has all entries of the source', () => {
    expect(kinds({ evidence: [cosignOf(subject, ['a'])], targets: at('a', 'b') })).toEqual(['copy', 'tag'])
  })

  it('is a conflict if each side has entries of its own', () => {
    const what = { evidence: [cosignOf(subject, ['a', 'b'])], targets: at('b', 'c') }
    expect(plan(what).refusals).toMatchObject([{ error: { code: 'conflict' } }])
    expect(kinds(what)).toEqual([])
    expect(kinds(what, { evidenceConflict: 'keep' })).toEqual(['copy', 'tag'])
    expect(kinds(what, { evidenceConflict: 'replace' })).toEqual(['copy', 'attach', 'tag'])
  })
})
