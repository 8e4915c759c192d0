import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { SourceRepository } from '../../../images/ports.ts'
import { findTags } from '../../../images/tags/tags.ts'
import type { SyncPorts } from '../sync-ports.ts'
import { selectByTime } from '../select-by-time.ts'
import type { TagSelection } from '../selection.ts'
import type { SyncRequest } from '../snapshot.ts'
import { type KnownDigests, resolveEach } from './read-digests.ts'

/** The list of a source repository, and what the rule selects of it. */
export interface SelectedSource {
  /** the complete list */
  readonly tags: readonly string[]
  readonly selection: TagSelection
  /** what the selection had to read */
  readonly known: KnownDigests
}

/** @throws `not-found` if the source does not exist; what the ports throw. */
export async function selectSource(
  { rule, source }: SyncRequest,
  store: SourceRepository,
  { inventories, contents }: SyncPorts,
  now: number,
  call: Call,
): Promise<SelectedSource> {
  const tags = await findTags(store, call)
  if (tags === undefined) {
    const name = formatRepository(source.repository)
    throw new DrayError('not-found', `cannot list the tags of ${name}: there is no such repository`, {
      subject: name,
      hint: `Check \`from\` and \`repositories\` of the rule ${rule.name} in dray.yaml.`,
    })
  }
  const resolved = new Set<string>()
  const ports = {
    store,
    inventories,
    contents,
    resolve: async (wanted: readonly string[], c: Call) => {
      for (const tag of wanted) resolved.add(tag)
      return await resolveEach(store, wanted, new Set(), c)
    },
  }
  const { reading } = source
  const { selection, digests, unread } = await selectByTime({ rule, reading, tags, now }, ports, call)
  return { tags, selection, known: { digests, unread, resolved } }
}
