import { describe, expect, it } from 'vitest'
import { redactUrls } from '../../../src/deployments/git/process/redact-urls.ts'
import { newPullRequestUrl } from '../../../src/deployments/git/pull-requests/page-url.ts'
import { parseRemoteUrl } from '../../../src/deployments/git/pull-requests/remote-repository.ts'

const text = { branch: 'dray/prod/a&b', base: 'release/prod', title: 'Deploy "api" & web' }

/** Returns the page to open a pull request by hand, for the URL of a remote. */
function pageFor(url: string): string | undefined {
  const repository = parseRemoteUrl(url)
  return repository && newPullRequestUrl(repository, text)
}

describe('the page to open a pull request by hand', () => {
  const github =
    'https://github.com/acme/deploy/compare/release/prod...dray/prod/a%26b?expand=1&title=Deploy%20%22api%22%20%26%20web'
  it.each([
    'https://github.com/acme/deploy.git',
    'https://user:s3cret@github.com/acme/deploy',
    'git@github.com:acme/deploy.git',
    'ssh://git@github.com/acme/deploy.git',
    'ssh://git@ssh.github.com:443/acme/deploy.git',
    'git@ssh.github.com:acme/deploy.git/',
    'GitHub.com:acme/deploy',
  ])('of GitHub is the comparison of two branches: %s', (url) => {
    expect(pageFor(url)).toBe(github)
  })

  it.each([
    [
      'https://gitlab.acme.test:8443/group/sub/deploy.git',
      'https://gitlab.acme.test:8443/group/sub/deploy/-/merge_requests/new?merge_request%5Bsource_branch%5D=dray%2Fprod%2Fa%26b&merge_request%5Btarget_branch%5D=release%2Fprod&merge_request%5Btitle%5D=Deploy%20%22api%22%20%26%20web',
    ],
    [
      'ssh://git@codeberg.org/acme/deploy.git',
      'https://codeberg.org/acme/deploy/compare/release/prod...dray/prod/a%26b',
    ],
    [
      'ssh://git@gitea.acme.test:2222/acme/deploy.git',
      'https://gitea.acme.test/acme/deploy/compare/release/prod...dray/prod/a%26b',
    ],
    [
      'git@bitbucket.org:acme/deploy.git',
      'https://bitbucket.org/acme/deploy/pull-requests/new?source=dray%2Fprod%2Fa%26b&dest=acme%2Fdeploy%3A%3Arelease%2Fprod&title=Deploy%20%22api%22%20%26%20web',
    ],
    [
      'https://bitbucket.acme.test/scm/ops/deploy.git',
      'https://bitbucket.acme.test/projects/ops/repos/deploy/pull-requests?create&sourceBranch=dray%2Fprod%2Fa%26b&targetBranch=release%2Fprod',
    ],
    [
      'https://acme@dev.azure.com/acme/My%20Project/_git/deploy',
      'https://dev.azure.com/acme/My%20Project/_git/deploy/pullrequestcreate?sourceRef=dray%2Fprod%2Fa%26b&targetRef=release%2Fprod',
    ],
    [
      'git@ssh.dev.azure.com:v3/acme/project/deploy',
      'https://dev.azure.com/acme/project/_git/deploy/pullrequestcreate?sourceRef=dray%2Fprod%2Fa%26b&targetRef=release%2Fprod',
    ],
    [
      'https://acme.visualstudio.com/project/_git/deploy',
      'https://acme.visualstudio.com/project/_git/deploy/pullrequestcreate?sourceRef=dray%2Fprod%2Fa%26b&targetRef=release%2Fprod',
    ],
  ])('is known for %s', (url, page) => {
    expect(pageFor(url)).toBe(page)
  })

  it.each([
    '/srv/git/deploy.git',
    '../deploy.git',
    'file:///srv/git/deploy.git',
    'C:/git/deploy.git',
    './a:b/deploy.git',
    'https://git.acme.test/deploy.git',
    'https://',
    'https://github.com',
    'git@github.com:',
    'https://notgithub.com/acme/deploy',
    '',
  ])('is unknown for %j', (url) => {
    expect(pageFor(url)).toBeUndefined()
  })
})

describe('redacted text', () => {
  it.each([
    ['fatal: https://user:pass@host/x.git: no', 'fatal: https://host/x.git: no'],
    ["unable to access 'https://token@host:8443/x/': 403", "unable to access 'https://host:8443/x/': 403"],
    ['ssh://git:p@ss@host/x https://a:b@c/d', 'ssh://host/x https://c/d'],
    ['https://host/@scope/x?private_token=abc&ref=1', 'https://host/@scope/x?private_token=***&ref=1'],
    ['remote: user@example.test pushed', 'remote: user@example.test pushed'],
    ['git@github.com:acme/x.git', 'git@github.com:acme/x.git'],
  ])('%j has no credentials', (from, to) => {
    expect(redactUrls(from)).toBe(to)
  })
})
