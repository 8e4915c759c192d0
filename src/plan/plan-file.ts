import { isAbsolute, normalize } from 'node:path'
import * as v from 'valibot'
import { DrayError, errorCodes } from '../errors.ts'
import { type Digest, digestOf, isDigest } from '../oci/digest.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { checkPath, isTag, layoutRegistry, parseRegistry, type RepositoryName } from '../oci/reference.ts'
import { canonicalJson } from './canonical-json.ts'
import { checkConsistency } from './consistency.ts'
import { hashOfPlan } from './plan-hash.ts'
import type { Plan } from './plan.ts'

/** The largest plan that is read: some 100,000 steps. */
export const maxPlanSize: number = 64 * 1024 * 1024
const schemaName = 'dray.plan/1'

const digest = v.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest')
const tag = v.pipe(v.string(), v.check(isTag, 'is not a tag'))
const repository = v.pipe(
  v.strictObject({ registry: v.string(), path: v.string() }),
  v.check(isRepository, 'is not a repository'),
)
const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const override = v.exactOptional(v.picklist(['moveTag', 'allowBackward', 'rollback']))
const stringMap = v.record(v.string(), v.string())
const descriptor = v.strictObject({
  mediaType: v.string(),
  digest,
  size: natural,
  artifactType: v.exactOptional(v.string()),
  platform: v.exactOptional(
    v.strictObject({
      os: v.string(),
      architecture: v.string(),
      variant: v.exactOptional(v.string()),
      osVersion: v.exactOptional(v.string()),
    }),
  ),
  annotations: v.exactOptional(stringMap),
  urls: v.exactOptional(v.array(v.string())),
})
const place = v.strictObject({
  environment: v.exactOptional(v.string()),
  repository,
  tag: v.exactOptional(tag),
})
const error = v.strictObject({
  code: v.picklist(errorCodes),
  message: v.string(),
  details: v.exactOptional(v.array(v.string())),
  subject: v.exactOptional(v.string()),
  why: v.exactOptional(v.string()),
  hint: v.exactOptional(v.string()),
  status: v.exactOptional(v.number()),
  registryCode: v.exactOptional(v.string()),
})
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
          major: v.exactOptional(natural),
          minor: v.exactOptional(natural),
          channel: v.exactOptional(tag),
        }),
        version: v.string(),
        buildMetadata: v.boolean(),
      }),
    ]),
  ),
}
const step = v.variant('kind', [
  v.strictObject({
    ...stepBase,
    kind: v.literal('copy'),
    root: descriptor,
    from: repository,
    to: repository,
    rootBy: v.picklist(['digest', 'tag']),
    repair: v.exactOptional(v.literal(true)),
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
const planSchema = v.strictObject({
  schema: v.literal(schemaName),
  operation: v.picklist(['promote', 'copy', 'tag', 'rollback']),
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  tool: v.string(),
  policy: v.string(),
  placements: v.array(
    v.strictObject({
      id: v.string(),
      image: v.string(),
      from: place,
      to: place,
      root: descriptor,
      tags: v.array(
        v.strictObject({
          tag,
          before: v.nullable(digest),
          change: v.picklist(['create', 'move', 'unchanged']),
          reason: v.exactOptional(v.string()),
          override,
        }),
      ),
      held: v.exactOptional(v.array(v.strictObject({ tag, at: v.nullable(digest), reason: v.string() }))),
      evidence: v.strictObject({ found: v.number(), missing: v.number() }),
      size: v.exactOptional(v.number()),
    }),
  ),
  steps: v.array(step),
  refusals: v.array(v.strictObject({ image: v.string(), placement: v.exactOptional(v.string()), error })),
})

/** The plan as a file: readable JSON, closed by the hash of all the rest. */
export function formatPlanFile(plan: Plan): string {
  return `${JSON.stringify({ ...plan, hash: hashOfPlan(plan) }, undefined, 2)}\n`
}

/**
 * Reads a plan file. The hash guards against an edit by hand and a cut file, not against someone who computes a new one.
 * @throws `malformed` for a file that is no plan; `unsupported` for a plan of another version; `refused` where the hash does not fit.
 */
export function parsePlanFile(text: Uint8Array | string, name: string): Plan {
  const value = parseJson(text, name)
  if (!isRecord(value) || typeof value['schema'] !== 'string' || !value['schema'].startsWith('dray.plan/')) {
    throw new DrayError('malformed', `${name} is not a plan`, {
      hint: 'A plan is written by `dray promote … --out FILE`.',
    })
  }
  if (value['schema'] !== schemaName) {
    throw new DrayError('unsupported', `${name} is a plan of another version (${value['schema']})`, {
      hint: `This dray reads ${schemaName}. Make the plan again.`,
    })
  }
  const { hash, ...rest } = value
  if (hash !== digestOf(canonicalJson(rest))) {
    throw new DrayError('refused', `${name} was changed after it was made: its hash does not fit`, {
      hint: 'A plan is carried out as it was shown or not at all. Make it again.',
    })
  }
  const parsed = v.safeParse(planSchema, rest)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new DrayError(
      'malformed',
      `${name} is not a plan: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`,
    )
  }
  const plan = parsed.output as Plan
  checkConsistency(plan, name)
  return plan
}

/** Spelled as a reference would be, so that nothing but a host and a path gets into an address; a layout's folder is whole. */
function isRepository({ registry, path }: RepositoryName): boolean {
  if (registry === layoutRegistry) return isAbsolute(path) && normalize(path) === path && !path.includes('\0')
  try {
    checkPath(path)
    return parseRegistry(registry) === registry
  } catch {
    return false
  }
}
