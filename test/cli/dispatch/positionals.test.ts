import { boolean, string } from '@oclif/core/flags'
import { describe, expect, it } from 'vitest'
import { listPositionals, refuseBooleanValues } from '../../../src/cli/dispatch/positionals.ts'

describe('the arguments of a command', () => {
  it('keep their order if one of them equals the value of a flag before it', () => {
    const raw = [
      { type: 'flag', flag: 'reason', input: '1.5.0' },
      { type: 'arg', arg: 'image', input: '@dev/api:abc' },
      { type: 'arg', arg: 'version', input: '1.5.0' },
    ]
    expect(listPositionals(raw)).toEqual(['@dev/api:abc', '1.5.0'])
  })

  it.each(['--yes=false', '--yes=', '--no-color=1', '--color=always'])(
    'contain no value for a flag without one: %s',
    (arg) => {
      const flags = { yes: boolean(), color: boolean({ allowNo: true }), reason: string() }
      expect(() => refuseBooleanValues(['api', arg], flags)).toThrow(
        expect.objectContaining({ code: 'usage', message: `${arg.replace(/=.*/, '')} takes no value` }),
      )
      expect(() => refuseBooleanValues(['api', '--reason=--yes=false', '--', arg], flags)).not.toThrow()
    },
  )
})
