import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CiJob } from '../../../src/audit/log/record.ts'
import { createActor } from '../../../src/cli/ci/actor.ts'
import { anyText } from '../../support/any-text.ts'

const machine = { user: 'ann', host: 'builder-1' }
const sha = '0123456789abcdef0123456789abcdef01234567'

const github: NodeJS.ProcessEnv = {
  GITHUB_ACTIONS: 'true',
  GITHUB_ACTOR: 'pusher',
  GITHUB_TRIGGERING_ACTOR: 'octocat',
  GITHUB_SERVER_URL: 'https://github.example.com',
  GITHUB_REPOSITORY: 'team/api',
  GITHUB_RUN_ID: '77',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_JOB: 'deploy',
  GITHUB_SHA: sha,
}
const azure: NodeJS.ProcessEnv = {
  TF_BUILD: 'True',
  BUILD_REQUESTEDFOR: 'Ann Other',
  SYSTEM_COLLECTIONURI: 'https://dev.azure.com/org/',
  SYSTEM_TEAMPROJECT: 'My Project',
  BUILD_BUILDID: '77',
  SYSTEM_JOBDISPLAYNAME: 'Deploy',
  BUILD_SOURCEVERSION: sha,
  BUILD_REPOSITORY_NAME: 'team/api',
}

describe('the actor', () => {
  it('is the user and the machine without a CI service', () => {
    expect(createActor({ CI: 'true', USER: 'other', GITHUB_ACTOR: 'octocat' }, machine)).toEqual(machine)
  })

  it.each<[CiJob, NodeJS.ProcessEnv]>([
    [
      {
        service: 'github',
        user: 'octocat',
        run: 'https://github.example.com/team/api/actions/runs/77/attempts/2',
        job: 'deploy',
        commit: sha,
        repository: 'team/api',
      },
      github,
    ],
    [
      {
        service: 'gitlab',
        user: 'ann',
        run: 'https://gitlab.example.com/team/api/-/jobs/77',
        job: 'deploy: prod',
        commit: sha,
        repository: 'team/api',
      },
      {
        GITLAB_CI: 'true',
        GITLAB_USER_LOGIN: 'ann',
        CI_JOB_URL: 'https://gitlab.example.com/team/api/-/jobs/77',
        CI_PIPELINE_URL: 'https://gitlab.example.com/team/api/-/pipelines/7',
        CI_JOB_NAME: 'deploy: prod',
        CI_COMMIT_SHA: sha,
        CI_PROJECT_PATH: 'team/api',
      },
    ],
    [
      {
        service: 'jenkins',
        user: 'ann',
        run: 'https://jenkins.example.com/job/api/77/',
        job: 'team/api',
        commit: sha,
        repository: 'https://git.example.com/team/api.git',
      },
      {
        JENKINS_URL: 'https://jenkins.example.com/',
        BUILD_USER_ID: 'ann',
        BUILD_URL: 'https://jenkins.example.com/job/api/77/',
        JOB_NAME: 'team/api',
        GIT_COMMIT: sha,
        GIT_URL: 'https://git.example.com/team/api.git',
      },
    ],
    [
      { service: 'jenkins', job: 'api' },
      { BUILD_TAG: 'jenkins-api-77', JOB_NAME: 'api' },
    ],
    [
      {
        service: 'buildkite',
        user: 'Ann Other',
        run: 'https://buildkite.com/team/api/builds/77',
        job: 'Deploy',
        commit: sha,
        repository: 'git.example.com:team/api.git',
      },
      {
        BUILDKITE: 'true',
        BUILDKITE_BUILD_CREATOR: 'Pusher',
        BUILDKITE_UNBLOCKER: 'Ann Other',
        BUILDKITE_BUILD_URL: 'https://buildkite.com/team/api/builds/77',
        BUILDKITE_LABEL: 'Deploy',
        BUILDKITE_COMMIT: sha,
        BUILDKITE_REPO: 'git@git.example.com:team/api.git',
      },
    ],
    [
      {
        service: 'circleci',
        user: 'ann',
        run: 'https://circleci.com/gh/team/api/77',
        job: 'deploy',
        commit: sha,
        repository: 'git.example.com:team/api.git',
      },
      {
        CIRCLECI: 'true',
        CIRCLE_USERNAME: 'ann',
        CIRCLE_BUILD_URL: 'https://circleci.com/gh/team/api/77',
        CIRCLE_JOB: 'deploy',
        CIRCLE_SHA1: sha,
        CIRCLE_REPOSITORY_URL: 'git@git.example.com:team/api.git',
      },
    ],
    [
      {
        service: 'azure',
        user: 'Ann Other',
        run: 'https://dev.azure.com/org/My%20Project/_build/results?buildId=77',
        job: 'Deploy',
        commit: sha,
        repository: 'team/api',
      },
      azure,
    ],
  ])('has the fields of the job of its service: %j', (ci, env) => {
    expect(createActor(env, machine)).toEqual({ ...machine, ci })
  })

  it('has the value of `--actor` in addition to the rest', () => {
    const without = createActor(github, machine)
    expect(createActor(github, machine, 'Ann, on call')).toEqual({ ...without, says: 'Ann, on call' })
    expect(createActor(github, machine, '  ')).toEqual(without)
  })

  it('has no field for missing or empty values', () => {
    expect(createActor({ GITLAB_CI: 'true', CI_COMMIT_SHA: '', GITLAB_USER_LOGIN: ' ' }, machine)).toEqual({
      ...machine,
      ci: { service: 'gitlab' },
    })
    expect(createActor({ ...github, GITHUB_RUN_ID: undefined }, machine).ci).not.toHaveProperty('run')
    expect(createActor({ ...azure, BUILD_BUILDID: '77&token=canary' }, machine).ci).not.toHaveProperty('run')
    expect(createActor({}, { user: '', host: '' })).toEqual({ user: 'unknown', host: 'unknown' })
  })

  it.each([
    'https://canary@git.example.com/team/api',
    'https://user:canary@git.example.com/team/api',
    'https://user:can@canary@git.example.com/team/api',
    'https://user:canary?x@git.example.com/team/api',
    'https://user:1#canary@git.example.com/team/api',
    'https://user:canary/x@git.example.com/team/api',
    'https://git.example.com/team/api?token=canary',
    'https://git.example.com/team/api#canary',
    'https://git.example.com?token=canary',
    'ssh://canary@git.example.com:22/team/api',
    'canary@git.example.com:team/api',
    'user:canary@git.example.com/team/api',
    `https://${'u'.repeat(2000)}canary@git.example.com/team/api`,
    'HTTPS://user:canary@git.example.com/team/api',
  ])('keeps the URL %j without possible secrets', (address) => {
    const { ci } = createActor({ JENKINS_URL: 'x', GIT_URL: address, BUILD_URL: address }, machine)
    expect(JSON.stringify(ci)).not.toContain('canary')
    expect(ci?.repository).toContain('git.example.com')
    expect(ci?.run).toContain('git.example.com')
  })

  it('reads no other variables', () => {
    const secrets = {
      GITHUB_TOKEN: 'canary',
      ACTIONS_RUNTIME_TOKEN: 'canary',
      CI_JOB_TOKEN: 'canary',
      CI_REPOSITORY_URL: 'https://gitlab-ci-token:canary@gitlab.example.com/team/api',
      BUILDKITE_AGENT_ACCESS_TOKEN: 'canary',
      SYSTEM_ACCESSTOKEN: 'canary',
      CIRCLE_OIDC_TOKEN: 'canary',
    }
    const flags = ['GITHUB_ACTIONS', 'GITLAB_CI', 'BUILDKITE', 'CIRCLECI', 'TF_BUILD', 'JENKINS_URL']
    for (const flag of flags) {
      expect(JSON.stringify(createActor({ ...secrets, [flag]: 'true' }, machine))).not.toContain('canary')
    }
  })

  it('is bounded and on one line, whatever the environment has', () => {
    const value = fc.oneof(anyText(64), fc.constantFrom('x'.repeat(1100), '\u001b[31m\r\n', '\ud800'))
    fc.assert(
      fc.property(value, value, value, (user, address, says) => {
        const env = {
          BUILDKITE: 'true',
          BUILDKITE_UNBLOCKER: user,
          BUILDKITE_REPO: address,
          BUILDKITE_BUILD_URL: address,
        }
        const actor = createActor(env, { user, host: address }, says)
        const texts = [actor.user, actor.host, actor.says, ...Object.values(actor.ci ?? {})] as (
          | string
          | undefined
        )[]
        for (const text of texts) {
          expect((text ?? 'x').length).toBeGreaterThan(0)
          expect((text ?? '').length).toBeLessThanOrEqual(1024)
          expect(text ?? '').not.toMatch(/\p{Cc}/u)
          expect((text ?? '').isWellFormed()).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })
})
