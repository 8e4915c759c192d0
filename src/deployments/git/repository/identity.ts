import { DrayError } from '../../../lib/errors.ts'
import { explainGit, type Git } from '../process/git.ts'

/** @throws `refused` if git knows no author or committer. */
export async function checkIdentity(git: Git): Promise<void> {
  const names = ['GIT_AUTHOR_IDENT', 'GIT_COMMITTER_IDENT']
  const results = await Promise.all(names.map(async (name) => await git.run(['var', name])))
  const failed = results.find(({ status }) => status !== 0)
  if (failed !== undefined)
    throw new DrayError('refused', `git has no identity for commits in ${git.folder}`, {
      subject: git.folder,
      why: explainGit(failed).split('\n').at(-1),
      hint: 'Set it: git config user.name NAME && git config user.email EMAIL',
    })
}

const minVersion: readonly [major: number, minor: number] = [2, 25]

/** @throws `config` without git; `refused` for a git that lacks commands that dray needs. */
export async function checkVersion(git: Git): Promise<void> {
  const line = (await git.line(['version'])) ?? ''
  const [, major = '', minor = ''] = /(\d+)\.(\d+)/.exec(line) ?? []
  const [minMajor, minMinor] = minVersion
  if (+major > minMajor || (+major === minMajor && +minor >= minMinor)) return
  throw new DrayError('refused', `git ${major}.${minor} is too old`, {
    subject: 'git',
    why: `dray needs version ${minVersion.join('.')} or later to commit`,
    hint: 'Update git, or run dray without --commit, --push and --pr.',
  })
}
