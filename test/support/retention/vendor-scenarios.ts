import * as fc from 'fast-check'
import type { Rule } from '../../../src/config/retention/policy.ts'
import { type Content, cosignSignature, image, index, referrer } from '../images.ts'
import { globs, rule } from '../repository-graphs.ts'

const dayMs = 86_400_000

/** Content with its push, in days before now. */
export interface Pushed {
  readonly content: Content
  readonly tags: readonly string[]
  readonly days: number
  /** days since the last pull of the root; undefined: never */
  readonly pulled?: number
}

/** Something that another client does while dray reads the repository. */
interface ClientEvent {
  /** after so many requests of dray */
  readonly at: number
  readonly pushes: readonly Pushed[]
}

/** A repository, a policy, and clients that push meanwhile. */
export interface VendorScenario {
  readonly pushes: readonly Pushed[]
  readonly rules: readonly Rule[]
  readonly event: ClientEvent
}

const leaves: readonly Content[] = [
  ...['a', 'b', 'c', 'd', 'e'].map((label) => image({ label })),
  image({ label: 'attestation', platform: 'unknown/unknown' }),
]
const leaf = fc.nat({ max: leaves.length - 1 })
const days = fc.integer({ min: 1, max: 40 })
const tags = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly string[]>([]) },
  { weight: 2, arbitrary: fc.constantFrom('pr-1', 'pr-2', 'pr-3').map((tag) => [tag]) },
  { weight: 2, arbitrary: fc.constantFrom('keep-1', 'keep-2').map((tag) => [tag]) },
)
const pulled = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined })

const indexes = fc.array(
  fc.record({ children: fc.uniqueArray(leaf, { minLength: 1, maxLength: 3 }), tags, days, pulled }),
  { maxLength: 4 },
)
const images = fc.array(fc.record({ of: leaf, tags, days, pulled }), { maxLength: 4 })
const attached = fc.array(
  fc.record({ to: fc.nat({ max: 7 }), as: fc.constantFrom('manifest', 'index', 'cosign'), days }),
  { maxLength: 4 },
)

const policies = fc.record({
  untagged: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  tags: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  unused: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  isUntaggedFirst: fc.boolean(),
})

const events = fc.record({
  at: fc.nat({ max: 25 }),
  what: fc.constantFrom('tag', 'index', 'untagged index', 'referrer', 'nothing'),
  of: fc.nat({ max: 7 }),
})

/** Random recipes of scenarios in which dray deletes something more often than not. */
export const vendorRecipes = fc.record({ indexes, images, attached, policy: policies, event: events })

type VendorRecipe = typeof vendorRecipes extends fc.Arbitrary<infer Recipe> ? Recipe : never

/** Builds the content of a recipe. */
export function scenarioOf({
  indexes: some,
  images: singles,
  attached: artifacts,
  policy,
  event,
}: VendorRecipe): VendorScenario {
  const roots: Pushed[] = [
    // Some vendors have no repository without an image.
    push(image({ label: 'always there' }), { tags: ['always'], days: 1 }),
    ...some.map(({ children, ...rest }, i) =>
      push(index(children.map(leafAt), { label: `index ${i}` }), rest),
    ),
    ...singles.map(({ of, ...rest }) => push(leafAt(of), rest)),
  ]
  const others = artifacts.flatMap(({ to, as, days: age }, i): readonly Pushed[] => {
    const subject = roots[to]
    if (subject === undefined) return []
    return [push(artifactOf(subject.content, as, i), { tags: [], days: Math.min(age, subject.days) })]
  })
  const pushes = [...roots, ...others]
  return { pushes, rules: rulesOf(policy), event: { at: event.at, pushes: eventOf(event, roots) } }
}

function leafAt(at: number): Content {
  return leaves[at] ?? image()
}

function push(
  content: Content,
  {
    tags: names,
    days: age,
    pulled: last,
  }: Omit<Pushed, 'content' | 'pulled'> & { pulled?: number | undefined },
): Pushed {
  return { content, tags: names, days: age, ...(last !== undefined && { pulled: last }) }
}

function artifactOf(subject: Content, as: string, i: number): Content {
  if (as === 'cosign') return cosignSignature(subject, { payloads: [`${i}`] })
  return referrer(subject, { payload: `${i}`, index: as === 'index' })
}

function rulesOf({
  untagged,
  tags: old,
  unused,
  isUntaggedFirst,
}: {
  readonly untagged: number | undefined
  readonly tags: number | undefined
  readonly unused: number | undefined
  readonly isUntaggedFirst: boolean
}): readonly Rule[] {
  const ofUntagged = untagged === undefined ? [] : [rule('untagged', { kind: 'untagged', days: untagged })]
  const ofTags = [
    ...(unused === undefined
      ? []
      : [{ ...rule('unused', { tags: globs('pr-1', 'pr-2') }), notPulledFor: unused * dayMs }]),
    ...(old === undefined ? [] : [rule('old', { tags: globs('pr-*'), days: old })]),
  ]
  return isUntaggedFirst ? [...ofUntagged, ...ofTags] : [...ofTags, ...ofUntagged]
}

/** What the other client pushes: always content that needs something which exists already. */
function eventOf(
  { what, of }: { readonly what: string; readonly of: number },
  pushes: readonly Pushed[],
): readonly Pushed[] {
  const base = pushes[of % Math.max(1, pushes.length)]
  if (base === undefined || what === 'nothing') return []
  const { content } = base
  const now = { days: 0, tags: [] }
  if (what === 'tag') return [{ ...now, content, tags: ['new'] }]
  if (what === 'index')
    return [{ ...now, content: index([content], { annotations: { by: 'another client' } }), tags: ['new'] }]
  if (what === 'untagged index')
    return [{ ...now, content: index([content], { annotations: { by: 'a client that sets no tag yet' } }) }]
  return [{ ...now, content: referrer(content, { payload: 'new' }) }]
}
