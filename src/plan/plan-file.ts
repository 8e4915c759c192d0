import * as v from 'valibot'
import { DrayError } from '../lib/errors.ts'
import { digestOf } from '../oci/digest.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { canonicalChunks, canonicalJson } from './canonical-json.ts'
import { checkConsistency } from './consistency.ts'
import { checkEditConsistency } from './edits/edit-consistency.ts'
import { createEditEntries } from './edits/edit-shape.ts'
import type { EditingPlan } from './edits/editing-plan.ts'
import { createGateResultShape } from './gates/gate-shapes.ts'
import { invalidPlan } from './invalid-plan.ts'
import { hashOfPlan, keepSavedHash } from './plan-hash.ts'
import type { OperationName, PlacementOperation, Plan } from './plan.ts'
import { checkPruneConsistency } from './prune/prune-consistency.ts'
import type { PrunePlan } from './prune/prune-plan.ts'
import { createPrunePlanShape } from './prune/prune-plan-shape.ts'
import { renameOldNames } from './renamed-names.ts'
import { checkSyncConsistency } from './sync/sync-consistency.ts'
import type { SyncPlan } from './sync/sync-plan.ts'
import { createSyncEntries } from './sync/sync-shape.ts'
import { descriptor, digest, error, natural, platforms, repository, tag, time } from './shapes.ts'

/** The largest plan that dray reads, bytes: some 100,000 copy steps, or 30,000 deleted images. */
export const maxPlanSize: number = 256 * 1024 * 1024
const schemaName = 'dray.plan/1'

const override = v.exactOptional(v.picklist(['moveTag', 'allowBackward', 'rollback', 'movedTags']))

/** Creates the shape of a plan. Most runs read no plan, and need none. */
function createPlanShape(): v.GenericSchema {
  const operations = ['promote', 'copy', 'tag', 'rollback', 'gitops'] as const
  return v.strictObject({ ...createPlanEntries(operations), ...createEditEntries() })
}

function createSyncPlanShape(): v.GenericSchema {
  return v.strictObject({ ...createPlanEntries(['sync']), ...createSyncEntries() })
}

function createPlanEntries(operations: readonly PlacementOperation[]): v.ObjectEntries {
  const placementEnd = v.strictObject({
    environment: v.exactOptional(v.string()),
    repository,
    tag: v.exactOptional(tag),
  })
  return {
    schema: v.literal(schemaName),
    operation: v.picklist(operations),
    createdAt: time,
    tool: v.string(),
    policy: v.string(),
    placements: v.array(
      v.strictObject({
        id: v.string(),
        image: v.string(),
        from: placementEnd,
        to: placementEnd,
        root: descriptor,
        tags: v.array(
          v.strictObject({
            tag,
            before: v.nullable(digest),
            change: v.picklist(['create', 'move', 'unchanged']),
            reason: v.exactOptional(v.string()),
            override,
            readAs: v.exactOptional(v.string()),
            deletesBefore: v.exactOptional(v.literal(true)),
          }),
        ),
        keptTags: v.exactOptional(
          v.array(v.strictObject({ tag, at: v.nullable(digest), reason: v.string() })),
        ),
        evidence: v.strictObject({ found: v.number(), missing: v.number() }),
        size: v.exactOptional(v.number()),
        gates: v.exactOptional(v.array(createGateResultShape())),
        rule: v.exactOptional(v.string()),
        platforms: v.exactOptional(platforms),
        ofPlatforms: v.exactOptional(natural),
      }),
    ),
    steps: v.array(createStepShape()),
    refusals: v.array(
      v.strictObject({
        image: v.string(),
        placement: v.exactOptional(v.string()),
        rule: v.exactOptional(v.string()),
        error,
      }),
    ),
  }
}

function createStepShape(): v.GenericSchema {
  // Numbers with more digits than JavaScript has are texts without leading zeros.
  const versionNumber = v.union([natural, v.pipe(v.string(), v.regex(/^[1-9]\d{15,}$/))])
  const stepBase = {
    id: v.string(),
    placement: v.string(),
    after: v.array(v.string()),
    expect: v.array(
      v.variant('kind', [
        v.strictObject({ kind: v.literal('tag'), repository, tag, digest: v.nullable(digest) }),
        v.strictObject({
          kind: v.literal('highest'),
          repository,
          line: v.strictObject({
            major: v.exactOptional(versionNumber),
            minor: v.exactOptional(versionNumber),
            channel: v.exactOptional(tag),
            variant: v.exactOptional(tag),
          }),
          version: v.string(),
          buildMetadata: v.boolean(),
          scheme: v.exactOptional(v.picklist(['semver', 'calver', 'loose'])),
          variants: v.exactOptional(v.array(v.string())),
          ignoreVersions: v.exactOptional(v.array(v.string())),
          twoNumbers: v.exactOptional(v.boolean()),
        }),
      ]),
    ),
  }
  return v.variant('kind', [
    v.strictObject({
      ...stepBase,
      kind: v.literal('copy'),
      root: descriptor,
      from: repository,
      to: repository,
      rootBy: v.picklist(['digest', 'tag']),
      repair: v.exactOptional(v.literal(true)),
      platforms: v.exactOptional(platforms),
    }),
    v.strictObject({
      ...stepBase,
      kind: v.literal('attach'),
      subject: digest,
      manifest: descriptor,
      from: repository,
      to: repository,
      via: v.picklist(['subject', 'tag']),
      tag: v.exactOptional(tag),
      repair: v.exactOptional(v.literal(true)),
    }),
    v.strictObject({ ...stepBase, kind: v.literal('attest'), subject: descriptor, repository }),
    v.strictObject({
      ...stepBase,
      kind: v.literal('tag'),
      repository,
      tag,
      target: descriptor,
      from: repository,
      override,
    }),
  ])
}

/** Formats a plan as readable JSON with its hash, and with the signature if there is one. */
export function formatPlanFile(plan: Plan | PrunePlan, signature?: unknown): string {
  const file = { ...plan, hash: hashOfPlan(plan), ...(signature !== undefined && { signature }) }
  return `${JSON.stringify(file, undefined, 2)}\n`
}

/** Returns a plan that only dray reads, with its hash: as short as it can be, UTF-8, in chunks. */
export async function* planFileChunks(plan: Plan | PrunePlan): AsyncGenerator<Uint8Array> {
  yield* canonicalChunks({ ...plan, hash: hashOfPlan(plan) })
}

/** Checks the signature of a plan, given as canonical JSON. @throws `refused`. */
export type SignatureCheck = (canonical: string, signature: unknown, name: string) => void

/**
 * Reads a plan file. The hash detects an edit by hand and a cut file. Only the signature, and the
 * review by `dray apply`, protect against a person who computes a new hash.
 * @throws `malformed` for a file that is no plan; `unsupported` for a plan of another version;
 * `refused` if the hash does not match, or it is the plan of a bundle.
 */
export function parsePlanFile(
  text: Uint8Array | string,
  name: string,
  checkSignature?: SignatureCheck,
): Plan | PrunePlan {
  const value = parseJson(text, name)
  if (!isRecord(value) || typeof value['schema'] !== 'string' || !value['schema'].startsWith('dray.plan/')) {
    throw new DrayError('malformed', `${name} is not a plan`, {
      why: `its key "schema" does not start with dray.plan/`,
      hint: 'Save a plan with --out: dray promote IMAGE --from ENV --to ENV --out FILE',
    })
  }
  if (value['schema'] !== schemaName) {
    throw new DrayError('unsupported', `cannot read the plan ${name}`, {
      why: `its schema is ${value['schema']}, and this version of dray reads ${schemaName}`,
      hint: 'Make a new plan with this version of dray.',
    })
  }
  // the hash and the signature cover the rest of the plan
  const { hash, signature, ...rest } = value
  const canonical = canonicalJson(rest)
  checkSignature?.(canonical, signature, name)
  const computed = digestOf(canonical)
  if (hash !== computed) {
    throw new DrayError('refused', `the plan ${name} was changed after it was saved`, {
      why: 'its hash does not match its content',
      hint: 'Make a new plan.',
    })
  }
  renameOldNames(rest)
  const operation = rest['operation']
  // The shape of a placement plan reports an unknown operation.
  const isKnown = typeof operation === 'string' && Object.hasOwn(parsers, operation)
  const plan = parsers[isKnown ? (operation as OperationName) : 'promote'](rest, name)
  keepSavedHash(plan, computed)
  return plan
}

const parsers: Readonly<Record<OperationName, (value: unknown, name: string) => Plan | PrunePlan>> = {
  promote: parsePlacementPlan,
  copy: parsePlacementPlan,
  tag: parsePlacementPlan,
  rollback: parsePlacementPlan,
  gitops: parsePlacementPlan,
  sync: parseSyncPlan,
  bundle: refuseBundlePlan,
  prune: parsePrunePlan,
}

function parsePlacementPlan(value: unknown, name: string): Plan {
  const plan = parseShape(createPlanShape(), value, name) as EditingPlan
  checkConsistency(plan, name)
  checkEditConsistency(plan, name)
  return plan
}

/** @throws `refused`: the content of a bundle is not in its plan. */
function refuseBundlePlan(_value: unknown, name: string): never {
  throw new DrayError('refused', `${name} is the plan of a bundle, which cannot be saved`, {
    subject: name,
    why: 'the content is in the bundle, and not in the plan',
    hint: 'Apply the bundle: dray bundle apply FILE --to PLACE.',
  })
}

function parseSyncPlan(value: unknown, name: string): Plan {
  const plan = parseShape(createSyncPlanShape(), value, name) as SyncPlan
  checkSyncConsistency(plan, name)
  return plan
}

function parsePrunePlan(value: unknown, name: string): PrunePlan {
  const plan = parseShape(createPrunePlanShape(), value, name) as PrunePlan
  if (plan.repositories.some(({ rule }) => rule !== undefined))
    throw invalidPlan(name, 'a plan of prune has no sync rule')
  checkPruneConsistency(plan, name)
  return plan
}

function parseShape(shape: v.GenericSchema, value: unknown, name: string): unknown {
  const parsed = v.safeParse(shape, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw invalidPlan(name, `${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`)
}
