import { describe, expect, it } from 'vitest'
import {
  type CellFacts,
  type PromotionPath,
  type StatusView,
  buildStatus,
} from '../../../../src/usecases/views/status/status.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { parseVersionTag, plainReading, type VersionTag } from '../../../../src/semver/version.ts'

const names = ['dev', 'staging', 'prod']
const routes: readonly PromotionPath[] = [
  { from: 'dev', to: 'staging' },
  { from: 'staging', to: 'prod' },
]

/**
 * Facts of a cell in a short form: `1.4.2` is an image with this version, `1.4.2/x` is another
 * image with the same version, `?/x` has no version, `-` is absent, `no` is without the
 * current-version tag, and `!` is unreachable.
 */
function facts(environment: string, what: string, image = 'api', registry = 'r.test'): CellFacts {
  const repository = { registry, path: `${environment}/${image}` }
  const target = { image, environment, repository, currentTag: 'latest', reading: plainReading }
  if (what === '-') return { target, state: 'absent' }
  if (what === 'no') return { target, state: 'unmarked', highest: versionTag('1.5.0') }
  if (what === '!')
    return { target, state: 'unreachable', error: { code: 'network', message: 'nobody there' } }
  const [version = '', other = ''] = what.split('/')
  const digest = digestOf(other === '' ? version : other)
  return { target, state: 'present', digest, version: versionTag(version), created: null }
}

function versionTag(tag: string): VersionTag | null {
  return parseVersionTag(tag, plainReading) ?? null
}

/** The view of dev, staging and prod, each in the short form of `facts`. */
function view(...what: readonly string[]): StatusView {
  return buildStatus(
    names,
    routes,
    what.map((one, i) => facts(names[i] ?? 'prod', one)),
  )
}

const stepsOf = ({ images }: StatusView): readonly string[] =>
  images.flatMap(({ steps }) => steps.map(({ state }) => state))

describe('an environment, compared with the one that it promotes from:', () => {
  it.each([
    ['the same digest', '1.4.2', '1.4.2', 'level'],
    ['the same digest under another version tag', '1.4.2/x', '1.4.1/x', 'level'],
    ['the same digest without a version', '?/x', '?/x', 'level'],
    ['a lower version', '1.4.2', '1.4.1', 'behind'],
    ['a pre-release of the same version', '1.4.2', '1.4.2-rc.1', 'behind'],
    ['1.9.0 against 1.10.0', '1.10.0', '1.9.0', 'behind'],
    ['no repository', '1.4.2', '-', 'behind'],
    ['no current-version tag', '1.4.2', 'no', 'behind'],
    ['a higher version', '1.4.1', '1.4.2', 'differs'],
    ['the same version with another digest', '1.4.2', '1.4.2/x', 'differs'],
    ['the same version in another spelling with another digest', 'v1.4.2', '1.4.2/x', 'differs'],
    ['no known version', '1.4.2', '?/x', 'differs'],
    ['a version, compared with none', '?/x', '1.4.2', 'differs'],
    ['an image that only it has', '-', '1.4.2', 'differs'],
    ['no image in either', '-', 'no', 'level'],
    ['unreachable', '1.4.2', '!', 'unknown'],
    ['compared with an unreachable one', '!', '1.4.2', 'unknown'],
  ])('%s', (_, dev, staging, state) => {
    expect(stepsOf(view(dev, staging))[0]).toBe(state)
  })
})

describe('an environment with several targets', () => {
  const prod = (...what: readonly string[]): string | undefined => {
    const targets = what.map((one, i) => facts('prod', one, 'api', `${i}.test`))
    return stepsOf(buildStatus(names, routes, [facts('staging', '1.4.2'), ...targets]))[1]
  }
  it.each([
    [['1.4.2', '1.4.2'], 'level'],
    [['1.4.2', '1.4.1'], 'behind'],
    [['1.4.1', '1.5.0'], 'differs'],
    [['1.4.2', '!'], 'unknown'],
    [['!', '1.4.1'], 'behind'],
  ])('with %j has the worst state of them: %s', (what, state) => {
    expect(prod(...what)).toBe(state)
  })

  it('counts by its first target that has the image', () => {
    const from = [facts('staging', '!'), facts('staging', '-'), facts('staging', '1.4.2')]
    expect(stepsOf(buildStatus(names, routes, [...from, facts('prod', '1.4.2')]))[1]).toBe('level')
  })
})

it('an environment that promotes from two others is compared with each', () => {
  const both = [
    { from: 'dev', to: 'prod' },
    { from: 'staging', to: 'prod' },
  ]
  const all = [facts('dev', '1.5.0'), facts('staging', '1.4.2'), facts('prod', '1.4.2')]
  const { images, summary } = buildStatus(names, both, all)
  expect(images[0]?.cells[2]?.against).toEqual([
    { from: 'dev', state: 'behind' },
    { from: 'staging', state: 'level' },
  ])
  expect(summary).toMatchObject({ behind: 1, level: 1 })
})

it('the summary counts steps, cells and targets', () => {
  const all = ['api', 'web'].flatMap((image) => [
    facts('dev', '1.4.2', image),
    facts('staging', image === 'api' ? '1.4.1' : '1.4.2', image),
    facts('prod', image === 'api' ? '!' : '1.4.2', image),
  ])
  expect(buildStatus(names, routes, all).summary).toEqual({
    level: 2,
    behind: 1,
    differs: 0,
    unknown: 1,
    cells: 6,
    unreachableCells: 1,
    unreachableTargets: 1,
  })
})

it('a cell has null for unknown fields', () => {
  const cells = view('1.4.2', 'no', '!').images[0]?.cells
  expect(cells).toMatchObject([
    { state: 'present', digest: digestOf('1.4.2'), version: '1.4.2', highest: null },
    { state: 'unmarked', digest: null, version: null, highest: '1.5.0' },
    { state: 'unreachable', digest: null, version: null, error: { code: 'network' } },
  ])
})
