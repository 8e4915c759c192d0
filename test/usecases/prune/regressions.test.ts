import { expect, it } from 'vitest'
import { play } from '../../support/retention/play.ts'
import type { Scenario } from '../../support/retention/scenarios.ts'

/** Scenarios that the sweep found, each in its smallest form. */
const nothing: Omit<Scenario, 'recipe' | 'policy' | 'others'> = {
  abilities: {},
  inUse: [],
  isTwice: false,
  isSaved: false,
  seed: 0,
}
const old = { kind: 'image', annotated: 'absent', configured: 20 } as const
const everything = { rules: [{ name: 'all', tags: ['pr-*'] }] }

it('a selected tag that is moved to an index keeps the images in it', async () => {
  const recipe = {
    pieces: [old, { ...old, configured: 21 }, { ...old, configured: 22 }],
    tags: [0, 1, 2].map((on) => ({ tag: `pr-${on + 1}-a`, on })),
  }
  // One of these moves comes after the check of the other tags and before that of pr-1-a.
  const complaints = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const deed = { kind: 'index', tag: 'pr-1-a', parts: [1, 2], after: 0 } as const
      const others = [{ phase: 'deleting', at, deed } as const]
      return (await play({ ...nothing, recipe, policy: everything, others })).complaints
    }),
  )
  expect(complaints.flat()).toEqual([])
})

it('a new tag in the list is read after a tag without a manifest', async () => {
  const recipe = {
    pieces: [old, { ...old, configured: 21 }, { ...old, configured: 22 }],
    tags: [0, 1, 2].map((on) => ({ tag: `pr-${on + 1}-a`, on })),
  }
  const complaints = await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      const others = [
        { phase: 'deleting', at, deed: { kind: 'delete', which: 0 } } as const,
        { phase: 'deleting', at, deed: { kind: 'tag', tag: 'release', on: 0 } } as const,
      ]
      const scenario = { ...nothing, recipe, policy: everything, others, isSaved: true }
      return (await play(scenario)).complaints
    }),
  )
  expect(complaints.flat()).toEqual([])
})

it('an attached artifact of a report is kept if what the report lists is needed', async () => {
  const recipe = {
    pieces: [
      old,
      { kind: 'index', parts: [0], annotated: 'absent', attested: false, dangling: false } as const,
      { kind: 'referrer', of: 1, parts: [0], byTag: false, annotated: 'absent' } as const,
      { kind: 'cosign', of: 0, suffix: 'sig' } as const,
    ],
    tags: [{ tag: 'pr-1-a', on: 0 }],
  }
  const deed = { kind: 'index', tag: 'release', parts: [0], after: 0 } as const
  const others = [{ phase: 'reading', at: 0, deed } as const]
  const { complaints } = await play({ ...nothing, recipe, policy: everything, others })
  expect(complaints).toEqual([])
})
