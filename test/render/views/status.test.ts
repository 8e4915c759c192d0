import { describe, expect, it } from 'vitest'
import { type CellFacts, type StatusView, buildStatus } from '../../../src/usecases/views/status/status.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { renderStatus, renderStatusSummary } from '../../../src/render/views/status.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { renderUnreachable } from '../../../src/render/views/unreachable.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import { parseVersionTag, plainReading } from '../../../src/semver/version.ts'

const now = new Date('2026-06-13T00:00:00Z')
const created = '2026-06-01T00:00:00.000Z'
const routes = [
  { from: 'dev', to: 'staging' },
  { from: 'staging', to: 'prod' },
]
const hex = (version: string): string => digestOf(version).slice(7, 19)

function facts(image: string, environment: string, what: string, registry = 'r.test'): CellFacts {
  const repository = { registry, path: `${environment}/${image}` }
  const target = { image, environment, repository, currentTag: 'latest', reading: plainReading }
  if (what === '-') return { target, state: 'absent' }
  if (what === 'no') return { target, state: 'unmarked', highest: null }
  if (what === '!') return { target, state: 'unreachable', error: { code: 'network', message: 'nobody' } }
  const version = parseVersionTag(what, plainReading) ?? null
  return { target, state: 'present', digest: digestOf(what), version, created }
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
const few = view({ api: ['1.5.0', '1.5.0', '1.4.2'], web: ['?', 'no', '-'] })

describe('a status', () => {
  it('is a matrix of images and environments on a wide terminal', () => {
    const lines = renderStatus(few, now, at(200)).split('\n')
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['IMAGE', 'dev', 'staging', 'prod'],
      [
        'api',
        '1.5.0',
        hex('1.5.0'),
        '12d',
        '1.5.0',
        hex('1.5.0'),
        '12d',
        '=',
        '1.4.2',
        hex('1.4.2'),
        '12d',
        'behind',
      ],
      ['web', 'unknown', hex('?'), '12d', 'no latest', 'behind', 'absent'],
    ])
    // Each environment begins in one column.
    const [heading = '', first = ''] = lines
    expect(first.indexOf('1.5.0', 20)).toBe(heading.indexOf('staging'))
    expect(first.indexOf('1.4.2')).toBe(heading.indexOf('prod'))
  })

  it('has a line for each image and environment on a narrow terminal, with each image name once', () => {
    const lines = renderStatus(few, now, at(80)).split('\n')
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['IMAGE', 'ENVIRONMENT', 'VERSION', 'DIGEST', 'AGE', 'STATE'],
      ['api', 'dev', '1.5.0', hex('1.5.0'), '12d', '-'],
      ['staging', '1.5.0', hex('1.5.0'), '12d', '='],
      ['prod', '1.4.2', hex('1.4.2'), '12d', 'behind'],
      ['web', 'dev', 'unknown', hex('?'), '12d', '-'],
      ['staging', 'no latest', '-', '-', 'behind'],
      ['prod', 'absent', '-', '-', '-'],
    ])
  })

  it('has name, state and complete digest in each line in a pipe', () => {
    const lines = renderStatus(few, now, at(undefined)).split('\n')
    expect(lines[2]?.split(/ {2,}/)).toEqual(['api', 'staging', '1.5.0', digestOf('1.5.0'), '12d', 'level'])
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
    const [, line = ''] = renderStatus(long, now, at(140)).split('\n')
    expect(line).toMatch(/^…(?:team\/|eam\/)[a-z/]*\/api {3}/)
    expect(displayWidth(line)).toBeLessThanOrEqual(140)
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
    expect(seen).toContain('[differs]')
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
    expect(shown(facts('api', 'prod', '1.4.2'))).toMatch(/behind dev$/)
    expect(shown(facts('api', 'prod', '1.4.1'))).toMatch(/ behind dev, staging$/)
    expect(shown(facts('api', 'prod', '!'))).toMatch(/unreachable +unknown$/)
  })
})

describe('the summary of a status', () => {
  it.each([
    [
      { api: ['1.5.0', '1.5.0', '1.4.2'], web: ['1.0.0', '1.0.0', '1.0.0'] },
      '2 images, 3 environments: 1 behind',
    ],
    [{ api: ['1.5.0', '1.6.0', '!'] }, '1 image, 3 environments: 1 differs, 1 target unreachable'],
    [{ api: ['1.5.0', '1.5.0', '1.5.0'] }, '1 image, 3 environments: all level'],
    [
      { api: ['1.5.0', '1.5.0', '!'], web: ['1.0.0', '1.0.0', '1.0.0'] },
      '2 images, 3 environments: 1 target unreachable for 1 image',
    ],
    [
      { api: ['1.5.0', '!', '!'], web: ['1.0.0', '1.0.0', '!'] },
      '2 images, 3 environments: 2 targets unreachable for 2 images',
    ],
    [{ api: ['-', '-', '-'] }, '1 image, 3 environments: 1 image nowhere'],
    [
      { api: ['1.5.0', '1.5.0', '1.5.0'], web: ['-', '-', '-'] },
      '2 images, 3 environments: all level, 1 image nowhere',
    ],
  ] as const)('of %j', (images, summary) => {
    expect(renderStatusSummary(view(images), plainStyle)).toBe(summary)
  })
})

it('unreachable targets are listed once for each reason, with a hint', () => {
  const error = { code: 'network', message: 'nobody\u001b', why: 'refused', hint: 'Check it.' } as const
  const all = [
    { registry: 'r.test', error },
    { registry: 'r.test', error: { ...error, subject: 'another' } },
  ]
  expect(renderUnreachable(all, plainStyle)).toEqual([
    'r.test (2 images): nobody\\x1b: refused',
    '  Check it.',
  ])
})
