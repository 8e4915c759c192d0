import { Parser } from '@oclif/core'
import { describe, expect, it } from 'vitest'
import { fromOclif } from '../../../src/cli/command/usage-error.ts'
import { gitFlags } from '../../../src/cli/command/change-flags.ts'
import { errorOf } from '../../support/git/error-of.ts'

async function parse(line: string): Promise<object> {
  try {
    return (await Parser.parse(line.split(' '), { flags: gitFlags })).flags
  } catch (error) {
    throw fromOclif(error)
  }
}

describe('the flags for git', () => {
  it.each([
    ['--commit', { commit: true }],
    [
      '--push --branch release/prod --message Deploy',
      { push: true, branch: 'release/prod', message: 'Deploy' },
    ],
    ['--pr', { pr: true }],
  ])('are accepted: %s', async (line, flags) => {
    expect(await parse(line)).toEqual(flags)
  })

  it.each(['--commit --push', '--push --pr', '--commit --pr', '--branch x', '--message x'])(
    '%s is wrong usage',
    async (line) => {
      const error = await errorOf(parse(line))
      expect(error.code).toBe('usage')
    },
  )
})
