import type { SigningKey } from '../../signing/signing-keys.ts'
import type { StatementPorts } from '../attach-statement.ts'
import type { TagLocks } from '../tags/tag-locks.ts'

export interface HoldPorts extends StatementPorts {
  /** signs the statements; they are not signed if it is absent */
  readonly signingKey?: SigningKey
  readonly tagLocks: TagLocks | undefined
  /** registries that deleted an image together with a tag; a run adds those that it finds */
  readonly neverUntag: Set<string>
  /** aborted: no further image is begun */
  readonly stop: AbortSignal
}
