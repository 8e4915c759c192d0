import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository } from '../../oci/reference.ts'
import { matchesAnyGlob } from '../../oci/tag-glob.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import type { SourceRepository } from '../../images/ports.ts'
import { findTags } from '../../images/tags/tags.ts'
import type { TagSelection } from './selection.ts'
import type { SyncRequest } from './snapshot.ts'

/** The list of a source repository, and what the rule selects of it. */
export interface ListedSource {
  /** the complete list */
  readonly tags: readonly string[]
  readonly selection: TagSelection
}

/** @throws `not-found` if the source does not exist; what the store throws. */
export async function listSource(
  { rule, source: { repository } }: SyncRequest,
  store: SourceRepository,
  call: Call,
): Promise<ListedSource> {
  const tags = await findTags(store, call)
  if (tags === undefined) {
    const name = formatRepository(repository)
    throw new DrayError('not-found', `cannot list the tags of ${name}: there is no such repository`, {
      subject: name,
      hint: `Check \`from\` and \`repositories\` of the rule ${rule.name} in dray.yaml.`,
    })
  }
  return { tags, selection: selectSimply({ rule }, tags) }
}

function selectSimply({ rule }: Pick<SyncRequest, 'rule'>, tags: readonly string[]): TagSelection {
  const matches = (selector: SyncRequest['rule']['exclude'][number], tag: string): boolean =>
    selector.kind === 'glob'
      ? matchesAnyGlob(selector.globs, tag)
      : selector.kind === 'regex' && selector.regex.match(tag) !== undefined
  const selected = tags.filter(
    (tag) =>
      !isEvidenceTag(tag) &&
      !isHoldTag(tag) &&
      (rule.include.length === 0 || rule.include.some((one) => matches(one.tags, tag))) &&
      !rule.exclude.some((one) => matches(one, tag)),
  )
  return { tags: selected.map((tag) => ({ tag })), undecided: [], warnings: [] }
}
