import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import { type DecidedEdits, decideEdits } from '../../usecases/gitops/decide.ts'
import type { GatheredFile } from '../../usecases/gitops/gather.ts'
import type { EditRequest } from '../../usecases/gitops/request.ts'
import type { Context } from '../wiring/context.ts'

/**
 * Decides the edits of files. If an entry would keep its version, the audit log shows which edits
 * earlier runs have begun with the same images: an interrupted run is finished. Returns also the
 * request with these edits, to decide again in the same way.
 * @throws what `decideEdits` throws, and what reading the audit log throws.
 */
export async function decideWithRecords(
  gathered: readonly GatheredFile[],
  request: EditRequest,
  auditFile: string | undefined,
  context: Context,
  { signal }: Call,
): Promise<{ readonly request: EditRequest; readonly decided: DecidedEdits }> {
  const first = decideOrRefuse(gathered, request)
  if ('decided' in first && !first.decided.hasKept) return { request, decided: first.decided }
  const { findBegunEdits } = await import('../../audit/moves/find-begun-edits.ts')
  const { config, images } = request
  const begun = await findBegunEdits(await context.auditPath(auditFile), {
    environment: config.environment,
    digests: new Set(images.map(({ digest }) => digest)),
    signal,
  })
  if (begun.length > 0) {
    const again = { ...request, begun }
    return { request: again, decided: decideEdits(gathered, again) }
  }
  if ('refusal' in first) throw first.refusal
  return { request, decided: first.decided }
}

function decideOrRefuse(
  gathered: readonly GatheredFile[],
  request: EditRequest,
): { readonly decided: DecidedEdits } | { readonly refusal: Error } {
  try {
    return { decided: decideEdits(gathered, request) }
  } catch (error) {
    if (isDrayError(error) && error.code === 'refused') return { refusal: error }
    throw error
  }
}
