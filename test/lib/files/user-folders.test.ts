import { userInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { folderIn, homeFolder, userFolder } from '../../../src/lib/files/user-folders.ts'

describe('the folders of the user', () => {
  it.each(['', 'home', './home', '~'])('are not below the working directory with HOME=%j', (HOME) => {
    expect(homeFolder({ HOME })).toBe(userInfo().homedir)
    expect(userFolder('state', { HOME, XDG_STATE_HOME: HOME })).toEqual({
      base: userInfo().homedir,
      below: ['.local', 'state', 'dray'],
    })
  })

  it('are where absolute variables name them', () => {
    expect(homeFolder({ HOME: '/srv/../home/ada/' })).toBe('/home/ada')
    expect(userFolder('cache', { HOME: '/home/ada', XDG_CACHE_HOME: '/cache' })).toEqual({
      base: '/cache',
      below: ['dray'],
    })
    expect(folderIn({ XDG_RUNTIME_DIR: 'run' }, 'XDG_RUNTIME_DIR')).toBeUndefined()
  })

  it('are in LOCALAPPDATA on Windows, unless a variable names another folder', () => {
    const env = { HOME: '/home/ada', LOCALAPPDATA: String.raw`C:\Users\ada\AppData\Local` }
    const base = String.raw`C:\Users\ada\AppData\Local`
    expect(userFolder('state', env, 'win32')).toEqual({ base, below: ['dray'] })
    expect(userFolder('cache', env, 'win32')).toEqual({ base, below: ['dray', 'cache'] })
    expect(userFolder('state', { ...env, XDG_STATE_HOME: '/state' }, 'win32')?.base).toBe('/state')
    expect(userFolder('state', { ...env, LOCALAPPDATA: 'here' }, 'win32')?.base).toBe('/home/ada')
    expect(userFolder('state', env, 'linux')?.base).toBe('/home/ada')
  })

  it('include no cache in the root', () => {
    expect(userFolder('cache', { HOME: '/' })).toBeUndefined()
  })
})
