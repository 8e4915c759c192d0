import { describe, expect, it } from 'vitest'
import type { DiffEntry, DiffView } from '../../../src/usecases/views/diff/diff.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { renderDiff, renderDiffSummary } from '../../../src/render/views/diff.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'

const [a, b] = [digestOf('a'), digestOf('b')]
const inSync: DiffEntry = {
  image: 'api',
  from: { registry: 'r.test', path: 'staging/api' },
  to: { registry: 'eu.test', path: 'prod/api' },
  state: 'in-sync',
  comparedBy: 'currentTag',
  deployed: { from: true, to: true },
  otherSources: [],
  promote: [],
  onlyThere: [],
  drift: [],
  otherTags: { from: [], to: [] },
  compared: 3,
  notCompared: 0,
}
const different: DiffEntry = {
  ...inSync,
  state: 'differs',
  promote: [
    { tag: '1.5.0', older: false },
    { tag: '1.4.1', older: true },
  ],
  onlyThere: ['1.3.9-hotfix.1'],
  drift: [
    { tag: '1.4.2', kind: 'exact', from: a, to: b, behind: false },
    { tag: 'latest', kind: 'floating', from: a, to: b, behind: true },
    { tag: 'v1', tagThere: '1', kind: 'floating', from: a, to: b, behind: false },
    { tag: 'main', kind: 'other', from: a, to: b, behind: false },
  ],
  otherTags: { from: ['abc1234', 'abc1235'], to: ['deployed'] },
}
const viewOf = (...images: readonly DiffEntry[]): DiffView => ({ from: 'staging', to: 'prod', images })
const at = (width: number | undefined, allTags = false) => ({ style: plainStyle, width, allTags })
const lines = (view: DiffView, width?: number, allTags = false) =>
  renderDiff(view, at(width, allTags))
    .split('\n')
    .map((line) => line.replaceAll(/(\S) {2,}/g, '$1  '))

describe('a diff', () => {
  it('has a block for each different image, and one line for all that are in sync', () => {
    const short = (digest: string): string => digest.slice(0, 19)
    const drift = `${short(a)} -> ${short(b)}`
    expect(lines(viewOf(different, { ...inSync, image: 'web' }, { ...inSync, image: 'job' }), 100)).toEqual([
      'api  staging -> prod',
      '  + 1.5.0',
      '  + 1.4.1  older',
      '  - 1.3.9-hotfix.1  only in prod',
      `  ≠ 1.4.2  ${drift}  drifted`,
      `  ≠ latest  ${drift}  prod is behind`,
      `  ≠ v1 / 1  ${drift}  floating`,
      `  ≠ main  ${drift}`,
      '  2 other tags only in staging, 1 other tag only in prod. Pass --all-tags to list them.',
      '',
      '2 images in sync',
    ])
  })

  it('has complete digests and all versions in a pipe, and a few older ones on a terminal', () => {
    const promote = Array.from({ length: 20 }, (_, i) => ({ tag: `1.${i}.0`, older: true }))
    const view = viewOf({ ...different, promote })
    expect(lines(view)).toContain(`  ≠ 1.4.2  ${a} -> ${b}  drifted`)
    expect(lines(view).filter((line) => line.endsWith('older'))).toHaveLength(20)
    expect(lines(view, 80).filter((line) => line.endsWith('older'))).toHaveLength(6)
    expect(lines(view, 80)).toContain('  + 15 more  older')
    expect(lines(view, 80, true).filter((line) => line.endsWith('older'))).toHaveLength(20)
  })

  it('has twenty versions of each side on a terminal, and the number of the others', () => {
    const tags = Array.from({ length: 500 }, (_, i) => `1.${i}.0`)
    const promote = tags.map((tag) => ({ tag, older: false }))
    const view = viewOf({ ...different, promote, onlyThere: tags, drift: [] })
    expect(lines(view, 80)).toHaveLength(44)
    expect(lines(view, 80)).toEqual(expect.arrayContaining(['  + 480 more', '  - 480 more  only in prod']))
    expect(lines(view)).toHaveLength(1002)
  })

  it('lists other tags with --all-tags, also of images that are in sync', () => {
    const text = lines(viewOf({ ...inSync, otherTags: { from: ['abc1234'], to: [] } }), 80, true)
    expect(text).toEqual(['api  staging -> prod', '  only in staging: abc1234', '', '1 image in sync'])
  })

  it('lists what was not compared because of the limit, an unreachable target or a missing image', () => {
    const us = { registry: 'us.test', path: 'prod/api' }
    const lost: DiffEntry = { ...inSync, to: us, state: 'unreachable', unread: us }
    const text = lines(
      viewOf({ ...different, notCompared: 7 }, lost, { ...inSync, image: 'x', state: 'not-deployed' }),
      80,
    )
    expect(text[0]).toBe('api  staging -> prod (eu)')
    expect(text).toContain('  3 of 10 common tags were compared')
    expect(text.slice(-2)).toEqual(['not compared with prod (us): 1 image', 'not deployed in either: x'])
    expect(lines(viewOf({ ...inSync, notCompared: 1 }), 80)).toEqual([
      '1 image in sync, but not all common tags were compared',
    ])
  })

  it('names a side without the image, unknown images, and targets that were not compared', () => {
    const missing: DiffEntry = { ...inSync, state: 'differs', deployed: { from: true, to: false } }
    const us = { registry: 'us.test', path: 'staging/api' }
    const unknown: DiffEntry = { ...inSync, image: 'web', state: 'unknown', otherSources: [us] }
    expect(lines(viewOf(missing, unknown), 100)).toEqual([
      'api  staging -> prod',
      '  not deployed in prod',
      '',
      'unknown for prod: web. Set "currentTag" in dray.yaml to compare them.',
      'Of staging, r.test was compared; us.test was not.',
    ])
  })

  it.each([80, 200])('fits %i columns with hostile names and the longest tags', (width) => {
    const evil = '\u001b[2J\n::error::'
    const long = `1.4.2-${'x'.repeat(120)}`
    const view = viewOf({
      ...different,
      promote: [{ tag: long, older: false }],
      onlyThere: [long],
      drift: [{ tag: long, tagThere: long, kind: 'exact', from: a, to: b, behind: false }],
      image: evil,
      otherTags: { from: [evil], to: [] },
    })
    const text = renderDiff(view, at(width, true))
    expect(text).not.toContain('\u001b')
    expect(text).not.toMatch(/^\s*::/m)
    const table = text.split('\n').filter((line) => /^ {2}[+≠-]/.test(line))
    expect(table).toHaveLength(3)
    for (const line of table) expect(displayWidth(line)).toBeLessThanOrEqual(width)
  })
})

describe('the summary of a diff', () => {
  it.each<[string, readonly DiffEntry[], string]>([
    [
      'differences',
      [different],
      '1 image: 1 version to promote, 1 older version only in staging, 1 version only in prod, 1 drifted version, 1 floating tag behind, 2 other tags differ',
    ],
    ['an image in sync', [inSync], '1 image: 1 in sync'],
    ['an unknown image', [{ ...inSync, state: 'unknown' }], '1 image: 1 unknown'],
    [
      'an image without versions that one side lacks',
      [
        { ...inSync, state: 'differs', deployed: { from: true, to: false } },
        { ...inSync, image: 'web' },
      ],
      '2 images: 1 image only in staging, 1 in sync',
    ],
    [
      'an image that is deployed in neither',
      [{ ...inSync, state: 'not-deployed' }],
      '1 image: 1 not deployed',
    ],
    ['an unreachable target', [{ ...inSync, state: 'unreachable' }], '1 image: 1 not compared'],
  ])('reports %s', (_, images, summary) => {
    expect(renderDiffSummary(viewOf(...images), plainStyle)).toBe(`staging -> prod, ${summary}`)
  })

  it('breaks between two counts on a narrow terminal', () => {
    expect(renderDiffSummary(viewOf(different), plainStyle, 80)).toBe(
      [
        'staging -> prod, 1 image: 1 version to promote, 1 older version only in staging,',
        '  1 version only in prod, 1 drifted version, 1 floating tag behind,',
        '  2 other tags differ',
      ].join('\n'),
    )
  })
})
