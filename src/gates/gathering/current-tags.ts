import type { GateDefinition } from '../../config/gates/gate.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { GatePorts } from '../gate-request.ts'

/** Current-version tags that are resolved at once. */
const readsAtOnce = 8

/** Whether the current-version tags of environments are on an image. */
export interface CurrentTags {
  /** by environment: at each of its targets */
  readonly isCurrentIn: ReadonlyMap<string, boolean>
  /** by environment: the read that failed */
  readonly errors: ReadonlyMap<string, ErrorInfo>
}

/** The environment whose current-version tag a gate needs. */
export function currentIn(gate: GateDefinition): string | undefined {
  return gate.kind === 'soak' && gate.requireCurrent ? gate.soakEnvironment : undefined
}

/**
 * Resolves the current-version tags that soak gates need: one HEAD for each target. A failed read
 * is an error of the gates that need it.
 * @throws the reason of the signal.
 */
export async function readCurrentTags(
  gates: readonly GateDefinition[],
  image: string,
  root: Digest,
  { stores, currentTagOf }: Pick<GatePorts, 'stores' | 'currentTagOf'>,
  call: Call,
): Promise<CurrentTags> {
  const environments = [...new Set(gates.flatMap((gate) => currentIn(gate) ?? []))]
  const isCurrentIn = new Map<string, boolean>()
  const errors = new Map<string, ErrorInfo>()
  for (const environment of environments) {
    const tags = currentTagOf(environment, image)
    try {
      const found = await inParallel(tags, readsAtOnce, call, ({ repository, tag }, c) =>
        stores.source(repository).resolve({ tag }, c),
      )
      isCurrentIn.set(environment, found.length > 0 && found.every((at) => at?.digest === root))
    } catch (error) {
      call.signal.throwIfAborted()
      errors.set(environment, toErrorInfo(error))
    }
  }
  return { isCurrentIn, errors }
}
