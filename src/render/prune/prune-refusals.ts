import type { ErrorInfo } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PruneRefusal } from '../../plan/prune/prune-plan.ts'
import { renderErrorBelow } from '../error.ts'
import { escapeText } from '../text/escape.ts'
import type { Style } from '../text/style.ts'

/** Repositories with the same refusal that are named. */
const namedAtMost = 10

/** A refusal of a repository, or an error in it. */
export interface RepositoryProblem {
  /** such as `@dev/api`, not escaped */
  readonly image: string
  readonly error: ErrorInfo
}

/** The refusals of single repositories, with the names that the plan has for them. */
export function problemsOf(
  refusals: readonly PruneRefusal[],
  images: ReadonlyMap<string, string>,
): readonly RepositoryProblem[] {
  return refusals.flatMap(({ repository, error }) => {
    if (repository === undefined) return []
    const name = formatRepository(repository)
    return [{ image: images.get(name) ?? name, error }]
  })
}

/** Repositories with their errors; those with the same error together. */
export function renderProblems(
  word: string,
  all: readonly RepositoryProblem[],
  style: Style,
): readonly string[] {
  const same = Map.groupBy(all, ({ error }) => JSON.stringify(withoutSubject(error)))
  return [...same.values()].flatMap((those) => {
    const [first] = those
    if (first === undefined) return []
    const names = those.slice(0, namedAtMost).map(({ image }) => style.bold(escapeText(image)))
    const more = those.length - names.length
    const list = [...names, ...(more === 0 ? [] : [`and ${more} more`])]
    const heads = list.map(
      (name, i) => (i === 0 ? `${style.red(word)}  ` : ' '.repeat(word.length + 2)) + name,
    )
    const error = those.length === 1 ? first.error : withoutSubject(first.error)
    return [`${heads.join('\n')}\n${renderErrorBelow(error, style, '  ')}`]
  })
}

function withoutSubject({ subject: _subject, ...error }: ErrorInfo): ErrorInfo {
  return error
}

/** The refusals of a whole run. */
export function renderWholeRefusals(refusals: readonly PruneRefusal[], style: Style): readonly string[] {
  const whole = refusals.filter(({ repository }) => repository === undefined)
  if (whole.length === 0) return []
  const head = style.red(style.bold('REFUSED: dray deletes nothing in any repository.'))
  return [[head, ...whole.map(({ error }) => renderErrorBelow(error, style, '  '))].join('\n')]
}
