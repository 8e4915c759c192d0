import type { GateDefinition } from '../../config/gates/gate.ts'
import type { Call } from '../../lib/call.ts'
import type { CheckPorts } from '../../usecases/check/check.ts'
import type { CheckRequest } from '../../usecases/check/request.ts'
import type { Context } from '../wiring/context.ts'
import { distinctGates } from './changes/gate-run.ts'
import type { GateFlags } from './gate-flags.ts'
import { createGatePorts } from './gate-ports.ts'
import { loadGates } from './load-gates.ts'
import { readReportFiles, warnAboutReportFiles } from './report-files.ts'
import { residencyErrors } from './residency.ts'

/**
 * Opens what `dray check` judges images with: the keys and roots of the gates of its requests.
 * @throws `config` for a gate that cannot be used; what reading the report files throws.
 */
export async function openCheckPorts(
  requests: readonly CheckRequest[],
  flags: GateFlags,
  context: Context,
  { notify }: Call,
): Promise<CheckPorts> {
  const loaded = await context.config()
  const gates = definitionsOf(requests)
  const [reportFiles, trust, { judge }] = await Promise.all([
    readReportFiles(flags['scan-report'] ?? [], context.cwd),
    loadGates(loaded, gates),
    import('../../gates/judge.ts'),
  ])
  for (const text of warnAboutReportFiles(reportFiles, gates)) notify({ kind: 'warning', text })
  const ports = await createGatePorts(context, loaded, {
    trust,
    reason: flags.reason,
    ticket: flags.ticket,
    actor: flags.actor,
    overrides: new Map(),
    reportFiles,
  })
  return {
    stores: await context.stores(),
    judge: (request, call) => judge(request, ports, call),
    violationsOf: (image, { root, from, to }, call) =>
      residencyErrors({ image, root, from: from.repository, to: to.repository }, context, call),
  }
}

function definitionsOf(requests: readonly CheckRequest[]): readonly GateDefinition[] {
  return distinctGates(requests.flatMap(({ targets }) => targets.flatMap(({ gates }) => gates)))
}
