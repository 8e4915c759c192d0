import { userInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { prepareEnvironment } from '../../../src/cli/program/prepare-environment.ts'

/** The environment of packages and child processes. */
function prepared(env: Record<string, string>): Record<string, string | undefined> {
  const changed: NodeJS.ProcessEnv = { ...env }
  prepareEnvironment(changed)
  return changed
}

describe('the environment of packages and child processes', () => {
  const home = userInfo().homedir

  it.each(['', 'home', './home'])('has the home of the system instead of HOME=%j', (HOME) => {
    expect(prepared({ HOME })).toEqual({ HOME: home })
  })

  it('keeps an absolute HOME, and adds none for a user whom the system knows', () => {
    expect(prepared({ HOME: '/srv/home' })).toEqual({ HOME: '/srv/home' })
    expect(prepared({})).toEqual({})
  })

  it('has no XDG folder that is empty or relative', () => {
    const bad = { XDG_CACHE_HOME: '', XDG_STATE_HOME: 'state', XDG_CONFIG_HOME: '.', XDG_RUNTIME_DIR: 'run' }
    expect(prepared({ HOME: '/h', ...bad, XDG_DATA_HOME: '/data' })).toEqual({
      HOME: '/h',
      XDG_DATA_HOME: '/data',
    })
  })

  it('has no variables of colour that contradict each other, about which Node warns', () => {
    const HOME = '/h'
    expect(prepared({ HOME, NO_COLOR: '1', FORCE_COLOR: '1' })).toEqual({ HOME, NO_COLOR: '1' })
    expect(prepared({ HOME, NO_COLOR: '', FORCE_COLOR: '1' })).toEqual({
      HOME,
      NO_COLOR: '',
      FORCE_COLOR: '1',
    })
    expect(prepared({ HOME, NODE_DISABLE_COLORS: '1', FORCE_COLOR: '1' })).toEqual({
      HOME,
      FORCE_COLOR: '1',
    })
  })
})
