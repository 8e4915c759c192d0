import { describe, expect, it } from 'vitest'
import { ifThere } from '../../../src/lib/files/io-error.ts'

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
        why: code,
        hint: 'Look.',
      })
    },
  )
})
