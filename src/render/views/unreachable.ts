import type { StatusView } from '../../usecases/views/status/status.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount } from '../text/format.ts'
import type { Style } from '../text/style.ts'

/** An image that could not be read. */
export interface Unreachable {
  readonly registry: string
  readonly error: ErrorInfo
}

/** Formats each reason once, with the number of images that it affects. */
export function renderUnreachable(all: readonly Unreachable[], style: Style): readonly string[] {
  const reasons = Map.groupBy(all, ({ registry, error }) => [registry, error.code, error.message].join('\n'))
  return [...reasons.values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const { error, registry } = first
    const why = error.why === undefined ? '' : `: ${error.why}`
    const text = `${registry} (${formatCount(same.length, 'image')}): ${error.message}${why}`
    const hint = error.hint === undefined ? [] : [style.dim(`  ${escapeText(error.hint)}`)]
    return [style.red(escapeText(text)), ...hint]
  })
}

/** Returns the images and targets of a status that could not be read. */
export function listUnreachable({ images }: StatusView): readonly Unreachable[] {
  return images.flatMap(({ cells }) =>
    cells.flatMap(({ error, repository: { registry } }) =>
      error === undefined ? [] : [{ registry, error }],
    ),
  )
}
