import { expect, it } from 'vitest'
import { simulatePrune } from '../../support/retention/simulation.ts'
import type { Recipe } from '../../support/retention/recipes.ts'
import type { Scenario } from '../../support/retention/scenarios.ts'

/** Scenarios that the sweep found, each in its smallest form. */
const nothing: Omit<Scenario, 'recipe' | 'policy' | 'changes'> = {
  reading: {},
  isReadingOfImage: false,
  abilities: {},
  locks: [],
  inUse: [],
  isTwice: false,
  isSaved: false,
  seed: 0,
}
const plain: Pick<Recipe, 'dangling' | 'moves' | 'sightings'> = {
  dangling: [],
  moves: [],
  sightings: ['never'],
}
const old = { kind: 'image', annotated: 'absent', configured: 20 } as const
const everything = { rules: [{ name: 'all', tags: ['pr-*'] }] }

it('a selected tag that is moved to an index keeps the images in it', async () => {
  const recipe = {
    ...plain,
    manifests: [old, { ...old, configured: 21 }, { ...old, configured: 22 }],
    tags: [0, 1, 2].map((on) => ({ tag: `pr-${on + 1}-a`, on })),
  }
  // One of these moves comes after the check of the other tags and before that of pr-1-a.
  const complaints = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const change = { kind: 'index', tag: 'pr-1-a', children: [1, 2], after: 0 } as const
      const changes = [{ phase: 'deleting', at, change } as const]
      return (await simulatePrune({ ...nothing, recipe, policy: everything, changes: changes })).complaints
    }),
  )
  expect(complaints.flat()).toEqual([])
})

it('a new tag in the list is read after a tag without a manifest', async () => {
  const recipe = {
    ...plain,
    manifests: [old, { ...old, configured: 21 }, { ...old, configured: 22 }],
    tags: [0, 1, 2].map((on) => ({ tag: `pr-${on + 1}-a`, on })),
  }
  const complaints = await Promise.all(
    Array.from({ length: 8 }, async (_, at) => {
      const changes = [
        { phase: 'deleting', at, change: { kind: 'delete', which: 0 } } as const,
        { phase: 'deleting', at, change: { kind: 'tag', tag: 'release', on: 0 } } as const,
      ]
      const scenario = { ...nothing, recipe, policy: everything, changes, isSaved: true }
      return (await simulatePrune(scenario)).complaints
    }),
  )
  expect(complaints.flat()).toEqual([])
})

it('an attached artifact of a manifest in a report is kept if the manifest is needed', async () => {
  const recipe = {
    ...plain,
    manifests: [
      old,
      {
        kind: 'index',
        children: [0],
        annotated: 'absent',
        hasAttestations: false,
        hasMissingChild: false,
      } as const,
      { kind: 'referrer', of: 1, children: [0], byTag: false, annotated: 'absent' } as const,
      { kind: 'cosign', of: 0, suffix: 'sig', prefix: '' } as const,
    ],
    tags: [{ tag: 'pr-1-a', on: 0 }],
  }
  const change = { kind: 'index', tag: 'release', children: [0], after: 0 } as const
  const changes = [{ phase: 'reading', at: 0, change } as const]
  const { complaints } = await simulatePrune({ ...nothing, recipe, policy: everything, changes: changes })
  expect(complaints).toEqual([])
})
