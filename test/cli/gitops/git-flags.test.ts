import { Parser } from '@oclif/core'
import { describe, expect, it } from 'vitest'
import { fromOclif } from '../../../src/cli/command/usage-error.ts'
import { gitFlags, gitModeOf } from '../../../src/cli/gitops/git-flags.ts'
import { errorOf } from '../../support/git/error-of.ts'

async function modeOf(line: string): Promise<string | undefined> {
  try {
    const { flags } = await Parser.parse(line.split(' ').filter(Boolean), { flags: gitFlags })
    return gitModeOf(flags)
  } catch (error) {
    throw fromOclif(error)
  }
}

describe('the flags for git', () => {
  it.each([
    ['', undefined],
    ['--commit', 'commit'],
    ['--push --branch release/prod --message Deploy', 'push'],
    ['--pr', 'pullRequest'],
  ])('%j selects %s', async (line, mode) => {
    expect(await modeOf(line)).toBe(mode)
  })

  it.each(['--commit --push', '--push --pr', '--commit --pr', '--branch x', '--message x'])(
    '%s is wrong usage',
    async (line) => {
      const error = await errorOf(modeOf(line))
      expect(error.code).toBe('usage')
    },
  )
})
