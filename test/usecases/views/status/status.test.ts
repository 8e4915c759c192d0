import { describe, expect, it } from 'vitest'
import type { CellFacts, PromotionPath } from '../../../../src/usecases/views/status/facts.ts'
import { buildStatus, type StatusView } from '../../../../src/usecases/views/status/status.ts'
import { digestOf } from '../../../../src/oci/digest.ts'
import { statusFacts } from '../../../support/status-facts.ts'

const names = ['dev', 'staging', 'prod']
const routes: readonly PromotionPath[] = [
  { from: 'dev', to: 'staging' },
  { from: 'staging', to: 'prod' },
]

/** Facts of a cell: `1.4.2` is a current image with this version; else as in `statusFacts`. */
function facts(environment: string, what: string, image = 'api', registry = 'r.test'): CellFacts {
  const has = /^\d[^=]*$/.test(what) ? `latest=${what} ${what}=${what}` : what
  return statusFacts({ environment, has, image, registry })
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

describe('an environment with several targets', () => {
  const prod = (...what: readonly string[]): string | undefined => {
    const targets = what.map((one, i) => facts('prod', one, 'api', `${i}.test`))
    return stepsOf(buildStatus(names, routes, [facts('staging', '1.4.2'), ...targets]))[1]
  }
  it.each([
    [['1.4.2', '1.4.2'], 'in-sync'],
    [['1.4.2', '1.4.1'], 'behind'],
    [['1.4.1', '1.5.0'], 'drifted'],
    [['1.4.2', '!'], 'unknown'],
    [['!', '1.4.1'], 'behind'],
  ])('with %j has the worst state of them: %s', (what, state) => {
    expect(prod(...what)).toBe(state)
  })

  it.each([
    [['-', '1.4.2'], 'in-sync'],
    [['1.4.2', '1.4.2'], 'in-sync'],
    [['1.5.0', '1.4.2'], 'behind'],
    [['1.4.2', '1.4.1'], 'drifted'],
    [['!', '1.4.2'], 'unknown'],
    [['!', '1.5.0'], 'behind'],
    [['-', '-'], 'drifted'],
  ])('%j is the source of 1.4.2, which is %s', (what, state) => {
    const from = what.map((one, i) => facts('staging', one, 'api', `${i}.test`))
    expect(stepsOf(buildStatus(names, routes, [...from, facts('prod', '1.4.2')]))[1]).toBe(state)
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
    { from: 'dev', state: 'behind', comparedBy: 'currentTag' },
    { from: 'staging', state: 'in-sync', comparedBy: 'currentTag' },
  ])
  expect(summary).toMatchObject({ behind: 1, inSync: 1 })
})

it('the summary counts steps, cells and targets', () => {
  const all = ['api', 'web'].flatMap((image) => [
    facts('dev', '1.4.2', image),
    facts('staging', image === 'api' ? '1.4.1' : '1.4.2', image),
    facts('prod', image === 'api' ? '!' : '1.4.2', image),
  ])
  expect(buildStatus(names, routes, all).summary).toEqual({
    inSync: 2,
    behind: 1,
    drifted: 0,
    unknown: 1,
    cells: 6,
    unreachableCells: 1,
    unreachableTargets: 1,
  })
})

it('an image that no environment has is unknown, not in sync', () => {
  const { images, summary } = view('-', '-', '-')
  expect(images[0]?.steps[0]).toEqual({
    from: 'dev',
    to: 'staging',
    state: 'unknown',
    comparedBy: null,
    why: 'notDeployed',
  })
  expect(summary).toMatchObject({ inSync: 0, unknown: 2 })
})

it('a cell has null for unknown fields', () => {
  const cells = view('1.4.2', '1.4.0=a 1.5.0=b', '!').images[0]?.cells
  expect(cells).toMatchObject([
    { state: 'present', currentTag: 'latest', digest: digestOf('1.4.2'), version: '1.4.2', highest: null },
    { state: 'no-current-tag', digest: digestOf('b'), version: null, highest: '1.5.0' },
    { state: 'unreachable', digest: null, version: null, error: { code: 'network' } },
  ])
})
