import type { Call } from '../../lib/call.ts'
import type { GitRequest } from '../../plan/edits/edit-step.ts'
import { Git } from './process/git.ts'
import type { GitPorts } from './process/git-ports.ts'
import { findTarget } from './repository/branches.ts'
import { findRepository } from './repository/find-repository.ts'
import { checkNoOperation } from './repository/head-state.ts'
import { checkIdentity, checkVersion } from './repository/identity.ts'
import { checkFiles, type EditBytes } from './repository/working-files.ts'

interface WorkingTreeRequest extends Pick<GitRequest, 'mode' | 'branch'> {
  /** an absolute path */
  readonly folder: string
  /** absolute paths of the files that edits change, also if they are up to date */
  readonly files: readonly string[]
  /** decides the edits of one file from its bytes, as the plan does */
  readonly edit: EditBytes
}

/**
 * Checks that the edited files can be committed, and pushed if the mode needs it. Called before
 * anything is promoted. Connects to no remote. Returns the files to publish: all of the request,
 * without those that have only changes of the user and whose edits are in HEAD already.
 * @throws `refused` for each state of the working tree in which a commit would lose or include work
 * of the user, or would fail; `config` without git; `usage` for a name that no branch can have.
 */
export async function checkWorkingTree(
  request: WorkingTreeRequest,
  ports: GitPorts,
  call: Call,
): Promise<readonly string[]> {
  if (request.files.length === 0) return []
  const anywhere = new Git(request.folder, ports, call)
  await checkVersion(anywhere)
  const repository = await findRepository(request.files, anywhere)
  const { git, paths } = repository
  await checkNoOperation(git, repository)
  await findTarget(git, repository.head, request)
  await checkIdentity(git)
  const files = await checkFiles(git, paths, request.edit)
  return files.filter(({ isToCommit }) => isToCommit).map(({ path }) => path)
}
