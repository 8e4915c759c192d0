import type { Report, RetentionReport } from '../../usecases/report/report.ts'
import type { StatusView } from '../../usecases/views/status/status.ts'
import type { Timeline } from '../../usecases/report/timeline/timeline.ts'
import { type ExitCode, exitCodes } from '../command/exit-codes.ts'

/**
 * The exit code of a report that was written: 4 if a part of it could not be read, and 1 if no
 * section could. A limit that refuses a plan is a value of the report.
 */
export function exitOfReport({ sections }: Report): ExitCode {
  const all = Object.values(sections)
  const failed = all.filter(({ state }) => state === 'failed').length
  if (failed > 0 && failed === all.length) return exitCodes.failed
  const { status, timeline, retention, usage } = sections
  const isPartial =
    failed > 0 ||
    (status?.state === 'read' && hasUnreachable(status.value)) ||
    (timeline?.state === 'read' && isDamaged(timeline.value)) ||
    (retention?.state === 'read' && hasUnread(retention.value)) ||
    (usage?.state === 'read' && usage.value.unreachable.length > 0)
  return isPartial ? exitCodes.partly : exitCodes.done
}

function hasUnreachable({ summary }: StatusView): boolean {
  return summary.unreachableCells > 0
}

function isDamaged({ log }: Timeline): boolean {
  return log.problem !== undefined
}

/** A refusal of a limit has the code `refused`; every other one is a failed read. */
function hasUnread({ policies }: RetentionReport): boolean {
  return policies.some(({ plan }) => plan.refusals.some(({ error }) => error.code !== 'refused'))
}
