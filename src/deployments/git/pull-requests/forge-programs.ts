import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import { gitEnvironment } from '../process/git-environment.ts'
import type { Git } from '../process/git.ts'
import { redactUrls } from '../process/redact-urls.ts'
import { type ProgramResult, runProgram } from '../process/run-program.ts'
import type { PullRequestText } from './page-url.ts'
import type { ForgeKind, ForgeRepository } from './remote-repository.ts'

const limitMs = 60_000

interface PullRequestContent extends PullRequestText {
  readonly body: string
}

/** A program that opens pull requests with the login of the user. */
export interface ForgeProgram {
  readonly name: 'gh' | 'glab'
  readonly kind: ForgeKind
  readonly list: (repository: ForgeRepository, text: PullRequestText) => readonly string[]
  readonly create: (repository: ForgeRepository, content: PullRequestContent) => readonly string[]
  /** the field of the answer of `list` */
  readonly urlField: string
}

const gh: ForgeProgram = {
  name: 'gh',
  kind: 'github',
  list: ({ host, path }, { branch, base }) => [
    'pr',
    'list',
    `--repo=${host}/${path}`,
    `--head=${branch}`,
    `--base=${base}`,
    '--state=open',
    '--json=url',
    '--limit=1',
  ],
  create: ({ host, path }, { branch, base, title, body }) => [
    'pr',
    'create',
    `--repo=${host}/${path}`,
    `--head=${branch}`,
    `--base=${base}`,
    `--title=${title}`,
    `--body=${body}`,
  ],
  urlField: 'url',
}

const glab: ForgeProgram = {
  name: 'glab',
  kind: 'gitlab',
  list: ({ host, path }, { branch, base }) => [
    'mr',
    'list',
    `--repo=https://${host}/${path}`,
    `--source-branch=${branch}`,
    `--target-branch=${base}`,
    '--output=json',
    '--per-page=1',
  ],
  create: ({ host, path }, { branch, base, title, body }) => [
    'mr',
    'create',
    `--repo=https://${host}/${path}`,
    `--source-branch=${branch}`,
    `--target-branch=${base}`,
    `--title=${title}`,
    `--description=${body}`,
    '--yes',
  ],
  urlField: 'web_url',
}

/**
 * Returns the program that can open a pull request: it is installed and logged in to the host.
 * Returns undefined if there is none.
 */
export async function findProgram(
  git: Git,
  { kind, host }: ForgeRepository,
): Promise<ForgeProgram | undefined> {
  for (const program of [gh, glab]) {
    if (kind !== program.kind && kind !== 'unknown') continue
    const result = await run(git, program, ['auth', 'status', `--hostname=${host}`])
    if (result?.status === 0) return program
  }
  return undefined
}

/**
 * Returns the URL of the open pull request of a branch, and opens one if there is none.
 * @throws `refused` if the program cannot open it; the branch stays pushed.
 */
export async function openPullRequest(
  git: Git,
  program: ForgeProgram,
  repository: ForgeRepository,
  content: PullRequestContent,
): Promise<string> {
  const known = await findOpen(git, program, repository, content)
  if (known !== undefined) return known
  const result = await run(git, program, program.create(repository, content))
  // Another run may have opened it meanwhile, which makes this one fail.
  const url = await findOpen(git, program, repository, content)
  if (url !== undefined) return url
  throw new DrayError(
    'refused',
    `${program.name} cannot open a pull request from ${content.branch} to ${content.base}`,
    {
      subject: content.branch,
      why: explain(result),
      hint: 'Correct that and run the command again. The branch is pushed.',
    },
  )
}

async function findOpen(
  git: Git,
  program: ForgeProgram,
  repository: ForgeRepository,
  text: PullRequestText,
): Promise<string | undefined> {
  const result = await run(git, program, program.list(repository, text))
  if (result?.status !== 0)
    throw new DrayError(
      'unavailable',
      `${program.name} cannot list the pull requests of ${repository.path}`,
      {
        subject: repository.path,
        why: explain(result),
        hint: 'Run the command again. The branch is pushed.',
      },
    )
  const [first] = parseList(result.stdout)
  const url = isRecord(first) ? first[program.urlField] : undefined
  return typeof url === 'string' && /^https?:\/\/\S+$/.test(url) ? redactUrls(url) : undefined
}

function parseList(output: Buffer): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(output.toString('utf8'))
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

/** undefined if the program is not installed */
async function run(
  git: Git,
  { name }: ForgeProgram,
  args: readonly string[],
): Promise<ProgramResult | undefined> {
  const { env, clock } = git.ports
  try {
    return await runProgram({
      program: name,
      args,
      folder: git.folder,
      env: { ...gitEnvironment(env, true), ...quiet },
      limitMs: git.ports.limitMs ?? limitMs,
      clock,
      signal: git.call.signal,
    })
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
}

const quiet = {
  GH_PROMPT_DISABLED: '1',
  GH_NO_UPDATE_NOTIFIER: '1',
  GH_PAGER: 'cat',
  GLAB_CHECK_UPDATE: 'false',
  GLAMOUR_STYLE: 'notty',
  NO_COLOR: '1',
  NO_PROMPT: '1',
}

function explain(result: ProgramResult | undefined): string {
  if (result === undefined) return 'it is not in PATH any more'
  return result.stderr === '' ? `it ended with status ${result.status ?? 'unknown'}` : result.stderr
}
