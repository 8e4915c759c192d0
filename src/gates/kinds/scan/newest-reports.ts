import type { JudgedImage, JudgedSubject } from '../../evidence.ts'
import type { BrokenReport, CollectedReports, TrustedReport } from './collect-reports.ts'
import { coversSubject, mayCoverSubject } from './report-subject.ts'

/** The reports that decide about a manifest. */
export interface DecidingReports {
  /** the newest of each scanner; several if their times are equal or unknown */
  readonly newest: readonly TrustedReport[]
  /**
   * reports that cannot be read and are not known to be older than each of the newest: it is
   * unknown which scanner made them
   */
  readonly broken: readonly BrokenReport[]
}

/** Returns the newest report of each scanner about a manifest. Older ones are ignored. */
export function decidingReports(
  { trusted, broken }: CollectedReports,
  subject: JudgedSubject,
  image: JudgedImage,
): DecidingReports {
  const covering = trusted.filter((one) => coversSubject(one, subject, image))
  const byScanner = Map.groupBy(covering, ({ report }) => report.scanner)
  const newest = [...byScanner.values()].flatMap(newestOf)
  const oldest = newest.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...newest.map(timeOf))
  return {
    newest,
    broken: broken.filter(
      (one) => mayCoverSubject(one, subject, image) && !(one.time !== undefined && one.time < oldest),
    ),
  }
}

/** A report without a time is too old, and therefore older than any other. */
function newestOf(all: readonly TrustedReport[]): readonly TrustedReport[] {
  const latest = Math.max(...all.map(timeOf))
  return all.filter((one) => timeOf(one) === latest)
}

function timeOf({ time }: TrustedReport): number {
  return time ?? Number.NEGATIVE_INFINITY
}
