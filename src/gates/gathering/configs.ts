import type { GateDefinition } from '../../config/gates/gate.ts'
import { type ImageConfigView, readImageConfig } from '../../images/config/image-config.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { isContentFailure } from '../../lib/errors.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { parseCreated } from '../../oci/created.ts'
import type { Manifest } from '../../oci/manifest.ts'
import type { JudgedSubject } from '../evidence.ts'
import type { GraphPlatform } from './judged-platforms.ts'

/** Configs that are read at once. */
const readsAtOnce = 8

/**
 * Whether a rule may use what only the configs of platform images have. The indexes of an image
 * have the names of its platforms already.
 */
export function needsConfigs(gates: readonly GateDefinition[], platforms: readonly GraphPlatform[]): boolean {
  const hasNames = platforms.every(({ subject }) => subject.platform !== undefined)
  const used = hasNames ? /\b(?:labels|created)\b/ : /\b(?:labels|created|platforms?)\b/
  return gates.some((gate) => gate.kind === 'cel' && used.test(gate.expression))
}

/**
 * Adds the labels, times and platforms of the configs, one GET each. A config that is missing or
 * damaged adds nothing, and a rule about its labels fails because they are unbound.
 * @throws what the store throws for a read that failed.
 */
export async function withConfigs(
  store: BlobReader,
  platforms: readonly GraphPlatform[],
  call: Call,
): Promise<readonly JudgedSubject[]> {
  return await inParallel(platforms, readsAtOnce, call, async ({ subject, config }, c) => {
    const view = await readView(store, config, c)
    if (view === undefined) return subject
    return {
      ...(view.platform !== undefined && { platform: view.platform }),
      ...subject,
      labels: view.labels,
      ...(view.created !== undefined && { created: view.created }),
    }
  })
}

async function readView(
  store: BlobReader,
  config: GraphPlatform['config'],
  call: Call,
): Promise<ImageConfigView | undefined> {
  try {
    return await readImageConfig(store, config, call)
  } catch (error) {
    if (!isContentFailure(error) || call.signal.aborted) throw error
    return undefined
  }
}

/**
 * The time of a manifest or index by its annotation. Without one, it is the time of its newest
 * platform image.
 */
export function createdOfRoot(
  manifest: Manifest | undefined,
  platforms: readonly JudgedSubject[],
): string | undefined {
  const annotated = manifest?.annotations?.[annotationKeys.created]
  if (annotated !== undefined && annotated !== '') return annotated
  const times = platforms.flatMap(({ created }) => created ?? [])
  return times.toSorted((a, b) => (parseCreated(b) ?? -Infinity) - (parseCreated(a) ?? -Infinity))[0]
}
