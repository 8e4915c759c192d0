import { DrayError, toDrayError } from '../../../src/lib/errors.ts'
import { knownSystemCodes, systemCause } from '../../../src/lib/system-errors.ts'
import { systemError } from '../../support/failing-disk.ts'
import { describe, expect, it } from 'vitest'
import { hintUnlessDisk, ifThere, ioError } from '../../../src/lib/files/io-error.ts'

describe('ifThere', () => {
  const failing = (code: string): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }))

  it('is undefined for ENOENT', async () => {
    expect(await ifThere(failing('ENOENT'), '/state')).toBeUndefined()
  })

  it.each(['EACCES', 'EIO', 'ENOTDIR', 'ELOOP', 'EMFILE', 'ESTALE'])(
    'throws an error for %s',
    async (code) => {
      await expect(ifThere(failing(code), '/state', 'Look.')).rejects.toMatchObject({
        code: 'io',
        message: 'cannot read /state',
        why: expect.stringContaining(code) as string,
        hint: 'Look.',
      })
    },
  )
})

describe.each(knownSystemCodes)('a failure with %s', (code) => {
  const cause = systemCause(code)
  const thrown = systemError(code, 'open', '/state/file')

  it('is explained with the cause, the message of the system and a fix', () => {
    expect(ioError(thrown, 'cannot write /state', '/state')).toMatchObject({
      code: 'io',
      message: 'cannot write /state',
      subject: '/state',
      why: `${cause?.why} (${thrown.message})`,
      hint: cause?.hint,
    })
  })

  it('is no bug of dray if nothing expected it', () => {
    expect(toDrayError(thrown)).toMatchObject({
      code: 'io',
      subject: '/state/file',
      why: `${cause?.why} (${thrown.message})`,
      hint: cause?.hint,
      cause: thrown,
    })
  })
})

it('a failure without a known cause is a bug of dray if nothing expected it', () => {
  expect(toDrayError(systemError('EBADF', 'read'))).toMatchObject({ code: 'internal' })
  expect(toDrayError(new Error('x'))).toMatchObject({ code: 'internal' })
})

it('a caller replaces the fix for a disk, and keeps the one for a limit of the machine', () => {
  const fixOf = (code: string) => hintUnlessDisk(ioError(systemError(code, 'open'), 'no', '/state'))
  expect([fixOf('ENOSPC'), fixOf('EACCES')]).toEqual([undefined, undefined])
  expect(fixOf('EMFILE')).toContain('ulimit -n')
  expect(hintUnlessDisk(new DrayError('io', 'no', { hint: 'Do this.' }))).toBe('Do this.')
})
