import { describe, expect, it } from 'vitest'
import type { CellFacts } from '../../../src/usecases/views/status/facts.ts'
import { type StatusView, buildStatus } from '../../../src/usecases/views/status/status.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { renderStatus, renderStatusLines, renderStatusSummary } from '../../../src/render/views/status.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { renderUnreachable } from '../../../src/render/views/unreachable.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import { statusFacts } from '../../support/status-facts.ts'

const now = new Date('2026-06-13T00:00:00Z')
const created = '2026-06-01T00:00:00.000Z'
const routes = [
  { from: 'dev', to: 'staging' },
  { from: 'staging', to: 'prod' },
]
const hex = (version: string): string => digestOf(version).slice(7, 19)

/** Facts of a cell: `1.4.2` is a current image with this version; else as in `statusFacts`. */
function facts(image: string, environment: string, what: string, registry = 'r.test'): CellFacts {
  const has = /^\d[^=]*$/.test(what) ? `latest=${what} ${what}=${what}` : what
  return statusFacts({ environment, has, image, registry, created })
}

/** A status of images in dev, staging and prod. */
function view(images: Readonly<Record<string, readonly [string, string, string]>>): StatusView {
  const all = Object.entries(images).flatMap(([image, [dev, staging, prod]]) => [
    facts(image, 'dev', dev),
    facts(image, 'staging', staging),
    facts(image, 'prod', prod),
  ])
  return buildStatus(['dev', 'staging', 'prod'], routes, all)
}

const at = (width: number | undefined, style = plainStyle) => ({ style, width })
const few = view({
  api: ['1.5.0', '1.5.0', '1.4.2'],
  web: ['latest=x', 'main=y 1.4.2=b', '-'],
})
/** The lines of a text as columns. */
const columnsOf = (text: string): readonly (readonly string[])[] =>
  text.split('\n').map((line) => line.trim().split(/ {2,}/))

describe('a status', () => {
  it('is a matrix of images and environments on a wide terminal', () => {
    const text = renderStatus(few, now, at(200))
    const [api, b] = [hex('1.5.0'), hex('b')]
    expect(columnsOf(text)).toEqual([
      ['IMAGE', 'dev', 'staging', 'prod'],
      ['api', '1.5.0', api, '12d', '1.5.0', api, '12d', 'in sync', '1.4.2', hex('1.4.2'), '12d', 'behind'],
      ['web', 'unknown', hex('x'), '12d', '1.4.2 (no latest)', b, 'unknown', 'not deployed', 'behind'],
      ['Compared by: latest'],
      [
        '1 unknown: The environments have no current-version tag, version or tag in common. Set "currentTag" in dray.yaml.',
      ],
    ])
    // Each environment begins in one column.
    const [heading = '', first = ''] = text.split('\n')
    expect(first.indexOf('1.5.0', 20)).toBe(heading.indexOf('staging'))
    expect(first.indexOf('1.4.2')).toBe(heading.indexOf('prod'))
  })

  it('has the basis of each comparison in a matrix if they differ', () => {
    const mixed = view({ api: ['1.5.0', '1.5.0', '1.4.2=1.4.2'], web: ['main=x', 'main=x', 'main=y'] })
    const [, api, web] = columnsOf(renderStatus(mixed, now, at(200)))
    expect(api?.slice(4)).toEqual([
      '1.5.0',
      hex('1.5.0'),
      '12d',
      'in sync',
      'latest',
      '1.4.2 (no latest)',
      hex('1.4.2'),
      'behind',
      'highest version',
    ])
    expect(web?.slice(2)).toEqual([
      'unknown (no latest)',
      'in sync',
      'common tags',
      'unknown (no latest)',
      'drifted',
      'common tags',
    ])
  })

  it('has a line for each image and environment on a narrow terminal, with each image name once', () => {
    expect(columnsOf(renderStatus(few, now, at(80))).slice(0, 8)).toEqual([
      ['IMAGE', 'ENVIRONMENT', 'VERSION', 'DIGEST', 'AGE', 'STATE'],
      ['api', 'dev', '1.5.0', hex('1.5.0'), '12d', '-'],
      ['staging', '1.5.0', hex('1.5.0'), '12d', 'in sync'],
      ['prod', '1.4.2', hex('1.4.2'), '12d', 'behind'],
      ['web', 'dev', 'unknown', hex('x'), '12d', '-'],
      ['staging', '1.4.2 (no latest)', hex('b'), '-', 'unknown'],
      ['prod', 'not deployed', '-', '-', 'behind'],
      ['Compared by: latest'],
    ])
  })

  it('has no column of ages on a terminal if no image has one', () => {
    const undated = view({ api: ['main=x', 'main=x', 'main=x'] })
    expect(columnsOf(renderStatus(undated, now, at(80)))[0]).not.toContain('AGE')
    expect(columnsOf(renderStatus(undated, now, at(undefined)))[0]).toContain('AGE')
  })

  it('has name, state and complete digest in each line in a pipe', () => {
    const lines = columnsOf(renderStatus(few, now, at(undefined)))
    expect(lines[2]).toEqual(['api', 'staging', '1.5.0', digestOf('1.5.0'), '12d', 'in sync', 'latest'])
    const [heading, first] = columnsOf(renderStatusLines(few, now, at(undefined), { time: '2026-06-13' }))
    expect([heading?.[0], first?.[0], first?.[1]]).toEqual(['TIME (UTC)', '2026-06-13', 'api'])
  })

  it.each([60, 80, 200])(
    'fits %i columns with names of any script and length, and cuts names last',
    (width) => {
      const long = `1.4.2-${'x'.repeat(90)}`
      const names = [
        '日本語のとても長い名前のイメージ',
        'n'.repeat(200),
        'क्षेत्र',
        '\u202e\u001b[2J\n::error::',
        '👍'.repeat(40),
      ]
      const hostile = view(Object.fromEntries(names.map((name) => [name, [long, '1.4.2', '-'] as const])))
      const text = renderStatus(hostile, now, at(width))
      const lines = text.split('\n')
      expect(lines.pop()).toBe('Compared by: latest')
      expect(lines).toHaveLength(1 + names.length * 3)
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
      expect(text).not.toContain('\u001b')
      expect(text).not.toContain('\u202e')
      expect(text).not.toMatch(/^\s*::/m)
      expect(text).toContain('日本語の')
    },
  )

  it('cuts a long version before it cuts a name', () => {
    const name = 'a-name-of-thirty-two-characters-'
    const text = renderStatus(view({ [name]: [`1.4.2-${'x'.repeat(90)}`, '-', '-'] }), now, at(80))
    expect(text).toContain(name)
    expect(text).toMatch(/1\.4\.2-x+…/)
  })

  it('is a matrix if only a name is long, which is cut at its beginning', () => {
    const [api, ...rest] = few.images
    if (api === undefined) throw new Error('one at least')
    const long = { ...few, images: [{ ...api, image: `${'team/'.repeat(20)}api` }, ...rest] }
    const [, line = ''] = renderStatus(long, now, at(150)).split('\n')
    expect(line).toMatch(/^…(?:team\/|eam\/)[a-z/]*\/api {3}/)
    expect(displayWidth(line)).toBeLessThanOrEqual(150)
    expect(line).toContain(hex('1.5.0'))
  })

  it('shows states by colour and text', () => {
    const style = { ...plainStyle, yellow: (text: string) => `<${text}>`, red: (text: string) => `[${text}]` }
    const seen = renderStatus(
      view({ api: ['1.5.0', '1.4.2', '1.5.0'], web: ['1.0.0', '!', '-'] }),
      now,
      at(200, style),
    )
    expect(seen).toContain('<behind')
    expect(seen).toContain('[drifted]')
    expect(seen).toContain('[unreachable')
  })

  it('has a column for each target of an environment', () => {
    const targets = ['eu.test', 'us.test'].map((registry) => facts('api', 'prod', '1.5.0', registry))
    const several = buildStatus(['staging', 'prod'], routes, [facts('api', 'staging', '1.5.0'), ...targets])
    expect(renderStatus(several, now, at(200))).toMatch(/^IMAGE +staging +prod \(eu\) +prod \(us\)$/m)
    const same = ['eu', 'us'].map(() => facts('api', 'prod', '1.5.0'))
    expect(renderStatus(buildStatus(['prod'], [], same), now, at(200))).toMatch(/prod \(1\) +prod \(2\)/)
  })

  it('names the environment that differs if an environment has two sources', () => {
    const both = [
      { from: 'dev', to: 'prod' },
      { from: 'staging', to: 'prod' },
    ]
    const all = [facts('api', 'dev', '1.5.0'), facts('api', 'staging', '1.4.2')]
    const shown = (prod: CellFacts): string =>
      renderStatus(buildStatus(['dev', 'staging', 'prod'], both, [...all, prod]), now, at(200))
    expect(shown(facts('api', 'prod', '1.4.2'))).toMatch(/behind \(dev\)$/m)
    expect(shown(facts('api', 'prod', '1.4.1'))).toMatch(/ behind \(dev, staging\)$/m)
    expect(shown(facts('api', 'prod', '!'))).toMatch(/unreachable +unknown$/m)
  })
})

describe('the summary of a status', () => {
  it.each([
    [
      { api: ['1.5.0', '1.5.0', '1.4.2'], web: ['1.0.0', '1.0.0', '1.0.0'] },
      '2 images, 3 environments: 3 in sync, 1 behind',
    ],
    [{ api: ['1.5.0', '1.6.0', '!'] }, '1 image, 3 environments: 1 drifted, 1 unknown, 1 target unreachable'],
    [{ api: ['1.5.0', '1.5.0', '1.5.0'] }, '1 image, 3 environments: 2 in sync'],
    [
      { api: ['1.5.0', '1.5.0', '!'], web: ['1.0.0', '1.0.0', '1.0.0'] },
      '2 images, 3 environments: 3 in sync, 1 unknown, 1 target unreachable for 1 image',
    ],
    [
      { api: ['1.5.0', '!', '!'], web: ['1.0.0', '1.0.0', '!'] },
      '2 images, 3 environments: 1 in sync, 3 unknown, 2 targets unreachable for 2 images',
    ],
    [{ api: ['-', '-', '-'] }, '1 image, 3 environments: 2 unknown, 1 not deployed'],
  ] as const)('of %j', (images, summary) => {
    expect(renderStatusSummary(view(images), plainStyle)).toBe(summary)
  })

  it('reports that nothing was compared, and the environments that were not', () => {
    const alone = buildStatus(['prod'], [], [facts('api', 'prod', '1.5.0')])
    expect(renderStatusSummary(alone, plainStyle)).toBe('1 image, 1 environment: nothing compared')
    const all = ['dev', 'staging', 'qa'].map((name) => facts('api', name, '1.5.0'))
    const some = routes.slice(0, 1)
    expect(renderStatusSummary(buildStatus(['dev', 'staging', 'qa'], some, all), plainStyle)).toBe(
      '1 image, 3 environments: 1 in sync, qa not compared',
    )
  })
})

it('unreachable targets are listed once for each reason, with a hint', () => {
  const error = { code: 'network', message: 'nobody\u001b', why: 'refused', hint: 'Check it.' } as const
  const all = [
    { repository: { registry: 'r.test', path: 'api' }, error },
    { repository: { registry: 'r.test', path: 'web' }, error: { ...error, subject: 'another' } },
    { repository: { registry: 'r.test', path: 'web' }, error },
  ]
  expect(renderUnreachable(all, plainStyle)).toEqual([
    'r.test (2 repositories): nobody\\x1b: refused',
    '  Check it.',
  ])
})
