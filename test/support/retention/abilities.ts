import * as fc from 'fast-check'
import type { Abilities } from '../../../src/embedded/profiles.ts'
import { withoutDeletes } from '../without-deletes.ts'

/** Abilities that a registry may lack or have in another form. */
export const abilityProfiles: fc.Arbitrary<Partial<Abilities>> = fc
  .record(
    {
      referrers: fc.boolean(),
      deletes: fc.constantFrom<Partial<Abilities>>(
        { deleteTag: 'UNSUPPORTED' },
        { deleteTag: 'DIGEST_INVALID' },
        // Google Artifact Registry wants tags deleted first.
        { deleteTagged: false },
        withoutDeletes,
      ),
      deleteInsideIndex: fc.boolean(),
      locations: fc.constantFrom('relative' as const, 'absolute' as const),
      // Pages of an unordered list would omit tags.
      list: fc.constantFrom<Partial<Abilities>>({ pageLimit: 1 }, { pageLimit: 3 }, { tagOrder: 'none' }),
    },
    { requiredKeys: [] },
  )
  .map(({ list, deletes, ...rest }) => ({ ...rest, ...deletes, ...list }))
