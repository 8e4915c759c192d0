import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../../src/oci/digest.ts'
import { type Content, cosignSignature, image, index, referrer } from '../../support/images.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'

/** Pushed content. The numbers choose among the existing content. */
interface PushedContent {
  readonly kind: 'image' | 'index' | 'referrer' | 'signature'
  readonly of: readonly number[]
  readonly tags: readonly string[]
}

const tags = ['pr-1', 'pr-2', 'pr-3', 'pr-4', 'prod', 'main', 'v1']
const anyContent: fc.Arbitrary<PushedContent> = fc.record({
  kind: fc.constantFrom('image', 'image', 'index', 'index', 'referrer', 'signature'),
  of: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
  tags: fc.subarray(tags, { maxLength: 2 }),
})
/** A push under a new tag between deletes: of existing content or of an index over it. */
const push = fc.record({ at: fc.integer({ min: 0, max: 8 }), content: anyContent, again: fc.boolean() })

function build({ kind, of }: PushedContent, built: readonly Content[]): Content {
  const chosen = of.flatMap((n) => built[n % Math.max(1, built.length)] ?? [])
  const [first] = chosen
  if (first === undefined || kind === 'image') return image({ label: `${built.length}`, layers: 0 })
  if (kind === 'index') return index([...new Set(chosen)], { label: `${built.length}` })
  return kind === 'referrer' ? referrer(first, { payload: `${built.length}` }) : cosignSignature(first)
}

/** The manifest without its children, which the registry has or has deleted. */
function alone(content: Content): Content {
  const root = content.manifests.filter(({ descriptor }) => descriptor.digest === content.root.digest)
  return { ...content, manifests: root }
}

/**
 * A registry refuses an index with a missing child. An existing index without a tag is not visible
 * to the prune and may have lost its children.
 */
async function mayBePushed(world: PruneRegistry, content: Content): Promise<boolean> {
  const { digest } = content.root
  const own = content.manifests.find(({ descriptor }) => descriptor.digest === digest)?.bytes
  return own !== undefined && (await isWhole(world, own))
}

async function isWhole(world: PruneRegistry, manifest: Uint8Array): Promise<boolean> {
  const { manifests = [] } = JSON.parse(Buffer.from(manifest).toString()) as {
    manifests?: readonly { readonly digest: string }[]
  }
  for (const child of manifests) {
    const found = await world.storage.manifest('dev/api', parseDigest(child.digest))
    if (found === undefined || !(await isWhole(world, found.bytes))) return false
  }
  return true
}

async function broken(world: PruneRegistry): Promise<readonly string[]> {
  const { oracle } = world.registry
  const complaints = await Promise.all(
    (await oracle.tags('dev/api')).map((tag) => oracle.complaints('dev/api', tag)),
  )
  return complaints.flat().filter((one) => one.includes('manifest is not there'))
}

describe('a prune with pushes between its deletes', () => {
  it('leaves every tagged image complete, and without pushes deletes all that was planned', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyContent, { minLength: 2, maxLength: 14 }),
        fc.array(push, { maxLength: 4 }),
        fc.boolean(),
        async (contents, pushes, hasReferrers) => {
          await using world = await startPruneRegistry({ abilities: { referrers: hasReferrers } })
          const built: Content[] = []
          for (const one of contents) {
            const content = build(one, built)
            built.push(content)
            world.put(content, ...one.tags)
          }
          const plan = await prunePlanOf(world.run, [world.repository])
          const doers = pushes.map(({ at, content: what, again }, i) => {
            const content = again ? (built[(what.of[0] ?? 0) % built.length] as Content) : build(what, built)
            return { at, content: alone(content), tag: `new-${i}` }
          })
          const act = async (at: number): Promise<void> => {
            for (const one of doers.filter((doer) => doer.at === at)) {
              if (await mayBePushed(world, one.content)) world.put(one.content, one.tag)
            }
          }
          await act(0)
          for (let nth = 1; nth <= 8; nth++) world.after(isDelete, () => void act(nth), nth)
          const done = await executePrunePlan(world.run, plan, { deletesAtOnce: 1 })
          expect(await broken(world)).toEqual([])
          expect(done.repositories.map(({ failed }) => failed)).toEqual([0])
          if (pushes.length > 0) return
          expect(done.steps.filter(({ result }) => result !== 'done')).toEqual([])
          const left = new Set(
            await Array.fromAsync(world.storage.manifests('dev/api'), ({ digest }) => digest),
          )
          const steps = plan.repositories.flatMap((one) => one.steps)
          expect(
            steps.filter((step) => step.kind === 'deleteManifest' && left.has(step.target.digest)),
          ).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)
})
