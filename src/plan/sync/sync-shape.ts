import * as v from 'valibot'
import { createPrunePlanShape } from '../prune/prune-plan-shape.ts'
import { digest, error, natural, repository, tag } from '../shapes.ts'

/** Creates the members of a `SyncPlan` in a file that other plans do not have. */
export function createSyncEntries(): v.ObjectEntries {
  return {
    rules: v.array(v.strictObject({ name: v.string(), hash: digest })),
    drift: v.array(
      v.strictObject({
        rule: v.string(),
        from: repository,
        to: repository,
        environment: v.exactOptional(v.string()),
        selected: natural,
        tags: v.array(
          v.strictObject({
            tag,
            state: v.picklist(['missing', 'moved', 'changed', 'kept', 'extra', 'evidenceMissing', 'damaged']),
            source: v.nullable(digest),
            destination: v.nullable(digest),
            written: v.exactOptional(digest),
            reason: v.exactOptional(v.string()),
          }),
        ),
        error: v.exactOptional(error),
      }),
    ),
    deletes: v.exactOptional(createPrunePlanShape()),
    executesDeletes: v.exactOptional(v.literal(true)),
  }
}
