import { earliest } from '../../evaluation/judge-subjects.ts'
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
  const oldest = earliest(newest.map(({ time }) => time)) ?? Number.NEGATIVE_INFINITY
  return {
    newest,
    broken: broken.filter(
      (one) => mayCoverSubject(one, subject, image) && !(one.time !== undefined && one.time < oldest),
    ),
  }
}

/** A report without a time may be the newest, unless it was signed before another scan ended. */
function newestOf(all: readonly TrustedReport[]): readonly TrustedReport[] {
  const latest = Math.max(...all.map(({ time }) => time ?? Number.NEGATIVE_INFINITY))
  return all.filter(({ time, signers }) => {
    const latestPossible = earliest(signers.map((one) => one.time)) ?? Number.POSITIVE_INFINITY
    return time === undefined ? latestPossible >= latest : time === latest
  })
}
