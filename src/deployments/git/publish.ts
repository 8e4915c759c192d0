import type { Call } from '../../lib/call.ts'
import { checkHashes, commitFiles } from './commits/commit-files.ts'
import { Git } from './process/git.ts'
import type { GitPorts } from './process/git-ports.ts'
import type { PublishRequest, Published } from './publish-request.ts'
import { findTarget } from './repository/branches.ts'
import { findRepository } from './repository/find-repository.ts'

/**
 * Commits edited files, and pushes the commit or opens a pull request if the mode is that. Nothing
 * is pushed with force, and no commit of the user is pushed, moved or dropped.
 * @throws `conflict` if a file changed after the edits; `refused` if a hook, the signing or the
 * remote refuses; as `checkWorkingTree`. The edited files stay: a repeated run commits them.
 */
export async function publish(request: PublishRequest, ports: GitPorts, call: Call): Promise<Published> {
  const files = request.files.map(({ path }) => path)
  const repository = await findRepository(files, new Git(request.folder, ports, call))
  const { git, head, paths } = repository
  const target = await findTarget(git, head, request)
  await checkHashes(request.files)
  const names = [...new Set(paths.values())]
  if (target.remote !== undefined) {
    const push = { repository, request, target, to: { remote: target.remote, branch: target.name }, names }
    if (request.mode === 'push') {
      const { publishPush } = await import('./push/publish-push.ts')
      return await publishPush(push)
    }
    const { publishPullRequest } = await import('./pull-requests/publish-pull-request.ts')
    return await publishPullRequest(push)
  }
  if (!target.isCheckedOut) {
    const { commitToBranch } = await import('./commits/commit-to-branch.ts')
    return await commitToBranch(repository, target, names, request)
  }
  const commit = await commitFiles(git, names, request)
  return { ...(commit !== undefined && { commit }), branch: target.name, isPushed: false, attempts: 0 }
}
