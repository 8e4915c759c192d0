import type { StatusView } from '../../usecases/views/status/status.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount } from '../text/format.ts'
import type { Style } from '../text/style.ts'

/** A repository that could not be read. */
export interface Unreachable {
  readonly repository: RepositoryName
  readonly error: ErrorInfo
}

/** Formats each reason once, with the number of repositories that it affects. */
export function renderUnreachable(all: readonly Unreachable[], style: Style): readonly string[] {
  const reasons = Map.groupBy(all, ({ repository: { registry }, error }) =>
    [registry, error.code, error.message].join('\n'),
  )
  return [...reasons.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const { error, repository } = first
    const { size } = new Set(same.map((one) => formatRepository(one.repository)))
    const why = error.why === undefined ? '' : `: ${error.why}`
    const text = `${repository.registry} (${formatCount(size, 'repository', 'repositories')}): ${error.message}${why}`
    const hint = error.hint === undefined ? [] : [style.dim(`  ${escapeText(error.hint)}`)]
    return [style.red(escapeText(text)), ...hint]
  })
}

/** Returns the repositories of a status that could not be read. */
export function listUnreachable({ images }: StatusView): readonly Unreachable[] {
  return images.flatMap(({ cells }) =>
    cells.flatMap(({ error, repository }) => (error === undefined ? [] : [{ repository, error }])),
  )
}
