import { describe, expect, it } from 'vitest'
import { newFlag, sameCommand } from '../../../src/cli/command/command-line.ts'
import { completePromotion, type PromotionArguments } from '../../../src/cli/terminal/complete-promotion.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { person } from '../../support/person.ts'

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
  way: Partial<PromotionArguments>,
  answers: readonly (string | readonly string[])[],
  content = listed,
) {
  const { questions, asked } = person(...answers)
  const is = await completePromotion(
    { references: [], from: undefined, to: undefined, ...way },
    { config: configOf(content), questions, tagsOf: async ({ path }) => tags[path] ?? [] },
  )
  return { is, asked }
}

describe('what is left out of a promotion', () => {
  it('all of it: environment, images, the version of each, the next environment', async () => {
    const { is, asked } = await complete({}, ['staging', ['api', 'web'], '1.10.0', '2.0.0', 'prod'])
    expect(is).toEqual({ references: ['api:1.10.0', 'web:2.0.0'], from: 'staging', to: 'prod' })
    expect(asked).toEqual([
      'From which environment? dev staging',
      'Which images? api web',
      'Which version of api? latest 1.10.0 1.9.0 1.4.0',
      'Which version of web? 2.0.0',
      'To which environment? prod',
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
      '… of an address',
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
  ])('is asked for, and nothing else: %s', async (_, way, answers, wanted) => {
    const { is, asked } = await complete(way, answers, way.references === undefined ? environments : listed)
    expect(is).toEqual(wanted)
    expect(asked).toHaveLength(answers.length)
  })

  it.each<[string, Partial<PromotionArguments>]>([
    ['two addresses', { references: ['@staging/api:1.4.0', '@prod'] }],
    ['a name whose source the destination implies', { references: ['api:1.4.0'], to: 'prod' }],
    ['images with both environments', { references: ['api', 'web'], from: 'staging', to: 'prod' }],
    ['an address with a destination', { references: ['r.example/staging/api'], to: 'prod' }],
  ])('is nothing: %s', async (_, way) => {
    expect((await complete(way, [])).asked).toEqual([])
  })

  it('cannot be asked for without environments', async () => {
    expect((await complete({}, [], 'version: 1\n')).is.references).toEqual([])
  })

  it('an image without tags is told before more is asked', async () => {
    await expect(complete({ from: 'dev', to: 'staging' }, [['api']])).rejects.toMatchObject({
      code: 'not-found',
      message: 'api has no tags in dev',
    })
  })
})

describe('the command line that does the same', () => {
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
  ])('of %j', (given, was, line) => {
    const before: PromotionArguments = { references: [], from: undefined, to: undefined, ...was }
    const flags = [...newFlag('from', before.from, is.from), ...newFlag('to', before.to, is.to)]
    expect(sameCommand('promote', given, { was: before.references, is: is.references, flags })).toBe(line)
  })
})
