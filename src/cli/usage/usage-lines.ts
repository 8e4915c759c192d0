import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { UsageReport } from '../../usecases/usage/usage-report.ts'
import type { ResultLines } from '../output/result-lines.ts'

/** The lines of a report: the rows of its table. */
export function listUsageLines({
  by,
  repositories,
  unreachable,
  images = [],
  layers = [],
}: UsageReport): ResultLines {
  if (by === 'tag')
    return {
      rows: () => [...images, ...unreachable],
      names: () => images.flatMap(({ repository, tags }) => tags.map((tag) => formatAt(repository, { tag }))),
    }
  if (by === 'layer')
    return {
      rows: () => [...layers, ...unreachable],
      names: () => layers.flatMap(({ sharedBy }) => sharedBy),
    }
  return {
    rows: () => [...repositories, ...unreachable],
    names: () => repositories.map(({ repository }) => formatRepository(repository)),
  }
}
