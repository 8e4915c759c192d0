import { describe, expect, it } from 'vitest'
import { plainReading } from '../../../../src/semver/version.ts'
import type { HistorySources } from '../../../../src/usecases/prune/records/history.ts'
import { explain as explainTag } from '../../../../src/usecases/prune/policy/explain.ts'
import { cosignSignature, referrer } from '../../../support/images.ts'
import { ago, built, policyOf, recordScene } from '../../../support/record-scene.ts'
import { renderExplanation } from '../../../../src/render/prune/explanation.ts'
import { plainStyle } from '../../../../src/render/text/style.ts'
import {
  decideSketch,
  globs,
  protection,
  range,
  regex,
  rule,
  taggedImages,
} from '../../../support/repository-graphs.ts'

const builds = rule('builds', {
  tags: regex(String.raw`(?<app>.+)-(?<n>\d+)`),
  groupBy: ['app'],
  orderBy: { by: 'number', group: 'n' },
  keepNewest: 2,
  days: 14,
})
const rules = [rule('releases', { tags: range('<1') }), builds, rule('others', { days: 14 })]

describe('dray explain', () => {
  it('shows every rule, also those that do not see the tag, with the group and the place', () => {
    const { explain } = decideSketch(taggedImages({ 'web-1': 50, 'web-2': 50, 'web-3': 50, 'api-9': 50 }), {
      rules,
    })
    const explanation = explain('web-1')
    expect(explanation.rules).toEqual([
      { name: 'releases', verdict: 'notSelected', text: 'semver <1 does not select it', conditions: [] },
      {
        name: 'builds',
        verdict: 'delete',
        text: 'not among the highest 2 by number n of app web, 50d old, older than 14d',
        conditions: [
          { name: 'keepNewest', keeps: false, text: 'not among the highest 2 by number n of app web' },
          { name: 'olderThan', keeps: false, text: '50d old, older than 14d' },
        ],
        group: { app: 'web' },
        position: { place: 3, of: 3, value: '1', by: 'number n' },
      },
      {
        name: 'others',
        verdict: 'skipped',
        text: 'the earlier rule builds decides about this tag',
        conditions: [],
      },
    ])
    const text = renderExplanation(explanation, { style: plainStyle, width: undefined })
    expect(text).toMatch(/group +app web/)
    expect(text).toMatch(/place +3 of 3 by number n: 1/)
    expect(text).toMatch(/skipped +others +the earlier rule builds decides about this tag/)
  })

  it('gives no place to a protected image, and none to a tag without the value', () => {
    const { explain } = decideSketch(taggedImages({ 'web-1': 50, 'web-2': 50, main: 50 }), {
      rules: [builds],
      protect: [protection(globs('web-2'))],
    })
    expect(explain('web-1').rules[0]?.position).toEqual({ place: 1, of: 1, value: '1', by: 'number n' })
    expect(explain('web-2').rules[0]).not.toHaveProperty('position')
    expect(explain('main').rules[0]).toMatchObject({ verdict: 'notSelected' })
  })

  it('shows the place by time as a time', () => {
    const { explain } = decideSketch(taggedImages({ a: 50, b: 20 }), {
      rules: [rule('r', { keepNewest: 1 })],
    })
    expect(explain('a').rules[0]?.position).toEqual({
      place: 2,
      of: 2,
      value: '2026-04-12T00:00:00.000Z',
      by: 'time',
    })
  })

  it('shows why rules of other kinds do not select a tag', () => {
    const { explain } = decideSketch(taggedImages({ a: 50 }), {
      rules: [
        rule('broken', { kind: 'broken', days: 30 }),
        rule('superseded', { kind: 'superseded', keepNewest: 3 }),
        rule('orphaned', { kind: 'orphaned', days: 30 }),
      ],
    })
    expect(explain('a').rules.map(({ verdict, text }) => [verdict, text])).toEqual([
      ['notSelected', 'it selects every tag on broken indexes'],
      ['notSelected', 'it selects superseded digests'],
      ['notSelected', 'it selects orphaned attached artifacts'],
    ])
  })

  it('shows what a rule decides about an attached artifact without its subject', async () => {
    const scene = await recordScene()
    const policy = policyOf({
      rules: [rule('old', { days: 14 }), rule('orphaned', { kind: 'orphaned', days: 30 })],
    })
    const sbom = referrer(built('gone', 90))
    await scene.push(sbom, 'an-sbom')
    await scene.push(cosignSignature(built('gone', 90)))
    const since = (days: number): Partial<HistorySources> => ({
      remember: async ({ sightings }) =>
        await Promise.resolve(sightings.map((one) => ({ ...one, since: ago(days) }))),
    })
    const results = async (days: number, tag: string) => {
      const evaluation = await scene.evaluate(policy, since(days))
      return explainTag(evaluation, policy, { tag }).rules.map((one) => `${one.name} ${one.verdict}`)
    }
    const signature = [...(await scene.evaluate(policy)).snapshot.graph.tags.keys()].find((tag) =>
      tag.endsWith('.sig'),
    )
    expect(await results(40, signature ?? '')).toEqual(['old notSelected', 'orphaned delete'])
    expect(await results(20, signature ?? '')).toEqual(['old notSelected', 'orphaned keep'])
    expect(await results(40, 'an-sbom')).toEqual([expect.stringMatching(/^old /), 'orphaned delete'])
  })

  it.each([
    ['1.4.2', { kind: 'version', version: '1.4.2', variant: '', text: 'release 1.4.2' }],
    [
      'v1.4.2-alpine',
      {
        kind: 'version',
        version: '1.4.2-alpine',
        variant: 'alpine',
        text: 'release 1.4.2 of the variant alpine',
      },
    ],
    ['1.5.0-rc.1', { kind: 'version', version: '1.5.0-rc.1', variant: '', text: 'pre-release 1.5.0-rc.1' }],
    ['2024.04.1', { kind: 'versionLike', text: 'version-like tag, which the scheme does not read' }],
    ['main', { kind: 'plain', text: 'it is not a version' }],
  ])('shows how %s is read as a version', (tag, version) => {
    const reading = { ...plainReading, variants: ['alpine'] }
    const { explain } = decideSketch(taggedImages({ [tag]: 50 }), { reading })
    const explanation = explain(tag)
    expect(explanation.version).toEqual({ ...version, scheme: 'semver' })
    expect(renderExplanation(explanation, { style: plainStyle, width: undefined })).toContain(version.text)
  })

  it('shows that protections read an undeclared variant in another way than rules', () => {
    const { explain } = decideSketch(taggedImages({ '1.4.2': 50, '1.4.2-alpine': 50 }), {})
    expect(explain('1.4.2-alpine').version?.text).toBe(
      'pre-release 1.4.2-alpine; in protections release 1.4.2 of the variant alpine',
    )
  })

  it('shows why a protection keeps a version-like tag, and why not a version below the highest', () => {
    const { explain } = decideSketch(
      taggedImages({ '1.4.1': 50, '1.4.2': 50, '1.4.1-alpine': 50, '1.4.2-alpine': 50, '2024.04.1': 50 }),
      {
        protect: [protection(range('>=1.0.0'), { per: 'minor', count: 1 })],
        rules: [rule('all', { days: 1 })],
        reading: { ...plainReading, variants: ['alpine'] },
      },
    )
    const text = (tag: string) => explain(tag).protections.map((one) => [one.matches, one.text])
    expect(text('2024.04.1')).toEqual([[true, 'keeps this version-like tag']])
    expect(text('1.4.1')).toEqual([[false, '1.4.1 is not among the highest 1 of minor 1.4']])
    expect(text('1.4.1-alpine')).toEqual([
      [false, '1.4.1-alpine is not among the highest 1 of minor 1.4 of the variant alpine'],
    ])
    expect(explain('2024.04.1')).toMatchObject({ verdict: 'keep', why: { kind: 'versionLike' } })
  })
})
