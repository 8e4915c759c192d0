import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { SourceRepository } from '../ports.ts'
import type { RepositoryNode } from './repository-node.ts'

/** The source of a scan; `RepositoryReader` implements it. */
export interface ScanSource {
  readonly store: SourceRepository
  listTags(call: Call): Promise<readonly string[]>
  resolve(tag: string, call: Call): Promise<RepositoryNode | null>
  recall(digest: Digest): Promise<RepositoryNode | undefined>
  find(digest: Digest, call: Call): Promise<RepositoryNode | null>
  findExisting(digest: Digest, call: Call): Promise<RepositoryNode | null>
  manifest(descriptor: Descriptor, call: Call): Promise<RepositoryNode | null>
  remembered(subject: Digest): readonly Digest[] | undefined
}
