import { describe, expect, it } from 'vitest'
import { replaceFile } from '../../../src/lib/host/replace-file.ts'

/** A rename that fails with the code for the first calls, and a clock that counts its sleeps. */
function failing(code: string, times: number) {
  const seen = { calls: 0, sleptMs: 0 }
  return {
    seen,
    rename: () => {
      seen.calls += 1
      return seen.calls > times ? Promise.resolve() : Promise.reject(Object.assign(new Error(code), { code }))
    },
    clock: {
      now: () => 0,
      sleep: (ms: number) => {
        seen.sleptMs += ms
        return Promise.resolve()
      },
    },
  }
}

describe('a file on Windows', () => {
  it.each(['EPERM', 'EBUSY', 'EACCES'])('is replaced after another program closed it (%s)', async (code) => {
    const { seen, ...ports } = failing(code, 3)
    await replaceFile('a', 'b', { platform: 'win32', ...ports })
    expect(seen).toEqual({ calls: 4, sleptMs: 150 })
  })

  it('is not replaced if it stays open for 2 s', async () => {
    const { seen, ...ports } = failing('EBUSY', 1000)
    await expect(replaceFile('a', 'b', { platform: 'win32', ...ports })).rejects.toThrow('EBUSY')
    expect(seen.sleptMs).toBe(2000)
  })

  it('is renamed once if the failure has another cause', async () => {
    const { seen, ...ports } = failing('ENOSPC', 1)
    await expect(replaceFile('a', 'b', { platform: 'win32', ...ports })).rejects.toThrow('ENOSPC')
    expect(seen.calls).toBe(1)
  })
})

describe('a file on other systems', () => {
  it('is renamed once', async () => {
    const { seen, ...ports } = failing('EPERM', 1)
    await expect(replaceFile('a', 'b', { platform: 'linux', ...ports })).rejects.toThrow('EPERM')
    expect(seen).toEqual({ calls: 1, sleptMs: 0 })
  })
})
