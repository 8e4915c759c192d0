import { afterAll, expect, it } from 'vitest'
import { crash, type KillPoint } from '../support/faults/crash.ts'
import { closeSources, setUps } from '../support/faults/set-ups.ts'

afterAll(closeSources)

/** A sample. `npm run test:sweep` tests all killPoints. */
const killPoints: readonly (readonly [string, KillPoint])[] = [
  ['index with evidence', { when: 'before', request: 24 }],
  ['index with evidence', { when: 'after', request: 45 }],
  ['index with evidence', { when: 'in the middle', byte: 9_000 }],
  ['index with evidence, docker-registry', { when: 'after', request: 50 }],
  ['between registries', { when: 'in the middle', byte: 6_000 }],
]

it.each(killPoints)(
  'a promotion (%s) that is killed at %j is completed by the next run, which sends no blob again and leaves a valid log',
  async (name, killPoint) => {
    const setUp = setUps.find((one) => one.name === name)
    if (setUp === undefined) throw new Error(`no set-up ${name}`)
    const { isKilled, complaints } = await crash(setUp, killPoint)
    expect(complaints).toEqual([])
    expect(isKilled).toBe(true)
  },
)
