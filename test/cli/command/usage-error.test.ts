import { Parser } from '@oclif/core'
import { boolean, integer, option, string } from '@oclif/core/flags'
import { describe, expect, it } from 'vitest'
import { fromOclif } from '../../../src/cli/command/usage-error.ts'

const flags = {
  limit: integer({ min: 1 }),
  from: string(),
  format: option({ options: ['csv', 'ocsf'] as const })({}),
  quiet: boolean({ exclusive: ['verbose'] }),
  verbose: boolean({ exclusive: ['quiet'] }),
  watch: boolean(),
  interval: string({ dependsOn: ['watch'] }),
}

describe('an error of the parser', () => {
  it.each([
    ['--from', '--from needs a value'],
    ['--format', '--format needs one of these values: csv, ocsf'],
    ['--format xml', '--format has no value "xml"'],
    ['--from a --from b', '--from can be given only once'],
    ['--limit x', '--limit needs an integer, not x'],
    ['--limit 0', '--limit needs an integer greater than or equal to 1, not 0'],
    ['--interval 9s', '--interval can be given only with --watch'],
    ['--quiet --verbose', '--quiet and --verbose exclude each other'],
  ])('of "%s" is "%s"', async (line, message) => {
    const thrown = await Parser.parse(line.split(' '), { flags }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(fromOclif(thrown)).toMatchObject({
      code: 'usage',
      message: expect.stringContaining(message) as string,
    })
  })

  it('names a required flag with its dashes', async () => {
    const parsing = Parser.parse([], { flags: { out: string({ required: true }) } })
    const thrown: unknown = await parsing.catch((error: unknown) => error)
    expect(fromOclif(thrown)).toMatchObject({ code: 'usage', message: '--out is missing' })
  })
})
