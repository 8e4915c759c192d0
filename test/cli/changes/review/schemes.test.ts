import { describe, expect, it } from 'vitest'
import {
  checkSchemes,
  imagesIn,
  type PlannedImage,
} from '../../../../src/cli/changes/review/planned-image.ts'
import {
  promoteRequest,
  rollbackRequest,
  strayFloatingTag,
  tagRequests,
} from '../../../../src/cli/changes/review/review-requests.ts'
import type { ReviewFlags } from '../../../../src/cli/changes/review/review-flags.ts'
import { parseConfig } from '../../../../src/config/parse.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { mediaTypes } from '../../../../src/oci/media-types.ts'
import { expectHighest, type Placement, type Plan, type Step } from '../../../../src/plan/plan.ts'
import {
  parseVersion,
  parseVersionTag,
  plainReading,
  type VersionReading,
} from '../../../../src/semver/version.ts'

const root = { mediaType: mediaTypes.manifest, digest: digestOf('api'), size: 1 }
const from = { registry: 'r.example', path: 'staging/api' }
const flags: ReviewFlags = {
  'move-tag': false,
  'allow-backward': false,
  'allow-copy': false,
  partial: false,
  evidence: true,
  'allow-missing-evidence': false,
  'evidence-conflict': 'refuse',
  attest: undefined,
}

const configWith = (tags: string) =>
  parseConfig(
    {
      file: '/p/dray.yaml',
      content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}", tags: ${tags} }
images:
  api: {}
  bird: { tags: { scheme: loose } }
`,
    },
    'dray.yaml',
  ).config

/** The image of a saved plan that puts these tags into a repository. */
function planned(
  tags: readonly string[],
  {
    reading,
    path = 'prod/api',
    source = tags[0] ?? '',
  }: {
    readonly reading?: Partial<VersionReading>
    readonly path?: string
    readonly source?: string
  },
  rules: string,
): PlannedImage {
  const repository = { registry: 'r.example', path }
  const environment = path.startsWith('prod/') ? { environment: 'prod' } : {}
  const placement: Placement = {
    id: 'i1.t1',
    image: 'api',
    from: { environment: 'staging', repository: from, tag: source },
    to: { ...environment, repository },
    root,
    tags: tags.map((tag) => ({ tag, before: null, change: 'create' })),
    evidence: { found: 0, missing: 0 },
  }
  const full = { ...plainReading, ...reading }
  const version = parseVersion(tags[0] ?? '', full)
  const highest = reading && version ? [expectHighest({ repository, line: {} }, version, full)] : []
  const steps = tags.map((tag): Step => ({
    id: tag,
    placement: placement.id,
    after: [],
    expect: highest,
    kind: 'tag',
    repository,
    tag,
    target: root,
    from,
  }))
  const plan: Plan = {
    schema: 'dray.plan/1',
    operation: 'tag',
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: 'sha256:0',
    placements: [placement],
    steps,
    refusals: [],
  }
  const [image] = imagesIn(plan, configWith(rules))
  if (image === undefined) throw new Error('the plan has no image')
  return image
}

const levels = 'semver: [exact, minor, major, latest]'
const dates = ['2024.04.1', '2024.04', '2024', 'latest']

describe('a saved plan', () => {
  it('is refused if its environment has another scheme now', () => {
    const reading = { scheme: 'calver' } as const
    expect(() => checkSchemes([planned(dates, { reading }, `{ ${levels} }`)])).toThrow(
      expect.objectContaining({
        code: 'refused',
        message: 'the plan reads the tags of api by the scheme calver, and prod has the scheme semver',
        hint: 'Make a new plan. If the scheme of the plan is right, first set "scheme: calver" in dray.yaml.',
      }),
    )
    expect(() => checkSchemes([planned(dates, { reading: {} }, `{ ${levels} }`)])).not.toThrow()
    expect(() => checkSchemes([planned(dates, { reading }, `{ ${levels}, scheme: calver }`)])).not.toThrow()
    const bird = planned(dates, { reading, path: 'prod/bird' }, `{ ${levels}, scheme: calver }`)
    expect(() => checkSchemes([bird])).toThrow('prod has the scheme loose')
  })

  it('is decided again by the scheme and the variants of dray.yaml', () => {
    const rules = `{ ${levels}, scheme: calver, variants: [alpine] }`
    const tags = ['2024.04.1-alpine', '2024.04-alpine', '2024-alpine', 'alpine', 'stable']
    const image = planned(tags, { reading: { scheme: 'calver' } }, rules)
    const [version, plain] = tagRequests(image, flags)
    expect(version?.choice).toMatchObject({ given: { version: { variant: 'alpine', scheme: 'calver' } } })
    expect(plain?.choice).toEqual({ kind: 'plain', tags: ['stable'] })
    const request = promoteRequest(image, false, flags, () => plainReading)
    expect(request).toMatchObject({
      from: { reading: plainReading },
      to: { reading: { scheme: 'calver', variants: ['alpine'] } },
      tags: ['2024.04.1-alpine', 'stable'],
    })
  })

  it('may write no floating tag of another variant', () => {
    const rules = `{ ${levels}, variants: [alpine] }`
    const image = planned(['1.4.2', 'alpine'], { reading: {} }, rules)
    const version = parseVersionTag('1.4.2', image.policy)
    const listed = ['1.4.1-alpine', 'alpine', '1.4.1']
    expect(strayFloatingTag(image, version ? [version] : [], listed, flags)).toMatchObject({
      message: 'the plan writes the tag alpine of api against the tag policy',
    })
    const own = parseVersionTag('1.4.2-alpine', image.policy)
    expect(strayFloatingTag(image, own ? [own] : [], listed, flags)).toBeUndefined()
  })

  it('outside of environments is read by its own scheme and variants, which flags declared', () => {
    const reading = { scheme: 'calver', variants: ['slim'] } as const
    const image = planned(['2024.04.1-slim', '2024-slim'], { reading, path: 'x/api' }, '{}')
    expect(() => checkSchemes([image])).not.toThrow()
    expect(tagRequests(image, flags)).toMatchObject([
      { choice: { kind: 'version' }, policy: { scheme: 'calver', variants: ['slim'] } },
    ])
    const rollback = planned(['1.4-slim', 'slim'], { path: 'x/api', source: '1.4.1-slim' }, '{}')
    expect(rollbackRequest(rollback, flags)).toMatchObject({
      to: { variant: 'slim' },
      variant: 'slim',
      currentTag: 'slim',
    })
  })

  it('rolls back a variant only if the environment declares it', () => {
    const source = '1.4.1-alpine'
    const tags = ['1.4-alpine', 'alpine']
    const declared = planned(tags, { source }, '{ variants: [alpine] }')
    expect(rollbackRequest(declared, flags)).toMatchObject({ variant: 'alpine', currentTag: 'alpine' })
    const undeclared = planned(tags, { source }, '{}')
    expect(rollbackRequest(undeclared, flags)).toMatchObject({ variant: '', currentTag: 'latest' })
  })
})
