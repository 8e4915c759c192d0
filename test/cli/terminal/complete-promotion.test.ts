import { describe, expect, it } from 'vitest'
import { newFlag, sameCommand } from '../../../src/cli/command/command-line.ts'
import { completePromotion, type PromotionArguments } from '../../../src/cli/terminal/complete-promotion.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { scriptedAnswers } from '../../support/scripted-answers.ts'

const environments = `version: 1
environments:
  dev: { registry: r.example, path: "dev/{image}" }
  staging: { registry: r.example, path: "staging/{image}", promoteFrom: [dev] }
  prod: { registry: r.example, path: "prod/{image}", promoteFrom: [staging] }
`
const listed = `${environments}images:
  api: {}
  web: {}
`
const configOf = (content: string) => parseConfig({ file: '/p/dray.yaml', content }, 'dray.yaml').config
const tags: Readonly<Record<string, readonly string[]>> = {
  'staging/api': ['1.4.0', '1.10.0', '1.9.0', 'latest', `sha256-${'a'.repeat(64)}.sig`],
  'staging/web': ['2.0.0'],
}

async function complete(
  given: Partial<PromotionArguments>,
  answers: readonly (string | readonly string[])[],
  content = listed,
) {
  const { questions, asked } = scriptedAnswers(...answers)
  const is = await completePromotion(
    { references: [], from: undefined, to: undefined, ...given },
    { config: configOf(content), questions, tagsOf: async ({ path }) => tags[path] ?? [] },
  )
  return { is, asked }
}

describe('dray promote', () => {
  it('asks for source, images, versions and destination without arguments', async () => {
    const { is, asked } = await complete({}, ['staging', ['api', 'web'], '1.10.0', '2.0.0', 'prod'])
    expect(is).toEqual({ references: ['api:1.10.0', 'web:2.0.0'], from: 'staging', to: 'prod' })
    expect(asked).toEqual([
      'Source environment: dev staging',
      'Images: api web',
      'Tag of api: latest 1.10.0 1.9.0 1.4.0',
      'Tag of web: 2.0.0',
      'Target environment: prod',
    ])
  })

  it.each<[string, Partial<PromotionArguments>, readonly string[], PromotionArguments]>([
    [
      'the destination',
      { references: ['api:1.4.0'], from: 'staging' },
      ['prod'],
      { references: ['api:1.4.0'], from: 'staging', to: 'prod' },
    ],
    [
      'the destination of a reference',
      { references: ['@staging/api:1.4.0'] },
      ['prod'],
      { references: ['@staging/api:1.4.0'], from: undefined, to: 'prod' },
    ],
    [
      'the source',
      { references: ['api:1.4.0'], to: 'dev' },
      ['staging'],
      { references: ['api:1.4.0'], from: 'staging', to: 'dev' },
    ],
    [
      'the image',
      { from: '@staging', to: 'prod' },
      ['web', '2.0.0'],
      { references: ['web:2.0.0'], from: '@staging', to: 'prod' },
    ],
    [
      'source and version',
      { references: ['api'], to: 'dev' },
      ['staging', '1.4.0'],
      { references: ['api:1.4.0'], from: 'staging', to: 'dev' },
    ],
  ])('asks only for %s if nothing else is missing', async (_, given, answers, expected) => {
    const { is, asked } = await complete(
      given,
      answers,
      given.references === undefined ? environments : listed,
    )
    expect(is).toEqual(expected)
    expect(asked).toHaveLength(answers.length)
  })

  it.each<[string, Partial<PromotionArguments>]>([
    ['two references', { references: ['@staging/api:1.4.0', '@prod'] }],
    ['a name and a destination that implies the source', { references: ['api:1.4.0'], to: 'prod' }],
    ['images and both environments', { references: ['api', 'web'], from: 'staging', to: 'prod' }],
    ['a reference and a destination', { references: ['r.example/staging/api'], to: 'prod' }],
  ])('asks nothing with %s', async (_, given) => {
    expect((await complete(given, [])).asked).toEqual([])
  })

  it('asks nothing without environments', async () => {
    expect((await complete({}, [], 'version: 1\n')).is.references).toEqual([])
  })

  it('fails before the next question if an image has no tags', async () => {
    await expect(complete({ from: 'dev', to: 'staging' }, [['api']])).rejects.toMatchObject({
      code: 'not-found',
      message: 'api has no tags in dev',
    })
  })
})

describe('the equivalent command', () => {
  const is: PromotionArguments = { references: ['api:1.4.0'], from: 'staging', to: 'prod' }
  it.each<[readonly string[], Partial<PromotionArguments>, string]>([
    [[], {}, 'dray promote api:1.4.0 --from staging --to prod'],
    [
      ['--reason', "it's due"],
      {},
      String.raw`dray promote api:1.4.0 --reason 'it'\''s due' --from staging --to prod`,
    ],
    [
      ['api', '--from', 'staging'],
      { references: ['api'], from: 'staging' },
      'dray promote api:1.4.0 --from staging --to prod',
    ],
    [
      ['--to', 'prod', 'api:1.4.0'],
      { references: ['api:1.4.0'], to: 'prod' },
      'dray promote --to prod api:1.4.0 --from staging',
    ],
  ])('contains the arguments and the answers: %j', (given, was, line) => {
    const before: PromotionArguments = { references: [], from: undefined, to: undefined, ...was }
    const flags = [...newFlag('from', before.from, is.from), ...newFlag('to', before.to, is.to)]
    expect(sameCommand('promote', given, { was: before.references, is: is.references, flags })).toBe(line)
  })
})
