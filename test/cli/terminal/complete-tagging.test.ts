import { describe, expect, it } from 'vitest'
import {
  completeRollback,
  completeTagging,
  type TaggingArguments,
} from '../../../src/cli/terminal/complete-tagging.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { scriptedAnswers } from '../../support/scripted-answers.ts'

const config = parseConfig(
  {
    file: '/p/dray.yaml',
    content: `version: 1
environments:
  staging: { registry: r.example, path: "staging/{image}" }
  prod: { registry: r.example, path: "prod/{image}" }
  dates: { registry: r.example, path: "dates/{image}", tags: { scheme: calver } }
images:
  api: {}
  web: {}
`,
  },
  'dray.yaml',
).config

const policy = { levels: undefined, channels: undefined, allowBackward: false }

type Answers = readonly (string | readonly string[])[]

function ports(answers: Answers) {
  const { questions, asked } = scriptedAnswers(...answers)
  return { asked, config, questions, tagsOf: async () => ['build-77', '1.4.0', 'latest'] }
}

async function tag(given: Partial<TaggingArguments>, answers: Answers) {
  const completionPorts = ports(answers)
  return {
    is: await completeTagging(
      { references: [], env: undefined, hasTagOption: false, policy, ...given },
      completionPorts,
    ),
    asked: completionPorts.asked,
  }
}

describe('dray tag', () => {
  it('asks for environment, images, their tags and the version without arguments', async () => {
    const { is, asked } = await tag({}, ['staging', ['api'], 'build-77', 'minor'])
    expect(is).toEqual({
      references: ['api:build-77'],
      env: 'staging',
      next: 'minor',
      flags: ['--env', 'staging', '--next', 'minor'],
    })
    expect(asked).toEqual([
      'Environment: staging prod dates',
      'Images: api web',
      'Tag of api: latest 1.4.0 build-77',
      'New version: patch minor major label other',
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
      'the version that the image has in a label',
      { references: ['r.example/x/api:b'] },
      ['label'],
      ['r.example/x/api:b'],
      ['--from-label'],
    ],
    [
      'the environment of a version',
      { references: ['api:1.4.0'] },
      ['prod'],
      ['api:1.4.0'],
      ['--env', 'prod'],
    ],
  ])('asks only for %s if nothing else is missing', async (_, given, answers, references, flags) => {
    const { is, asked } = await tag(given, answers)
    expect(is).toMatchObject({ references, flags })
    expect(asked).toHaveLength(answers.length)
  })

  it.each<[string, Partial<TaggingArguments>]>([
    ['a reference and a version', { references: ['@prod/api:build-77', '1.4.1'] }],
    ['a reference with a version tag', { references: ['@prod/api:1.4.1'] }],
    ['a flag for the tags', { references: ['@prod/api'], hasTagOption: true }],
    ['a name and its environment', { references: ['api', '1.4.1'], env: 'prod' }],
  ])('asks nothing with %s', async (_, given) => {
    expect((await tag(given, [])).is).toBeUndefined()
  })
})

it('dray tag asks for a version that the scheme of the image reads', async () => {
  const { is, asked } = await tag({ references: ['@dates/api:build'] }, ['other', '2026.04.1'])
  expect(is).toMatchObject({ references: ['@dates/api:build', '2026.04.1'] })
  expect(asked.slice(0, 2)).toEqual(['New version: patch label other', 'Version:'])
  expect((await tag({ references: ['@dates/api:2026.04.1'] }, [])).is).toBeUndefined()
  const byFlag = { ...policy, scheme: 'calver' } as const
  expect((await tag({ references: ['@prod/api:2026.04.1'], policy: byFlag }, [])).is).toBeUndefined()
})

describe('dray rollback', () => {
  it.each([
    [{ image: undefined, env: undefined }, ['prod', 'api'], { image: 'api', env: 'prod' }],
    [{ image: 'api', env: undefined }, ['prod'], { image: 'api', env: 'prod' }],
    [{ image: undefined, env: 'prod' }, ['web'], { image: 'web', env: 'prod' }],
    [{ image: '@prod/api', env: undefined }, [], { image: '@prod/api', env: undefined }],
  ])('asks for what is missing: %j', async (given, answers, expected) => {
    const completionPorts = ports(answers)
    expect(await completeRollback(given, completionPorts)).toEqual(expected)
    expect(completionPorts.asked).toHaveLength(answers.length)
  })
})
