import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lacksSecrets } from '../../action/event.ts'
import { tempFolder } from '../support/temp.ts'

const pullRequest = (repo: unknown): string => JSON.stringify({ pull_request: { head: { repo } } })

describe('a run without secrets', () => {
  it.each([
    ['a pull request from a fork', 'pull_request', pullRequest({ fork: true }), true],
    ['a review of one', 'pull_request_review', pullRequest({ fork: true }), true],
    ['a pull request from a deleted fork', 'pull_request', pullRequest(null), true],
    ['a pull request from a branch', 'pull_request', pullRequest({ fork: false }), false],
    ['pull_request_target from a fork', 'pull_request_target', pullRequest({ fork: true }), false],
    ['a push', 'push', '{}', false],
    ['an event that cannot be parsed', 'pull_request', '{', false],
    ['an event without a pull request', 'pull_request', 'null', false],
  ])('is recognised: %s', async (_, name, event, expected) => {
    const file = join(await tempFolder(), 'event.json')
    await writeFile(file, event)
    expect(lacksSecrets({ GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: file })).toBe(expected)
  })

  it('is one by Dependabot, and none if the event is missing', () => {
    expect(lacksSecrets({ GITHUB_ACTOR: 'dependabot[bot]', GITHUB_EVENT_NAME: 'push' })).toBe(true)
    expect(lacksSecrets({ GITHUB_EVENT_NAME: 'pull_request' })).toBe(false)
    expect(lacksSecrets({ GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: '/nonexistent' })).toBe(false)
  })
})
