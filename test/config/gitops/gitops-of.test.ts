import { describe, expect, it } from 'vitest'
import { gitopsOf } from '../../../src/config/gitops/gitops-of.ts'
import { parseConfig, readConfigFile } from '../../../src/config/parse.ts'
import { listSettings } from '../../../src/config/settings/settings.ts'
import { isDrayError } from '../../../src/lib/errors.ts'

const content = (environment: string): string => `version: 1
environments:
  prod:
    registry: registry.example.com
    path: prod/{image}
${environment.replace(/^(?=.)/gm, '    ')}
images: { api: {}, web: { name: frontend/web } }
`

function load(environment: string) {
  return parseConfig({ file: '/p/dray.yaml', content: content(environment) }, 'dray.yaml')
}

function mistakesIn(environment: string): readonly string[] {
  try {
    gitopsOf(load(environment))
    return []
  } catch (error) {
    if (!isDrayError(error)) throw error
    return (error.mistakes ?? []).map(({ path, message, hint = '' }) => `${path}: ${message}; ${hint}`)
  }
}

describe('the deployment files of an environment', () => {
  it('are globs, and positions of single images', () => {
    const found = gitopsOf(
      load(`gitops:
  - files: ["clusters/prod/**/*.yaml"]
    as: mirror.example.com/prod/{image}
    write: digest
  - { files: apps.yaml }
  - { file: apps/web/values.yaml, image: web, at: { tag: web.version, digest: web.sha } }
git: { branch: "release/{env}", message: "Deploy {image} {version} to {env}", pullRequest: true }
`),
    )
    expect(found.get('prod')).toEqual({
      environment: 'prod',
      folder: '/p',
      rules: [
        {
          kind: 'files',
          name: 'environments.prod.gitops[0]',
          files: ['clusters/prod/**/*.yaml'],
          as: ['mirror.example.com/prod/{image}'],
          write: 'digest',
        },
        {
          kind: 'files',
          name: 'environments.prod.gitops[1]',
          files: ['apps.yaml'],
          as: [],
          write: 'both',
        },
        {
          kind: 'place',
          name: 'environments.prod.gitops[2]',
          file: 'apps/web/values.yaml',
          image: 'web',
          at: { tag: 'web.version', digest: 'web.sha' },
          write: 'both',
        },
      ],
      git: {
        branch: 'release/{env}',
        message: 'Deploy {image} {version} to {env}',
        pullRequest: true,
      },
    })
  })

  it('are absent for an environment without the key', () => {
    expect(gitopsOf(load('attest: true')).size).toBe(0)
  })

  it.each([
    ['are below the folder of the file', 'files: ["../other/*.yaml"]', 'must not leave the folder'],
    ['are not absolute', 'files: [/etc/passwd]', 'must be relative to the folder of this file'],
    ['are not in a home folder', 'files: ["~/x.yaml"]', 'must be relative to the folder of this file'],
    ['have slashes', 'files: ["a\\\\b.yaml"]', 'must be written with "/"'],
    ['are listed', 'files: []', 'must have at least one entry'],
    ['have names with one image', 'files: [a.yaml], as: mirror.example.com/api', 'must contain {image} once'],
    ['have names of repositories', 'files: [a.yaml], as: "https://x/{image}"', 'has no scheme such as'],
    ['have known images', 'file: a.yaml, image: wep, at: { tag: x }', 'did you mean "web"?'],
    ['have a position', 'file: a.yaml, image: web, at: {}', 'must have a position for `tag` or `digest`'],
    [
      'have two positions',
      'file: a.yaml, image: web, at: { tag: x, digest: x }',
      'is the position of the tag',
    ],
    ['have a position that is written', 'file: a.yaml, image: web, at: { tag: x }, write: digest', 'needs'],
    ['are files', 'file: a/, image: web, at: { tag: x }', 'does not name a file'],
    ['have known keys', 'files: [a.yaml], writes: tag', 'unknown key "writes"'],
    ['have a known mode', 'files: [a.yaml], write: all', 'must be both, digest or tag'],
  ])('%s', (_, rule, message) => {
    expect(mistakesIn(`gitops: [{ ${rule} }]`)).toEqual([expect.stringContaining(message)])
  })

  it('have each position only once', () => {
    const rule = '{ file: a.yaml, image: web, at: { tag: x } }'
    expect(mistakesIn(`gitops: [${rule}, ${rule}]`)).toEqual([
      expect.stringContaining('gitops[1].at.tag: a.yaml has this position in an earlier entry'),
    ])
  })
})

describe('the commits of an environment', () => {
  it.each([
    ['need files', 'git: { message: x }', '`git` needs `gitops`'],
    ['have known placeholders', 'git: { message: "{tag}" }\ngitops: [{ files: a }]', '{tag} is unknown here'],
    ['have one line', 'git: { message: "a\\nb" }\ngitops: [{ files: a }]', 'must be one line of text'],
    ['have a valid branch', 'git: { branch: "a..b" }\ngitops: [{ files: a }]', 'is not the name of a branch'],
    ['have a branch that is no option', 'git: { branch: -f }\ngitops: [{ files: a }]', 'is not the name'],
    [
      'have a branch by environment',
      'git: { branch: "{image}" }\ngitops: [{ files: a }]',
      '{image} is unknown',
    ],
  ])('%s', (_, environment, message) => {
    expect(mistakesIn(environment)).toEqual([expect.stringContaining(message)])
  })
})

it('mistakes about deployment files are reported together with all others', async () => {
  const file = { file: '/p/dray.yaml', content: content('colour: red\ngitops: [{ files: /x }]') }
  const error: unknown = await readConfigFile(file, 'dray.yaml').catch((thrown: unknown) => thrown)
  expect(isDrayError(error) && error.mistakes?.map(({ message }) => message)).toEqual([
    'unknown key "colour"',
    'must be relative to the folder of this file',
  ])
})

it('the settings show the values and defaults of deployment files', () => {
  const settings = listSettings(load('gitops: [{ files: [a.yaml] }]'))
  const shown = settings.flatMap(({ key, value }) => (/gitops|git\b/.test(key) ? [[key, value]] : []))
  expect(shown).toEqual([
    ['environments.prod.gitops[0].files', ['a.yaml']],
    ['environments.prod.gitops[0].write', 'both'],
    ['environments.prod.git.branch', null],
    ['environments.prod.git.message', 'Deploy {image} {version} to {env}'],
    ['environments.prod.git.pullRequest', false],
  ])
})
