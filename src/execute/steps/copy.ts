import { findAbsentManifests } from '../../images/graph/is-missing.ts'
import { walkGraph } from '../../images/graph/graph.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { parsePlatformName } from '../../oci/platform.ts'
import type { CopyStep } from '../../plan/plan.ts'
import type { PreparedStep, StepContext } from './prepared-step.ts'

/** Copies an image, or all of it but the root if a tag step puts the root. */
export function copyImage(step: CopyStep, context: StepContext): PreparedStep {
  const { stores, copier, checksContent, contentCall } = context
  const to = stores.target(step.to)
  const selection = step.platforms && { platforms: step.platforms.map(parsePlatformName) }
  // A registry that has an image has its content: it would have refused the image otherwise. An
  // index may have been copied without some platforms. `--verify` finds what was lost since.
  const isPresent = async (): Promise<boolean> => {
    if ((await to.resolve({ digest: step.root.digest }, contentCall)) === undefined) return false
    if (!isIndexType(step.root.mediaType)) return true
    const graph = await walkGraph(stores.source(step.from), step.root, contentCall, selection)
    return (await findAbsentManifests(to, graph, contentCall)).length === 0
  }
  return {
    check: async () => {
      if (checksContent && step.repair !== true && (await isPresent())) return { state: 'upToDate' }
      const gates = await context.checkGatesOfUntagged(step)
      return gates?.error === undefined ? { state: 'expected' } : { state: 'conflict', error: gates.error }
    },
    act: async (recordIntent) => {
      await recordIntent()
      const from = stores.source(step.from)
      return await copier.copy(from, to, step.root, { rootBy: step.rootBy, ...selection }, contentCall)
    },
  }
}
