import { describe, expect, it } from 'vitest'
import {
  completeRollback,
  completeTagging,
  type TaggingArguments,
} from '../../../src/cli/terminal/complete-tagging.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { person } from '../../support/person.ts'

const config = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}" }
images:
  api: {}
  web: {}
`,
  },
  'dray.yaml',
).config

type Answers = readonly (string | readonly string[])[]

function ports(answers: Answers) {
  const { questions, asked } = person(...answers)
  return { asked, config, questions, tagsOf: async () => ['build-77', '1.4.0', 'latest'] }
}

async function tag(said: Partial<TaggingArguments>, answers: Answers) {
  const at = ports(answers)
  return {
    is: await completeTagging({ references: [], env: undefined, hasTagOption: false, ...said }, at),
    asked: at.asked,
  }
}

describe('what is left out of dray tag', () => {
  it('all of it: the environment, the images, which of each, and the version', async () => {
    const { is, asked } = await tag({}, ['staging', ['api'], 'build-77', 'minor'])
    expect(is).toEqual({
      references: ['api:build-77'],
      env: 'staging',
      next: 'minor',
      flags: ['--env', 'staging', '--next', 'minor'],
    })
    expect(asked).toEqual([
      'In which environment? staging prod',
      'Which images? api web',
      'Which version of api? latest 1.4.0 build-77',
      'Which version? patch minor major label other',
    ])
  })

  it.each<[string, Partial<TaggingArguments>, Answers, readonly string[], readonly string[]]>([
    [
      'the environment',
      { references: ['api:build-77', '1.4.1'] },
      ['prod'],
      ['api:build-77', '1.4.1'],
      ['--env', 'prod'],
    ],
    [
      'the version',
      { references: ['@prod/api:build-77'] },
      ['other', '1.4.1'],
      ['@prod/api:build-77', '1.4.1'],
      [],
    ],
    [
      '… which the image has',
      { references: ['r.example/x/api:b'] },
      ['label'],
      ['r.example/x/api:b'],
      ['--from-label'],
    ],
    [
      'nothing but the environment, of a version',
      { references: ['api:1.4.0'] },
      ['prod'],
      ['api:1.4.0'],
      ['--env', 'prod'],
    ],
  ])('is asked for, and nothing else: %s', async (_, said, answers, references, flags) => {
    const { is, asked } = await tag(said, answers)
    expect(is).toMatchObject({ references, flags })
    expect(asked).toHaveLength(answers.length)
  })

  it.each<[string, Partial<TaggingArguments>]>([
    ['an address and a version', { references: ['@prod/api:build-77', '1.4.1'] }],
    ['an address that is one', { references: ['@prod/api:1.4.1'] }],
    ['a flag that says the tags', { references: ['@prod/api'], hasTagOption: true }],
    ['a name with its environment', { references: ['api', '1.4.1'], env: 'prod' }],
  ])('is nothing: %s', async (_, said) => {
    expect((await tag(said, [])).is).toBeUndefined()
  })
})

describe('what is left out of dray rollback', () => {
  it.each([
    [{ image: undefined, env: undefined }, ['prod', 'api'], { image: 'api', env: 'prod' }],
    [{ image: 'api', env: undefined }, ['prod'], { image: 'api', env: 'prod' }],
    [{ image: undefined, env: 'prod' }, ['web'], { image: 'web', env: 'prod' }],
    [{ image: '@prod/api', env: undefined }, [], { image: '@prod/api', env: undefined }],
  ])('%j', async (said, answers, wanted) => {
    const at = ports(answers)
    expect(await completeRollback(said, at)).toEqual(wanted)
    expect(at.asked).toHaveLength(answers.length)
  })
})
